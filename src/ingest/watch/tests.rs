//! What is decided on coded pictures and what is deferred, without a decoder.

use std::path::Path;
use std::sync::Arc;

use gstreamer as gst;
use parking_lot::Mutex;

use super::decide::{Next, defer, judge};
use super::state::StreamState;
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
fn a_camera_whose_probes_are_all_deferred_sleeps_holds_its_groups_and_wakes_by_its_stream() {
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
    let mut state = StreamState::of(&core.camera);
    let mut probes = 0;
    for number in 0..60 * GOP {
        let bytes = if number.is_multiple_of(GOP) {
            60_000
        } else {
            4_000
        };
        match judge(&core, &mut state, picture(number, bytes), false) {
            Next::Gone => {}
            Next::Through(_) => panic!("it is in watch mode"),
            Next::Decided(job) => {
                probes += 1;
                assert!(defer(&core, &mut state, job).is_ok());
                assert!(state.pending_urgency().is_some());
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
    assert!(probes >= 59, "what was deferred is owed: {probes}");
    let deferred = stats.probes_deferred.get();
    assert!((55..probes).contains(&deferred), "{deferred} of {probes}");
    let mut woken = None;
    for number in 60 * GOP..61 * GOP {
        let next = judge(&core, &mut state, picture(number, 60_000), false);
        if let Next::Decided(job) = next
            && let Err(job) = defer(&core, &mut state, job)
        {
            woken = woken.or(Some((number % GOP, job)));
        }
    }
    let (place, job) = woken.expect("it wakes");
    assert!(place <= 3, "{job:?}");
    assert_eq!(state.pending_urgency(), None, "awake");
    // The keyframe that nobody decoded is there to begin with.
    let (held, _) = state.ring.take(Rewind::Current);
    let first = held.first().and_then(|held| held.buffer.pts());
    assert_eq!(first, Some(gst::ClockTime::from_mseconds(60 * GOP * 80)));
    let words = format!("{job:?}");
    assert!(
        words.contains(&format!("Wake({:?}", WakeReason::Stream)),
        "{words}"
    );
}
