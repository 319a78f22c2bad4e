//! Any bytes from the network are a message or are refused, and a message becomes a domain value
//! or is refused with the field's name; what was taken goes back to the wire and comes again the
//! same. `cargo fuzz run wire`

#![no_main]

use libfuzzer_sys::fuzz_target;
use parapet::api::convert;
use parapet::proto::v1;
use prost::Message;

fn decoded<M: Message + Default>(bytes: &[u8]) -> Option<M> {
    M::decode(bytes).ok()
}

fuzz_target!(|input: (u8, &[u8])| {
    let (which, bytes) = input;
    match which % 8 {
        0 => {
            if let Some(wire) = decoded::<v1::Event>(bytes)
                && let Ok(record) = convert::from_wire(wire)
            {
                let again = convert::from_wire(convert::to_wire(&record)).expect("our own event");
                // Not a number is not equal to itself: compared as text.
                assert_eq!(format!("{again:?}"), format!("{record:?}"));
            }
        }
        1 => {
            if let Some(request) = decoded::<v1::SubscribeRequest>(bytes) {
                let _ = convert::filter_from_wire(request.filter.unwrap_or_default());
            }
        }
        2 => {
            if let Some(request) = decoded::<v1::QueryRequest>(bytes)
                && let Ok(filter) = convert::filter_from_wire(request.filter.unwrap_or_default())
            {
                let again = convert::filter_from_wire(convert::filter_to_wire(&filter));
                assert_eq!(again.expect("our own filter"), filter);
            }
        }
        3 => {
            let _ = decoded::<v1::Camera>(bytes).map(convert::camera_from_wire);
        }
        4 => {
            let _ = decoded::<v1::Gap>(bytes).map(convert::gap_from_wire);
        }
        5 => {
            let _ = decoded::<v1::Event>(bytes).map(convert::event_from_wire);
        }
        6 => {
            let _ = decoded::<v1::AcknowledgeRequest>(bytes);
            let _ = decoded::<v1::ReadAuditLogRequest>(bytes);
            let _ = decoded::<v1::PauseCameraRequest>(bytes);
        }
        _ => {
            let _ = decoded::<v1::DeliverRequest>(bytes);
            let _ = decoded::<v1::DeliverResponse>(bytes);
        }
    }
});
