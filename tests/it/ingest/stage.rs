//! A sink that remembers, cameras to open and files to read.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;
use parapet::base::clock::Monotonic;
use parapet::base::tasks::named_thread;
use parapet::config::secret::Secret;
use parapet::config::types::{Credentials, Pace, RtspClient, SourceConfig, Transport};
use parapet::ingest::{Note, Sink, SourceError};
use parapet::model::frame::Frame;
use parapet::model::geometry::Size;
use parapet::model::time::CaptureTime;

/// Longer than anything here takes; reached only by a defect.
const PATIENCE: Duration = Duration::from_secs(15);

/// All of a picture's bytes, added up: tells whether they are still the same.
pub(crate) fn sum(frame: &Frame) -> u64 {
    (0..frame.format.planes())
        .flat_map(|index| frame.planes.plane(index))
        .map(|byte| u64::from(*byte))
        .sum()
}

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) last_capture: Option<CaptureTime>,
    notes: Vec<Note>,
    formats: Vec<(Size, usize)>,
    times: Vec<Duration>,
    arrivals: Vec<Monotonic>,
    kept: Vec<(Frame, u64)>,
    mismatches: usize,
}

#[derive(Default)]
pub(crate) struct Stage {
    seen: Mutex<Seen>,
    changed: Condvar,
    pause: Duration,
    keep: usize,
    panic_at: Option<usize>,
}

impl Stage {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn slow(pause: Duration) -> Arc<Self> {
        Arc::new(Self {
            pause,
            ..Self::default()
        })
    }

    pub(crate) fn keeping(keep: usize) -> Arc<Self> {
        Arc::new(Self {
            keep,
            ..Self::default()
        })
    }

    pub(crate) fn panicking_at(index: usize) -> Arc<Self> {
        Arc::new(Self {
            panic_at: Some(index),
            ..Self::default()
        })
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen
            .lock()
            .expect("no test panics while it holds this")
    }

    pub(crate) fn refused(&self, error: SourceError) {
        self.note(Note::Failed(error));
    }

    pub(crate) fn wait_until(&self, what: &str, reached: impl Fn(&Seen) -> bool) {
        let seen = self.lock();
        let (seen, timeout) = self
            .changed
            .wait_timeout_while(seen, PATIENCE, |seen| !reached(seen))
            .expect("lock");
        assert!(
            !timeout.timed_out(),
            "never saw {what}; notes {:?}, {} frames",
            seen.notes,
            seen.times.len()
        );
    }

    pub(crate) fn wait_for_end(&self) {
        self.wait_until("an end", |seen| seen.notes.iter().any(is_end));
    }

    pub(crate) fn wait_for_frames(&self, count: usize) {
        self.wait_until("the frames", |seen| {
            seen.times.len() >= count || seen.notes.iter().any(is_end)
        });
        assert!(self.frames() >= count, "ended early: {:?}", self.notes());
    }

    pub(crate) fn failure(&self) -> SourceError {
        self.wait_for_end();
        match self.ends().as_slice() {
            [Note::Failed(error)] => error.clone(),
            other => panic!("wanted one failure, saw {other:?}"),
        }
    }

    pub(crate) fn notes(&self) -> Vec<Note> {
        self.lock().notes.clone()
    }

    pub(crate) fn ends(&self) -> Vec<Note> {
        self.notes().into_iter().filter(is_end).collect()
    }

    pub(crate) fn frames(&self) -> usize {
        self.lock().times.len()
    }

    pub(crate) fn times(&self) -> Vec<Duration> {
        self.lock().times.clone()
    }

    pub(crate) fn formats(&self) -> Vec<(Size, usize)> {
        self.lock().formats.clone()
    }

    pub(crate) fn every_frame_matched_its_format(&self) -> bool {
        self.lock().mismatches == 0
    }

    pub(crate) fn kept(&self) -> Vec<(Frame, u64)> {
        self.lock().kept.clone()
    }

    pub(crate) fn last_capture(&self) -> Option<CaptureTime> {
        self.lock().last_capture
    }

    pub(crate) fn arrival_span(&self) -> Duration {
        let seen = self.lock();
        match (seen.arrivals.first(), seen.arrivals.last()) {
            (Some(first), Some(last)) => last.since(*first),
            _ => Duration::ZERO,
        }
    }
}

fn is_end(note: &Note) -> bool {
    matches!(note, Note::Ended | Note::Failed(_))
}

