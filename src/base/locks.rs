//! The locks on a picture's way, and which may be held with which.
//!
//! A picture of an awake RTSP camera crosses these from the socket to the analysis (31 of them before its
//! stream's state was owned by value, 11 now; histograms and GStreamer's own not counted):
//!
//! ```text
//!  thread      lock             guards                                          taken
//!  receiving   decode queue     jobs by rank                                    to queue the job
//!  decoding    decode queue                                                     to take it
//!              owner            whose pictures come out of a decoder            by the sink's callback
//!              output           a session's routing, progress and background    once a picture
//!              slot             a camera's newest frame                         to put it
//!              planner          which cameras are ready, in flight              to mark it ready
//!  inference   planner                                                          to cut a batch, for all of it
//!              lanes            the cameras by number                           likewise, to read
//!              slot                                                             to take the frame
//!              planner                                                          to mark the camera done
//!  analysis    window           when a camera was looked at within the minute   once an answer
//! ```
//!
//! An event crosses one more, the journal's `closed`, on its way into a bounded channel. A coded picture of
//! a sleeping camera that is held or let go crosses none; while its probe waits, the lock of the stream.
//!
//! Who may be held with whom:
//!
//! ```text
//!  level     locks                                      while it is held
//!  Session   a pipeline's place                         the pipeline is stopped and built anew: streaming
//!                                                       threads are waited for, so none of them takes it
//!  Stream    a stream whose probe waits, a parked one   a picture is judged and the sink is asked; never
//!                                                       through a decoder
//!  Leaf      all others of the table, and the sink's:   nothing is waited for, nobody is called, and no
//!            admission, signals, the end of a session   other lock is taken
//! ```
//!
//! A lock is taken only while none of its own level or a later one is held; in a debug build an [`Ordered`]
//! one panics otherwise, so every test looks for it. Three stand outside, for they are never taken together
//! with one of these but as the outermost: the supervisor's board of cameras (leaves below it), the
//! source's runtime (taken to open a camera) and the fake source's wires (held through the sink's call).

use std::ops::{Deref, DerefMut};

use parking_lot::{Mutex, MutexGuard};

/// Taken first, [`Stream`] or [`Leaf`] within it.
pub type Session<T> = Ordered<T, 0>;
/// [`Leaf`] within it.
pub type Stream<T> = Ordered<T, 1>;
/// No other within it.
pub type Leaf<T> = Ordered<T, 2>;

/// A mutex with a level: none of the same or a later one is held by the thread that takes it.
#[derive(Debug, Default)]
pub struct Ordered<T, const LEVEL: u8>(Mutex<T>);

impl<T, const LEVEL: u8> Ordered<T, LEVEL> {
    /// Guards a value.
    pub const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Waits for it.
    ///
    /// # Panics
    /// In a debug build, where the thread holds one that comes later.
    pub fn lock(&self) -> Held<'_, T, LEVEL> {
        let level = Taken::<LEVEL>::check();
        Held {
            guard: self.0.lock(),
            _level: level,
        }
    }
}

/// A lock that is held.
#[derive(Debug)]
pub struct Held<'l, T, const LEVEL: u8> {
    guard: MutexGuard<'l, T>,
    _level: Taken<LEVEL>,
}

impl<'l, T, const LEVEL: u8> Held<'l, T, LEVEL> {
    /// For a condition variable to wait with.
    pub fn guard(&mut self) -> &mut MutexGuard<'l, T> {
        &mut self.guard
    }
}

impl<T, const LEVEL: u8> Deref for Held<'_, T, LEVEL> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T, const LEVEL: u8> DerefMut for Held<'_, T, LEVEL> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// The thread holds one of this level.
#[derive(Debug)]
struct Taken<const LEVEL: u8>;

#[cfg(debug_assertions)]
mod held {
    use std::cell::Cell;

    use super::Taken;

    thread_local! {
        /// A bit for each level.
        static LEVELS: Cell<u8> = const { Cell::new(0) };
    }

    impl<const LEVEL: u8> Taken<LEVEL> {
        pub(super) fn check() -> Self {
            let held = LEVELS.get();
            assert!(
                held >> LEVEL == 0,
                "a lock of level {LEVEL} is taken while one of the same or a later level is held ({held:#b})"
            );
            LEVELS.set(held | 1 << LEVEL);
            Self
        }
    }

    impl<const LEVEL: u8> Drop for Taken<LEVEL> {
        fn drop(&mut self) {
            LEVELS.set(LEVELS.get() & !(1 << LEVEL));
        }
    }
}

#[cfg(not(debug_assertions))]
impl<const LEVEL: u8> Taken<LEVEL> {
    fn check() -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outer_locks_are_taken_before_inner_ones() {
        let (session, stream, leaf) = (Session::new(1), Stream::new(2), Leaf::new(3));
        for _ in 0..2 {
            let (session, stream) = (session.lock(), stream.lock());
            let mut leaf = leaf.lock();
            *leaf += *session + *stream;
        }
        assert_eq!(*leaf.lock(), 9);
    }

    #[cfg(debug_assertions)]
    #[test]
    #[should_panic(expected = "level 1 is taken")]
    fn a_lock_that_is_taken_within_a_leaf_panics() {
        let (stream, leaf) = (Stream::new(()), Leaf::new(()));
        let _leaf = leaf.lock();
        let _stream = stream.lock();
    }

    #[cfg(debug_assertions)]
    #[test]
    #[should_panic(expected = "level 2 is taken")]
    fn two_leaves_at_once_panic() {
        let (one, other) = (Leaf::new(()), Leaf::new(()));
        let _one = one.lock();
        let _other = other.lock();
    }
}
