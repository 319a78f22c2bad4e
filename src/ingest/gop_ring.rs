//! What a sleeping camera sent and nobody decoded yet: the current group of pictures and, where
//! there is room, the one before it, or two if the keyframe between them went undecoded: then what a
//! keyframe shows may have begun in the older of them. Pure.
//!
//! Bounded in bytes and in pictures. When full the oldest group goes first; where
//! that is not enough [`GopRing::push`] hands the picture back, and its owner must decode all that
//! is held ("spill") and go on from there. So nothing that may be needed is ever lost: a stream
//! whose groups do not fit costs their decoding.

use std::collections::VecDeque;

/// At most so many groups before the current one are held.
const EARLIER: usize = 2;

/// How much may be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) bytes: usize,
    pub(super) pictures: usize,
}

/// From where a camera that wakes is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rewind {
    /// From the latest keyframe before the last one that was decoded, where it is still held; else
    /// from the one before the last.
    Previous,
    /// From the last keyframe.
    Current,
}

#[derive(Debug)]
struct Group<T> {
    items: Vec<T>,
    bytes: usize,
    /// It begins with its keyframe; else with what follows the last picture decoded.
    whole: bool,
    /// Its keyframe was decoded when it came.
    seen: bool,
}

impl<T> Default for Group<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            bytes: 0,
            whole: false,
            seen: false,
        }
    }
}

impl<T> Group<T> {
    /// How many of its pictures nobody decoded.
    fn undecoded(&self) -> usize {
        self.items.len() - usize::from(self.seen)
    }
}

/// The ring. `T` is whatever stands for a coded picture.
#[derive(Debug)]
pub(super) struct GopRing<T> {
    bounds: Bounds,
    /// Oldest first.
    earlier: VecDeque<Group<T>>,
    current: Group<T>,
}

