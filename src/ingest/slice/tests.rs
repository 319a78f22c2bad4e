use gst::prelude::*;
use gstreamer_app as gst_app;
use proptest::prelude::*;

use super::*;

/// Encodes a moving ball and reads every picture: key or not, and what was found.
fn read(encoder: &str, form: &str) -> Vec<(bool, Option<SliceHeader>)> {
    gst::init().expect("gstreamer");
    let launch = format!(
        "videotestsrc num-buffers=40 pattern=ball ! video/x-raw,format=I420,width=320,height=240 ! \
         {encoder} ! h264parse ! video/x-h264,stream-format={form},alignment=au ! \
         appsink name=out sync=false"
    );
    let pipeline = gst::parse::launch(&launch).expect("pipeline");
    let pipeline = pipeline.downcast::<gst::Pipeline>().expect("pipeline");
    let out = pipeline.by_name("out").expect("sink");
    let out = out.downcast::<gst_app::AppSink>().expect("sink");
    pipeline.set_state(gst::State::Playing).expect("plays");
    let mut reader = SliceReader::default();
    let mut configured = false;
    let mut found = Vec::new();
    while let Ok(sample) = out.pull_sample() {
        if !std::mem::replace(&mut configured, true) {
            reader.configure(sample.caps().expect("caps"), true);
        }
        let buffer = sample.buffer().expect("buffer");
        let map = buffer.map_readable().expect("map");
        let key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        found.push((key, reader.read(map.as_slice())));
    }
    pipeline.set_state(gst::State::Null).expect("stops");
    found
}

#[test]
fn the_quantiser_of_every_picture_is_read_whatever_the_form_and_profile() {
    for form in ["avc", "byte-stream"] {
        for extra in [
            "bframes=0",
            "bframes=2 option-string=b-pyramid=none:b-adapt=0",
            "bframes=0 cabac=false",
            "bframes=0 option-string=weightp=2:ref=4 threads=1",
            "bframes=0 dct8x8=true sliced-threads=true threads=2",
        ] {
            let encoder =
                format!("x264enc pass=quant quantizer=31 mb-tree=false key-int-max=20 {extra}");
            let found = read(&encoder, form);
            assert_eq!(found.len(), 40, "{form} {extra}");
            for (number, (key, slice)) in found.iter().enumerate() {
                let slice = slice.expect("a slice");
                let qp = slice.qp.expect("a quantiser");
                // x264 makes I-pictures finer and B-pictures coarser than the P-pictures.
                assert!((26.0..=34.0).contains(&qp), "{form} {extra}: {number} {qp}");
                assert!(!key || slice.reference);
                assert!(
                    *key || !slice.reference || qp == 31.0,
                    "{form} {extra}: {number} {qp}"
                );
            }
            let some = |wanted: bool| {
                found
                    .iter()
                    .any(|(_, s)| s.is_some_and(|s| s.reference == wanted))
            };
            assert!(some(true));
            assert_eq!(some(false), extra.starts_with("bframes=2"), "{extra}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(
        record in prop::collection::vec(any::<u8>(), 0..200),
        units in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..10),
    ) {
        let mut reader = SliceReader::default();
        reader.record(&record);
        for mut unit in units {
            reader.read(&unit);
            reader.length_bytes = 0;
            for nal in [0x67, 0x68, 0x65, 0x41] {
                unit.splice(0..0, [0, 0, 1, nal]);
                reader.read(&unit);
            }
        }
    }
}
