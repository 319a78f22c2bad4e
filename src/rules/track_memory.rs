//! What a rule remembers of each track, and for how long: a track that is no longer listed is
//! forgotten, so that memory is bounded by the tracks of the last seconds.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::ids::TrackId;

/// A track not listed for this long is forgotten, unless an incident of it still stands. Longer
/// than any tracker should remember a lost track; a rule that waits longer keeps it by itself.
pub(super) const FORGET_AFTER: Duration = Duration::from_secs(10);

/// More tracks than this are never remembered; the longest unlisted ones go first.
pub(super) const MAX_TRACKS: usize = 4_096;

#[derive(Debug)]
struct Entry<T> {
    listed: Duration,
    value: T,
}

/// Something per track, in the order of ids so that replays repeat.
#[derive(Debug)]
pub(super) struct TrackMemory<T> {
    entries: BTreeMap<TrackId, Entry<T>>,
}

impl<T> Default for TrackMemory<T> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
        }
    }
}

impl<T: Default> TrackMemory<T> {
    /// The memory of a track that is listed now.
    pub(super) fn listed(&mut self, at: Duration, track: TrackId) -> &mut T {
        let entry = self.entries.entry(track).or_insert_with(|| Entry {
            listed: at,
            value: T::default(),
        });
        entry.listed = at;
        &mut entry.value
    }

    /// The memories of the tracks that are not listed now.
    pub(super) fn unlisted(&mut self, at: Duration) -> impl Iterator<Item = &mut T> {
        self.entries
            .values_mut()
            .filter(move |entry| entry.listed != at)
            .map(|entry| &mut entry.value)
    }

    /// All memories.
    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut T> {
        self.entries.values_mut().map(|entry| &mut entry.value)
    }

    /// All memories, to look at.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.values().map(|entry| &entry.value)
    }

    /// Forgets tracks not listed for long, except those that `keep` wants; then, while there are
    /// too many, the longest unlisted that `keep` does not want.
    pub(super) fn forget(&mut self, at: Duration, keep: impl Fn(&T) -> bool) {
        self.entries.retain(|_, entry| {
            at.saturating_sub(entry.listed) <= FORGET_AFTER || keep(&entry.value)
        });
        while self.entries.len() > MAX_TRACKS {
            let oldest = self
                .entries
                .iter()
                .filter(|(_, entry)| entry.listed < at && !keep(&entry.value))
                .min_by_key(|(_, entry)| entry.listed)
                .map(|(track, _)| *track);
            match oldest {
                Some(track) => self.entries.remove(&track),
                None => break,
            };
        }
    }

    /// How many tracks are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gone_track_is_forgotten_and_a_wanted_one_kept() {
        let mut memory = TrackMemory::<u8>::default();
        *memory.listed(Duration::ZERO, TrackId(1)) = 1;
        *memory.listed(Duration::ZERO, TrackId(2)) = 2;
        memory.forget(FORGET_AFTER, |_| false);
        assert_eq!(memory.len(), 2);
        memory.forget(FORGET_AFTER + Duration::from_millis(1), |value| *value == 2);
        assert_eq!(memory.iter().copied().collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn ids_that_rain_down_never_fill_the_memory() {
        let mut memory = TrackMemory::<u8>::default();
        for id in 0..3 * MAX_TRACKS as u64 {
            let at = Duration::from_micros(id);
            memory.listed(at, TrackId(id));
            memory.forget(at, |_| false);
        }
        assert_eq!(memory.len(), MAX_TRACKS);
    }
}
