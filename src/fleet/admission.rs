//! Which cameras may be awake while there is not enough for all: of those whose level leaves only
//! keyframes so many at a time, so that the load stays bounded whatever moves on the site. Pure.
//!
//! A place goes to the strongest evidence: somebody whom the detector saw before something that
//! moved, and among equals to the larger priority. Who asks for a place when all are taken gets that
//! of whoever stands below; of an equal only after [`TENURE`], so that where many show somebody each
//! is followed in turn. A camera asks again at each of its keyframes, where it also learns that its
//! place is gone. One that does not ask for [`FORGET`] has none.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::base::clock::Monotonic;
use crate::base::locks::Leaf;
use crate::model::camera::WakeReason;
use crate::model::ids::CameraId;

/// Cameras awake at a time for each core of the budget. They are few so that they can have their full
/// rate, and what they show is told in time: as measured an awake camera of 1080p takes 85 ms of a
/// second, so it is less than half of the core, and the rest stays for the keyframes of those asleep.
const PLACES_PER_CORE: f64 = 5.0;
/// An equal has to wait for so long: by then an alarm is told.
const TENURE: Duration = Duration::from_secs(10);
/// Groups of pictures are shorter than this, as a rule.
const FORGET: Duration = Duration::from_secs(30);

/// Why a camera wants to be awake; stronger is larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Claim {
    /// The detector saw somebody.
    seen: bool,
    priority: u8,
}

impl Claim {
    pub(super) fn of(reason: WakeReason, priority: u8) -> Self {
        Self {
            seen: reason == WakeReason::Detector,
            priority,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Place {
    claim: Claim,
    since: Monotonic,
    asked_at: Monotonic,
}

/// The places of one node.
#[derive(Debug)]
pub(super) struct Admission {
    most: usize,
    headroom: AtomicBool,
    places: Leaf<BTreeMap<CameraId, Place>>,
}

impl Admission {
    /// Of a node that may use so many cores.
    pub(super) fn of_cores(cores: f64) -> Self {
        Self {
            most: ((cores * PLACES_PER_CORE) as usize).max(1),
            headroom: AtomicBool::new(true),
            places: Leaf::default(),
        }
    }

    /// Whether the camera may be awake from `now` on; it takes a place, or keeps the one it has.
    pub(super) fn asks(&self, camera: &CameraId, claim: Claim, now: Monotonic) -> bool {
        let mut places = self.places.lock();
        if let Some(own) = places.get_mut(camera) {
            (own.claim, own.asked_at) = (claim, now);
            return true;
        }
        if places.len() >= self.most {
            places.retain(|_, place| now.since(place.asked_at) < FORGET);
        }
        if places.len() >= self.most {
            // The weakest, and of these who has it longest.
            let weakest = places
                .iter()
                .min_by_key(|(_, place)| (place.claim, place.since));
            let Some((other, place)) = weakest.map(|(other, place)| (other.clone(), *place)) else {
                return false;
            };
            let served = now.since(place.since) >= TENURE;
            if !(place.claim < claim || (place.claim == claim && served)) {
                return false;
            }
            places.remove(&other);
        }
        let place = Place {
            claim,
            since: now,
            asked_at: now,
        };
        places.insert(camera.clone(), place);
        true
    }

    /// Whether there is so much for all that what nobody counts on may be looked at.
    pub(super) fn has_headroom(&self) -> bool {
        self.headroom.load(Ordering::Acquire)
    }

    pub(super) fn set_headroom(&self, headroom: bool) {
        self.headroom.store(headroom, Ordering::Release);
    }

    /// The camera sleeps or is gone.
    pub(super) fn leaves(&self, camera: &CameraId) {
        self.places.lock().remove(camera);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn camera(number: usize) -> CameraId {
        CameraId::new(&format!("camera-{number}")).expect("a name")
    }

    fn at(seconds: u64) -> Monotonic {
        Monotonic(Duration::from_secs(seconds))
    }

    const MOVED: Claim = Claim {
        seen: false,
        priority: 100,
    };
    const SEEN: Claim = Claim {
        seen: true,
        ..MOVED
    };

    fn two() -> Admission {
        Admission {
            most: 2,
            headroom: AtomicBool::new(true),
            places: Leaf::default(),
        }
    }

    #[test]
    fn somebody_seen_comes_before_a_movement_and_a_perimeter_before_a_yard() {
        let places = two();
        assert!(places.asks(&camera(0), MOVED, at(0)));
        assert!(places.asks(&camera(1), SEEN, at(0)));
        assert!(!places.asks(&camera(2), MOVED, at(1)));
        let wall = Claim {
            priority: 200,
            ..MOVED
        };
        assert!(places.asks(&camera(3), wall, at(1)));
        assert!(places.asks(&camera(4), SEEN, at(1)), "instead of the wall");
        assert!(!places.asks(&camera(3), wall, at(1)));
        assert!(
            !places.asks(&camera(0), MOVED, at(1)),
            "it is told at its keyframe"
        );
        places.leaves(&camera(4));
        assert!(places.asks(&camera(0), MOVED, at(2)));
    }

    #[test]
    fn where_many_show_somebody_each_is_followed_in_turn() {
        let places = two();
        let mut followed = [0; 6];
        for second in 0..600 {
            for number in 0..6 {
                // Not always in the same order.
                let number = (number + second as usize) % 6;
                followed[number] += u32::from(places.asks(&camera(number), SEEN, at(second)));
            }
        }
        assert!(
            followed.iter().all(|seconds| *seconds >= 100),
            "{followed:?}"
        );
    }

    #[test]
    fn a_camera_that_asks_no_more_gives_its_place_up() {
        let places = two();
        assert!(places.asks(&camera(0), SEEN, at(0)));
        assert!(places.asks(&camera(1), SEEN, at(0)));
        assert!(!places.asks(&camera(2), MOVED, at(29)));
        assert!(places.asks(&camera(2), MOVED, at(30)));
    }

    proptest! {
        /// Whoever asks and leaves: never more than so many have a place, and nobody is refused
        /// while somebody with a weaker claim has one.
        #[test]
        fn the_strongest_claims_have_the_places(
            steps in prop::collection::vec((0_usize..8, any::<bool>(), 0_u8..3, 0_u64..9), 1..300),
        ) {
            let places = two();
            let mut now = 0;
            for (number, seen, priority, what) in steps {
                now += u64::from(what > 6);
                if what == 0 {
                    places.leaves(&camera(number));
                    continue;
                }
                let claim = Claim { seen, priority };
                let admitted = places.asks(&camera(number), claim, at(now));
                let held = places.places.lock();
                prop_assert!(held.len() <= 2);
                prop_assert_eq!(held.contains_key(&camera(number)), admitted);
                let weakest = held.values().map(|place| place.claim).min();
                prop_assert!(admitted || weakest >= Some(claim));
            }
        }
    }
}
