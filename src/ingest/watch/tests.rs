//! What is decided on coded pictures and what is put off, without a decoder.

use std::path::Path;
use std::sync::Arc;

use gstreamer as gst;
use parking_lot::Mutex;

use super::decide::{Next, defer, judge};
use crate::base::clock::SystemClock;
use crate::config::types::{CameraConfig, WatchConfig, WatchMode};
use crate::ingest::deliver::Core;
use crate::ingest::gop_ring::Rewind;
use crate::ingest::playback::file_camera;
use crate::ingest::{Downstream, Note, Sink};
use crate::model::camera::WakeReason;
use crate::model::frame::Frame;

#[derive(Default)]
struct Observer {
    notes: Mutex<Vec<Note>>,
}

impl Sink for Observer {
    fn frame(&self, _frame: Frame) {}

    fn note(&self, note: Note) {
        self.notes.lock().push(note);
    }
}

const GOP: u64 = 25;

/// The `number`th picture of a stream with 12.5 a second.
fn picture(number: u64, bytes: usize) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_mut_slice(vec![0_u8; bytes + (number % 7) as usize * 20]);
    let head = buffer.get_mut().expect("the only one");
    head.set_pts(gst::ClockTime::from_mseconds(number * 80));
    if !number.is_multiple_of(GOP) {
        head.set_flags(gst::BufferFlags::DELTA_UNIT);
    }
    buffer
}

#[test]
fn a_camera_whose_looks_are_all_put_off_sleeps_holds_its_groups_and_wakes_by_its_stream() {
    gst::init().expect("gstreamer");
    let camera = CameraConfig {
        watch: WatchConfig {
            mode: WatchMode::Watch,
            ..WatchConfig::default()
        },
        ..file_camera(Path::new("none.mp4")).expect("a camera")
    };
    let observer = Arc::new(Observer::default());
    let downstream = Downstream::unlimited(Arc::clone(&observer) as Arc<dyn Sink>);
    let stats = downstream.stats.clone();
    let core = Core::new(camera, SystemClock::shared(), None, downstream);
    core.opened_with(true).expect("opens");
    let mut looks = 0;
    for number in 0..60 * GOP {
        let bytes = if number.is_multiple_of(GOP) {
            60_000
        } else {
            4_000
        };
        match judge(&core, picture(number, bytes), false) {
            Next::Gone => {}
            Next::Through(_) => panic!("it is in watch mode"),
            Next::Decided(job) => {
                looks += 1;
                assert!(defer(&core, job).is_ok());
                assert!(core.watch.wishes().is_some());
            }
        }
    }
    let asleep = Note::Asleep;
    let slept = observer
        .notes
        .lock()
        .iter()
        .filter(|note| **note == asleep)
        .count();
    assert_eq!(slept, 1);
    assert!(looks >= 59, "what was put off is owed: {looks}");
    let put_off = stats.put_off.get();
    assert!((55..looks).contains(&put_off), "{put_off} of {looks}");
    let mut woken = None;
    for number in 60 * GOP..61 * GOP {
        let next = judge(&core, picture(number, 60_000), false);
        if let Next::Decided(job) = next
            && let Err(job) = defer(&core, job)
        {
            woken = woken.or(Some((number % GOP, job)));
        }
    }
    let (place, job) = woken.expect("it wakes");
    assert!(place <= 3, "{job:?}");
    assert_eq!(core.watch.wishes(), None, "awake");
    // The keyframe that nobody decoded is there to begin with.
    let (held, _) = core.watch.course.lock().ring.take(Rewind::Current);
    let first = held.first().and_then(|held| held.buffer.pts());
    assert_eq!(first, Some(gst::ClockTime::from_mseconds(60 * GOP * 80)));
    let words = format!("{job:?}");
    assert!(
        words.contains(&format!("Wake({:?}", WakeReason::Stream)),
        "{words}"
    );
}
