//! One camera of a server: what it shows, what is wrong with it, and what it has sent.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::coding::Coding;
use super::error::SimError;
use super::fault::{Effect, Fault, FaultBoard, Picture};
use super::library::Library;
use super::packets::Stream;
use super::report::CameraReport;
use parapet::base::clock::Monotonic;

/// So many times of played recordings are kept.
const PLAYED_KEPT: usize = 1_000;

/// A recording to be played once.
#[derive(Clone, Debug)]
pub(super) struct Insert {
    /// Counts the camera's inserts: a viewer plays each number once.
    pub(super) number: u64,
    pub(super) stream: Arc<Stream>,
}

/// What one camera has sent and refused.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) viewers: AtomicU64,
    pub(super) sessions: AtomicU64,
    pub(super) frames: AtomicU64,
    pub(super) packets: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) packets_lost: AtomicU64,
    pub(super) frames_skipped: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) unauthorized: AtomicU64,
}

/// Adds to a count.
pub(super) fn count(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

pub(super) struct Camera {
    /// The URL's path without its leading `/`.
    pub(super) mount: String,
    pub(super) login: Option<(String, String)>,
    pub(super) counts: Counts,
    file: PathBuf,
    coding: Coding,
    start: Duration,
    library: Arc<Library>,
    begun: OnceLock<Monotonic>,
    faults: Mutex<FaultBoard>,
    effect: watch::Sender<Effect>,
    insert: watch::Sender<Option<Insert>>,
    played: Mutex<VecDeque<i64>>,
}

impl std::fmt::Debug for Camera {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Camera")
            .field("mount", &self.mount)
            .finish_non_exhaustive()
    }
}

impl Camera {
    pub(super) fn new(
        mount: String,
        login: Option<(String, String)>,
        (file, coding): (PathBuf, Coding),
        start: Duration,
        library: Arc<Library>,
    ) -> Self {
        Self {
            mount,
            login,
            counts: Counts::default(),
            file,
            coding,
            start,
            library,
            begun: OnceLock::new(),
            faults: Mutex::default(),
            effect: watch::Sender::new(Effect::default()),
            insert: watch::Sender::new(None),
            played: Mutex::default(),
        }
    }

    /// Follows what is wrong with it.
    pub(super) fn effects(&self) -> watch::Receiver<Effect> {
        self.effect.subscribe()
    }

    /// Follows what it is to play in between; what was ordered before does not count.
    pub(super) fn inserts(&self) -> watch::Receiver<Option<Insert>> {
        self.insert.subscribe()
    }

    /// Has a recording played once, from the next keyframe on.
    pub(super) fn play(&self, stream: Arc<Stream>) {
        self.insert.send_modify(|insert| {
            let number = insert.as_ref().map_or(1, |before| before.number + 1);
            *insert = Some(Insert { number, stream });
        });
    }

    /// Notes when the first picture of an insert was sent.
    pub(super) fn note_played(&self, utc_micros: i64) {
        let mut played = self.played.lock();
        if played.len() >= PLAYED_KEPT {
            played.pop_front();
        }
        played.push_back(utc_micros);
    }

    /// The stream of a recording that is ready to be played in between.
    pub(super) fn ready(&self, file: &Path) -> Option<Arc<Stream>> {
        self.library.ready(file, &Coding::default())
    }

    /// Reads a recording to be played in between; blocks for as long as that takes.
    ///
    /// # Errors
    /// [`SimError`], which names the file.
    pub(super) fn fetch(&self, file: &Path) -> Result<(), SimError> {
        self.library.get(file, &Coding::default()).map(|_| ())
    }

    /// The stream it shows at a picture fault; the normal one where a stand-in is not ready.
    pub(super) fn stream(&self, picture: Picture) -> Option<Arc<Stream>> {
        let coding = self.library.stand_in(&self.file, &self.coding, picture);
        self.library
            .ready(&self.file, &coding)
            .or_else(|| self.library.ready(&self.file, &self.coding))
    }

    /// Whether a fault's stand-in still has to be made.
    pub(super) fn lacks(&self, fault: Fault) -> Option<Picture> {
        let picture = match fault {
            Fault::Resolution => Picture::OtherSize,
            Fault::Codec => Picture::OtherCodec,
            _ => return None,
        };
        let coding = self.library.stand_in(&self.file, &self.coding, picture);
        self.library
            .ready(&self.file, &coding)
            .is_none()
            .then_some(picture)
    }

    /// Makes a picture; blocks for as long as coding takes.
    ///
    /// # Errors
    /// [`SimError`], which names the file.
    pub(super) fn make(&self, picture: Picture) -> Result<(), SimError> {
        let coding = self.library.stand_in(&self.file, &self.coding, picture);
        self.library.get(&self.file, &coding).map(|_| ())
    }

    /// How far it is in its endless playback; it begins with its first viewer.
    pub(super) fn position(&self, now: Monotonic) -> Duration {
        self.start + now.since(*self.begun.get_or_init(|| now))
    }

    /// Puts a fault in force.
    pub(super) fn apply(&self, number: u64, fault: Fault) {
        self.change(|board| board.add(number, fault));
    }

    pub(super) fn end(&self, number: u64) {
        self.change(|board| board.end(number));
    }

    pub(super) fn clear(&self) {
        self.change(FaultBoard::clear);
    }

    fn change(&self, what: impl FnOnce(&mut FaultBoard)) {
        let mut board = self.faults.lock();
        what(&mut board);
        let new = board.effect();
        self.effect.send_if_modified(|effect| {
            let changed = *effect != new;
            *effect = new;
            changed
        });
    }

    /// What it sent, and what is wrong with it.
    pub(super) fn report(&self) -> CameraReport {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let board = self.faults.lock();
        let counts = &self.counts;
        CameraReport {
            camera: self.mount.clone(),
            viewers: read(&counts.viewers),
            sessions: read(&counts.sessions),
            frames: read(&counts.frames),
            packets: read(&counts.packets),
            bytes: read(&counts.bytes),
            packets_lost: read(&counts.packets_lost),
            frames_skipped: read(&counts.frames_skipped),
            refused: read(&counts.refused),
            unauthorized: read(&counts.unauthorized),
            faults_applied: board.applied(),
            faults: board.in_force(),
            played: self.played.lock().iter().copied().collect(),
        }
    }
}
