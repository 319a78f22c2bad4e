//! What a follower of the journal is told, as a message of `Subscribe`.

use super::convert::{event_to_wire, gap_to_wire, to_wire};
use crate::journal::Followed;
use crate::proto::v1;
use crate::proto::v1::subscribe_response::Message;

/// One item for the wire.
pub(super) fn to_message(item: Followed) -> Message {
    match item {
        Followed::Event(record) => Message::Event(to_wire(&record)),
        Followed::Gap(gap) => Message::Gap(gap_to_wire(&gap)),
        Followed::Provisional(event) => Message::Provisional(event_to_wire(&event)),
        Followed::Position(position) => Message::Position(v1::Position {
            sequence: position.0,
        }),
    }
}