impl<T> GopRing<T> {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            earlier: VecDeque::with_capacity(EARLIER + 1),
            current: Group::default(),
        }
    }

    /// A keyframe that is decoded now begins a new group. Returns how many pictures were let go
    /// undecoded.
    pub(super) fn begin(&mut self, key: T, bytes: usize) -> usize {
        self.begin_with(key, bytes, true)
    }

    /// As [`GopRing::begin`], with a keyframe that is held undecoded.
    pub(super) fn keep(&mut self, key: T, bytes: usize) -> usize {
        self.begin_with(key, bytes, false)
    }

    fn begin_with(&mut self, key: T, bytes: usize, seen: bool) -> usize {
        let ended = std::mem::take(&mut self.current);
        let mut gone = 0;
        if ended.whole {
            self.earlier.push_back(ended);
        } else {
            // What lacks its keyframe cannot be decoded once the decoder has gone on.
            gone += ended.undecoded();
            gone += self.keep_earlier(0);
        }
        let mut nearest_first = self.earlier.iter().rev().take(EARLIER);
        let decoded = nearest_first.position(|group| group.seen);
        gone += self.keep_earlier(decoded.map_or(1, |before| before + 1));
        self.current = Group {
            items: vec![key],
            bytes,
            whole: true,
            seen,
        };
        gone + self.make_room(0)
    }

    /// Holds a picture of the current group. Returns how many older ones were let go undecoded.
    ///
    /// # Errors
    /// The picture itself where it does not fit: decode what is held, then it.
    pub(super) fn push(&mut self, item: T, bytes: usize) -> Result<usize, T> {
        let gone = self.make_room(bytes);
        if !self.fits(bytes) {
            return Err(item);
        }
        self.current.bytes += bytes;
        self.current.items.push(item);
        Ok(gone)
    }

    /// The keyframe of the current group, which is decoded now, and the latest picture held.
    pub(super) fn see(&mut self) -> Option<(&T, &T)> {
        if !self.current.whole {
            return None;
        }
        self.current.seen = true;
        self.current.items.first().zip(self.current.items.last())
    }

    /// Lets go of all earlier groups but the latest so many; returns how many pictures nobody decoded.
    fn keep_earlier(&mut self, groups: usize) -> usize {
        let excess = self.earlier.len().saturating_sub(groups);
        self.earlier.drain(..excess).map(|g| g.undecoded()).sum()
    }

    fn make_room(&mut self, bytes: usize) -> usize {
        let mut gone = 0;
        while !self.fits(bytes) && !self.earlier.is_empty() {
            gone += self.keep_earlier(self.earlier.len() - 1);
        }
        gone
    }

    fn groups(&self) -> impl Iterator<Item = &Group<T>> {
        self.earlier.iter().chain([&self.current])
    }

    fn bytes(&self) -> usize {
        self.groups().map(|group| group.bytes).sum()
    }

    fn pictures(&self) -> usize {
        self.groups().map(|group| group.items.len()).sum()
    }

    fn fits(&self, bytes: usize) -> bool {
        self.bytes() + bytes <= self.bounds.bytes && self.pictures() < self.bounds.pictures
    }

    /// Takes everything out, from `from` on, in the order in which it came. What follows is held
    /// as going on from the last of it. The number says how many were let go undecoded.
    pub(super) fn take(&mut self, from: Rewind) -> (Vec<T>, usize) {
        let current = std::mem::take(&mut self.current);
        // Going on from the decoder's present state, an older group would only disturb it.
        if from == Rewind::Current || !current.whole {
            return (current.items, self.keep_earlier(0));
        }
        let earlier = self.earlier.drain(..).flat_map(|group| group.items);
        (earlier.chain(current.items).collect(), 0)
    }

    /// Forgets everything; returns how many pictures were let go undecoded.
    pub(super) fn clear(&mut self) -> usize {
        self.keep_earlier(0) + std::mem::take(&mut self.current).undecoded()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ring(bytes: usize, pictures: usize) -> GopRing<(bool, u32)> {
        GopRing::new(Bounds { bytes, pictures })
    }

    #[test]
    fn a_wake_begins_at_the_keyframe_before_or_at_the_last_one() {
        for (from, wanted) in [
            (Rewind::Previous, vec![0, 1, 2, 3, 4]),
            (Rewind::Current, vec![3, 4]),
        ] {
            let mut ring = ring(1_000, 100);
            for (number, key) in [true, false, false, true, false].into_iter().enumerate() {
                let item = (key, number as u32);
                if key {
                    assert_eq!(ring.begin(item, 10), 0);
                } else {
                    assert_eq!(ring.push(item, 10), Ok(0));
                }
            }
            let taken: Vec<u32> = ring.take(from).0.iter().map(|(_, n)| *n).collect();
            assert_eq!(taken, wanted);
            assert_eq!(ring.bytes(), 0);
        }
    }

    #[test]
    fn a_wake_begins_at_the_latest_keyframe_before_that_was_decoded() {
        for (seen, wanted) in [
            ([true, false, true], vec![0, 1, 2]),
            ([true, true, true], vec![1, 2]),
            ([false, true, false], vec![1, 2]),
            ([false, false, true], vec![1, 2]),
            ([true, false, false], vec![0, 1, 2]),
        ] {
            let mut ring = ring(1_000, 100);
            for (number, seen) in (0..).zip(seen) {
                if seen {
                    ring.begin((true, number), 10);
                } else {
                    ring.keep((true, number), 10);
                }
            }
            let taken: Vec<u32> = ring.take(Rewind::Previous).0.iter().map(|i| i.1).collect();
            assert_eq!(taken, wanted, "{seen:?}");
        }
        // Not for ever.
        let mut ring = ring(1_000, 100);
        ring.begin((true, 0), 10);
        let gone: usize = (1..9).map(|number| ring.keep((true, number), 10)).sum();
        assert_eq!(gone, 6);
        assert_eq!(ring.take(Rewind::Previous).0.len(), 2);
    }

    #[test]
    fn a_keyframe_that_was_held_counts_as_undecoded_when_it_goes() {
        for (keep, gone) in [(false, 1), (true, 2)] {
            let mut ring = ring(1_000, 100);
            if keep {
                ring.keep((true, 0), 10);
            } else {
                ring.begin((true, 0), 10);
            }
            ring.push((false, 1), 10).expect("room");
            assert_eq!(ring.clear(), gone);
        }
    }

    #[test]
    fn a_keyframe_that_was_held_can_be_looked_at_later_and_counts_as_decoded_then() {
        let mut ring = ring(1_000, 100);
        assert_eq!(ring.see(), None);
        ring.push((false, 0), 10).expect("room");
        assert_eq!(ring.see(), None, "it goes on from what nobody holds");
        ring.keep((true, 1), 10);
        ring.push((false, 2), 10).expect("room");
        assert_eq!(ring.see(), Some((&(true, 1), &(false, 2))));
        assert_eq!(ring.clear(), 1);
    }

    #[test]
    fn the_older_group_goes_first_and_then_the_picture_comes_back() {
        let mut ring = ring(100, 100);
        ring.begin((true, 0), 40);
        ring.push((false, 1), 10).expect("room");
        assert_eq!(ring.begin((true, 2), 40), 0);
        assert_eq!(ring.push((false, 3), 20), Ok(1));
        assert_eq!(ring.push((false, 4), 50), Err((false, 4)));
        let all: Vec<u32> = ring
            .take(Rewind::Previous)
            .0
            .iter()
            .map(|(_, n)| *n)
            .collect();
        assert_eq!(all, [2, 3]);
    }

    proptest! {
        /// Whatever comes: the bounds hold, the order holds, and what is taken begins with a
        /// keyframe unless the group was spilled.
        #[test]
        fn bounds_and_order_hold(
            steps in prop::collection::vec((0_u8..12, 1_usize..60), 1..300),
            bytes in 60_usize..400,
            pictures in 1_usize..20,
        ) {
            let mut ring = ring(bytes, pictures);
            let mut spilled = true;
            for (number, (what, size)) in steps.into_iter().enumerate() {
                let number = number as u32;
                match what {
                    0 => {
                        ring.begin((true, number), size);
                        spilled = false;
                    }
                    2 | 3 => {
                        ring.keep((true, number), size);
                        spilled = false;
                    }
                    1 => {
                        let (all, _) = ring.take(Rewind::Previous);
                        prop_assert!(all.iter().zip(all.iter().skip(1)).all(|(a, b)| a.1 < b.1));
                        prop_assert!(spilled || all.first().is_some_and(|first| first.0));
                        spilled = true;
                    }
                    _ => {
                        if ring.push((false, number), size).is_err() {
                            ring.take(Rewind::Previous);
                            spilled = true;
                        }
                    }
                }
                let keyframe_alone = ring.current.items.len() <= 1;
                prop_assert!(ring.bytes() <= bytes || keyframe_alone);
                prop_assert!(ring.pictures() <= pictures.max(1));
            }
        }
    }
}