impl Sink for Stage {
    fn frame(&self, frame: Frame) {
        std::thread::sleep(self.pause);
        assert!(Some(self.frames()) != self.panic_at, "asked to panic");
        let mut seen = self.lock();
        if seen
            .formats
            .last()
            .is_none_or(|(size, _)| *size != frame.size)
        {
            seen.mismatches += 1;
        }
        seen.times.push(frame.media_time);
        seen.arrivals.push(frame.arrived);
        seen.last_capture = Some(frame.capture);
        if seen.kept.len() < self.keep {
            let sum = sum(&frame);
            seen.kept.push((frame, sum));
        }
        self.changed.notify_all();
    }

    fn note(&self, note: Note) {
        let mut seen = self.lock();
        if let Note::Format { size, .. } = note {
            let at = seen.times.len();
            seen.formats.push((size, at));
        }
        seen.notes.push(note);
        self.changed.notify_all();
    }
}

pub(crate) fn fast_file(path: &Path) -> SourceConfig {
    SourceConfig::File {
        path: path.to_owned(),
        pace: Pace::Fast,
        repeat: false,
    }
}

pub(crate) const CLIENTS: [RtspClient; 2] = [RtspClient::Retina, RtspClient::Gstreamer];

pub(crate) fn rtsp(
    client: RtspClient,
    url: &str,
    transport: Transport,
    login: Option<(&str, &str)>,
) -> SourceConfig {
    SourceConfig::Rtsp {
        client,
        url: url.parse().expect("url"),
        transport,
        credentials: login.map(|(user, password)| Credentials {
            user: user.to_owned(),
            password: Secret::new(password.to_owned()),
        }),
        latency: Duration::from_millis(100),
    }
}

pub(crate) fn has_element(name: &str) -> bool {
    gst::init().expect("gstreamer");
    gst::ElementFactory::find(name).is_some()
}

pub(crate) fn encode(path: &Path, frames: u32, tail: &str) {
    encode_sized(path, frames, (320, 240), tail);
}

/// Writes a moving picture of 25 frames a second through the elements of `tail`.
pub(crate) fn encode_sized(path: &Path, frames: u32, (width, height): (u32, u32), tail: &str) {
    gst::init().expect("gstreamer");
    let text = format!(
        "videotestsrc num-buffers={frames} pattern=ball ! \
         video/x-raw,format=I420,width={width},height={height},framerate=25/1 ! {tail} ! \
         filesink location={}",
        path.display()
    );
    let pipeline = gst::parse::launch(&text).expect("pipeline");
    pipeline.set_state(gst::State::Playing).expect("playing");
    let bus = pipeline.bus().expect("bus");
    let end = bus.timed_pop_filtered(
        gst::ClockTime::from_seconds(40),
        &[gst::MessageType::Eos, gst::MessageType::Error],
    );
    pipeline.set_state(gst::State::Null).expect("null");
    let end = end.expect("the encoder ends");
    assert_eq!(end.type_(), gst::MessageType::Eos, "{end:?}");
}

/// The URL of a server that answers its first client with `answer` and hangs up.
pub(crate) fn answering(answer: impl FnOnce(&mut TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port");
    let address = listener.local_addr().expect("address");
    named_thread("answering", move || {
        let (mut stream, _) = listener.accept().expect("client");
        answer(&mut stream);
        let _ = stream.flush();
    })
    .expect("thread");
    format!("rtsp://{address}/x")
}

/// The URL of a server that describes its stream like this and grants nothing else.
pub(crate) fn describing(description: &'static str) -> String {
    answering(move |stream| {
        let mut reader = BufReader::new(stream.try_clone().expect("clone"));
        loop {
            let mut request = String::new();
            while !request.ends_with("\r\n\r\n") {
                if reader.read_line(&mut request).unwrap_or(0) == 0 {
                    return;
                }
            }
            let number = request
                .lines()
                .find_map(|line| line.strip_prefix("CSeq: "))
                .expect("a number");
            let (status, body) = match request.split_whitespace().next() {
                Some("OPTIONS") => ("200 OK", ""),
                Some("DESCRIBE") => ("200 OK", description),
                _ => ("455 Method Not Valid in This State", ""),
            };
            let head = if body.is_empty() {
                "Public: OPTIONS, DESCRIBE, SETUP, PLAY\r\n".to_owned()
            } else {
                let length = body.len();
                format!("Content-Type: application/sdp\r\nContent-Length: {length}\r\n")
            };
            let answer = format!("RTSP/1.0 {status}\r\nCSeq: {number}\r\n{head}\r\n{body}");
            stream.write_all(answer.as_bytes()).expect("written");
        }
    })
}
