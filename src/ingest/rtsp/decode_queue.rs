//! Whose picture is decoded next, where more ask than there are threads.
//!
//! ```text
//!  1  Followed      it is awake: what it shows may be an alarm
//!  2  Hint, Due,    something moved; the heartbeat is due;
//!     Stirs         something may stir
//!  3  Spare         nobody counts on it
//! ```
//!
//! Among each of the three larger priorities go first, but who was not served for [`AGEING`] counts as
//! one priority higher for each such wait, as in inference, and who hints at something as if it had
//! waited [`HINT`] longer. So nobody starves, and who is due, not served since the last heartbeat, goes
//! before who only may stir, until that was not served for as long. A camera has one entry at most.
//! Whoever gives up before it was begun [takes it back](QueueEntry), and nothing of it is left; whose rank
//! changes [moves](QueueEntry::move_to), and those that stand alike keep the order of asking.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Condvar;

use crate::base::clock::Monotonic;
use crate::base::locks::Leaf;
use crate::ingest::gate::Urgency;

/// Waiting this long is worth one priority.
const AGEING: Duration = Duration::from_secs(1);
/// A movement in the stream is worth so long a wait.
const HINT: Duration = Duration::from_secs(60);

/// Something that a decoding thread does.
pub(super) type Work = Box<dyn FnOnce() + Send>;

/// How a camera stands in the queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rank {
    pub(super) urgency: Urgency,
    /// Its own; larger goes first.
    pub(super) priority: u8,
    /// When it was last served; longer ago goes first.
    pub(super) since: Monotonic,
}

impl Rank {
    /// Smaller goes first; `number` is that of asking.
    fn place(self, number: u64) -> Place {
        let band = match self.urgency {
            Urgency::Followed => 0,
            Urgency::Hint | Urgency::Due | Urgency::Stirs => 1,
            Urgency::Spare => 2,
        };
        let behind_hints = if self.urgency == Urgency::Hint {
            Duration::ZERO
        } else {
            HINT
        };
        let below = AGEING * u32::from(u8::MAX - self.priority);
        (band, self.since.0 + below + behind_hints, number)
    }
}

/// Band, when it would have been served last at the highest priority, number.
type Place = (u8, Duration, u64);

/// The queue before the decoding threads.
#[derive(Default)]
pub(super) struct DecodeQueue {
    state: Leaf<State>,
    called: Condvar,
}

#[derive(Default)]
struct State {
    waiting: BTreeMap<Place, Work>,
    /// How many ever asked.
    asked: u64,
    /// How much was begun.
    begun: u64,
    closed: bool,
}

impl std::fmt::Debug for DecodeQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let waiting = self.state.lock().waiting.len();
        f.debug_struct("DecodeQueue")
            .field("waiting", &waiting)
            .finish()
    }
}

impl DecodeQueue {
    /// Takes a place in the queue; dropping what it gives leaves it.
    pub(super) fn ask(self: &Arc<Self>, rank: Rank, work: Work) -> QueueEntry {
        let mut state = self.state.lock();
        state.asked += 1;
        let place = rank.place(state.asked);
        state.waiting.insert(place, work);
        drop(state);
        self.called.notify_one();
        QueueEntry {
            queue: Arc::clone(self),
            place,
            over: false,
        }
    }

    /// What is to be done next; waits for it. `None` once the queue is closed and empty.
    pub(super) fn next(&self) -> Option<Work> {
        let mut state = self.state.lock();
        loop {
            if let Some((_, work)) = state.waiting.pop_first() {
                state.begun += 1;
                return Some(work);
            }
            if state.closed {
                return None;
            }
            self.called.wait(state.guard());
        }
    }

    /// Nobody asks any more.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.called.notify_all();
    }

    /// How much was begun so far; `None` where nothing waits.
    pub(super) fn begun_while_waiting(&self) -> Option<u64> {
        let state = self.state.lock();
        (!state.waiting.is_empty()).then_some(state.begun)
    }
}

/// A place in the queue.
#[derive(Debug)]
pub(super) struct QueueEntry {
    queue: Arc<DecodeQueue>,
    place: Place,
    over: bool,
}

impl QueueEntry {
    /// Whether it was not begun yet.
    pub(super) fn waits(&self) -> bool {
        self.queue.state.lock().waiting.contains_key(&self.place)
    }

    /// Leaves the queue; false where it was begun.
    pub(super) fn take_back(&self) -> bool {
        let work = self.queue.state.lock().waiting.remove(&self.place);
        // Dropped after the lock is let go: what it holds may take its time.
        work.is_some()
    }

    /// Stands where this rank does from now on; nothing where it was begun.
    pub(super) fn move_to(&mut self, rank: Rank) {
        let place = rank.place(self.place.2);
        let mut state = self.queue.state.lock();
        if let Some(work) = state.waiting.remove(&self.place) {
            state.waiting.insert(place, work);
            self.place = place;
        }
    }

    /// It was done: there is nothing to leave.
    pub(super) fn set_over(&mut self) {
        self.over = true;
    }
}

impl Drop for QueueEntry {
    fn drop(&mut self) {
        if !self.over {
            self.take_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use parking_lot::Mutex;
    use proptest::prelude::*;

    use super::*;

    fn rank(urgency: Urgency, priority: u8, seconds: u64) -> Rank {
        Rank {
            urgency,
            priority,
            since: Monotonic(Duration::from_secs(seconds)),
        }
    }

    /// Asks with each rank; what is done writes its number down.
    fn ask(queue: &Arc<DecodeQueue>, ranks: &[Rank]) -> (Vec<QueueEntry>, Arc<Mutex<Vec<usize>>>) {
        let done = Arc::new(Mutex::new(Vec::new()));
        let entries = ranks.iter().enumerate().map(|(number, rank)| {
            let done = Arc::clone(&done);
            queue.ask(*rank, Box::new(move || done.lock().push(number)))
        });
        (entries.collect(), done)
    }

    /// Does all that waits.
    fn work_off(queue: &DecodeQueue) {
        queue.close();
        while let Some(work) = queue.next() {
            work();
        }
    }

    #[test]
    fn who_is_followed_goes_first_then_priority_then_the_hint_then_who_waited_longest() {
        let queue = Arc::new(DecodeQueue::default());
        let ranks = [
            rank(Urgency::Spare, 200, 0),
            rank(Urgency::Due, 50, 1),
            rank(Urgency::Due, 200, 9),
            rank(Urgency::Due, 200, 3),
            rank(Urgency::Stirs, 200, 7),
            rank(Urgency::Hint, 200, 9),
            rank(Urgency::Hint, 50, 9),
            rank(Urgency::Followed, 50, 9),
            rank(Urgency::Followed, 200, 1),
        ];
        let (entries, done) = ask(&queue, &ranks);
        work_off(&queue);
        assert_eq!(*done.lock(), [8, 7, 5, 3, 4, 2, 6, 1, 0]);
        assert_eq!(queue.state.lock().begun, 9);
        assert!(entries.iter().all(|entry| !entry.waits()));
    }

    #[test]
    fn a_low_priority_waits_longer_and_not_for_ever() {
        let queue = Arc::new(DecodeQueue::default());
        let ranks = [rank(Urgency::Due, 150, 100), rank(Urgency::Due, 200, 149)];
        let (_entries, done) = ask(&queue, &ranks);
        let ranks = [rank(Urgency::Due, 150, 100), rank(Urgency::Due, 200, 151)];
        let (_entries, later) = ask(&queue, &ranks);
        work_off(&queue);
        assert_eq!((&*done.lock(), &*later.lock()), (&vec![1, 0], &vec![0, 1]));
    }

    #[test]
    fn who_moves_stands_where_its_new_rank_does_and_keeps_the_order_of_asking() {
        let queue = Arc::new(DecodeQueue::default());
        let due = rank(Urgency::Due, 100, 5);
        let (mut entries, done) = ask(&queue, &[due, due, rank(Urgency::Spare, 100, 5)]);
        entries[2].move_to(rank(Urgency::Hint, 100, 5));
        entries[0].move_to(rank(Urgency::Spare, 100, 5));
        entries[0].move_to(due);
        work_off(&queue);
        assert_eq!(*done.lock(), [2, 0, 1]);
        entries[1].move_to(due);
        assert!(queue.next().is_none(), "it was done");
    }

    #[test]
    fn a_thread_that_waits_is_called_and_let_go_at_the_end() {
        let queue = Arc::new(DecodeQueue::default());
        let waiting = Arc::clone(&queue);
        let thread = crate::base::tasks::named_thread("queue", move || {
            while let Some(work) = waiting.next() {
                work();
            }
        });
        let (tell, told) = crossbeam_channel::bounded(1);
        let tell = move || tell.send(7).expect("heard");
        let entry = queue.ask(rank(Urgency::Due, 0, 0), Box::new(tell));
        assert_eq!(told.recv(), Ok(7));
        assert!(!entry.take_back(), "it was done");
        queue.close();
        thread.expect("a thread").join().expect("it ends");
    }

    fn any_rank() -> impl Strategy<Value = Rank> {
        let urgencies = vec![
            Urgency::Spare,
            Urgency::Stirs,
            Urgency::Due,
            Urgency::Hint,
            Urgency::Followed,
        ];
        (prop::sample::select(urgencies), 0_u8..4, 0_u64..100)
            .prop_map(|(urgency, priority, seconds)| rank(urgency, priority, seconds))
    }

    proptest! {
        /// Whoever leaves: all others are done once each, in the order of their ranks.
        #[test]
        fn each_is_done_once_or_taken_back(
            ranks in prop::collection::vec(any_rank(), 1..60),
            leaves in prop::collection::vec(any::<bool>(), 60),
        ) {
            let queue = Arc::new(DecodeQueue::default());
            let (entries, done) = ask(&queue, &ranks);
            for (entry, leaves) in entries.iter().zip(&leaves) {
                prop_assert!(!leaves || entry.take_back());
            }
            work_off(&queue);
            let done = done.lock();
            let stayed = leaves.iter().take(ranks.len()).filter(|leaves| !**leaves).count();
            prop_assert_eq!(done.len(), stayed);
            prop_assert!(done.iter().all(|number| !leaves[*number]));
            let place = |number: usize| ranks[number].place(number as u64);
            for pair in done.windows(2) {
                prop_assert!(place(pair[0]) < place(pair[1]));
            }
        }
    }
}
