//! Timestamps of a recording that begins again and again.

/// When an access unit is shown and decoded, in nanoseconds from the loop's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timing {
    pub(super) pts: u64,
    pub(super) dts: u64,
}

/// Timings from zero on, in decoding order.
///
/// `found` has the file's `(pts, dts)`. A raw stream knows no time: where any unit lacks its pts,
/// all get `frame` nanoseconds each in decoding order.
pub(super) fn retime(found: &[(Option<u64>, Option<u64>)], frame: u64) -> Vec<Timing> {
    let known: Option<Vec<_>> = found
        .iter()
        .map(|&(pts, dts)| pts.map(|pts| (pts, dts.unwrap_or(pts))))
        .collect();
    let Some(known) = known else {
        let even = (0..found.len() as u64).map(|at| at.saturating_mul(frame));
        return even.map(|at| Timing { pts: at, dts: at }).collect();
    };
    let start = known
        .iter()
        .map(|&(pts, dts)| pts.min(dts))
        .min()
        .unwrap_or(0);
    let mut last = 0;
    known
        .into_iter()
        .map(|(pts, dts)| {
            // A file's decoding times may be broken; the server sends by them, in this order.
            last = (dts - start).max(last);
            Timing {
                pts: pts - start,
                dts: last,
            }
        })
        .collect()
}

/// What one round takes, so that neither the pts nor the dts of the next round collide with this
/// one's. `None` where there is nothing to play.
pub(super) fn loop_length(
    timings: &[Timing],
    durations: &[Option<u64>],
    frame: u64,
) -> Option<u64> {
    let first_shown = timings.iter().map(|timing| timing.pts).min()?;
    let shown = timings
        .iter()
        .zip(durations)
        .map(|(timing, duration)| {
            timing.pts - first_shown + duration.filter(|&d| d > 0).unwrap_or(frame)
        })
        .max()?;
    let decoded = timings.last()?.dts - timings.first()?.dts + 1;
    Some(shown.max(decoded).max(1))
}

/// The place in an endless repetition.
#[derive(Debug, Default)]
pub(super) struct Place {
    next: usize,
    offset: u64,
}

impl Place {
    /// In the first round, at a unit.
    pub(super) fn beginning_at(unit: usize) -> Self {
        Self {
            next: unit,
            offset: 0,
        }
    }

    /// The index of the unit to play now and the time at which its round began; moves on.
    pub(super) fn advance(&mut self, units: usize, length: u64) -> (usize, u64) {
        let now = (self.next, self.offset);
        self.next += 1;
        if self.next >= units {
            self.next = 0;
            self.offset = self.offset.saturating_add(length);
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_stream_without_timestamps_is_played_evenly() {
        let timings = retime(&[(Some(7), None), (None, None), (None, None)], 40);
        let pts: Vec<_> = timings.iter().map(|timing| timing.pts).collect();
        assert_eq!(pts, [0, 40, 80]);
        assert_eq!(loop_length(&timings, &[None; 3], 40), Some(120));
    }

    #[test]
    fn nothing_has_no_length() {
        assert_eq!(loop_length(&[], &[], 40), None);
    }

    #[test]
    fn reordered_frames_keep_their_order_of_showing() {
        // I P B in decoding order, shown I B P, from a container that starts at 1000.
        let timings = retime(
            &[
                (Some(1040), Some(1000)),
                (Some(1120), Some(1040)),
                (Some(1080), Some(1080)),
            ],
            40,
        );
        let pts: Vec<_> = timings.iter().map(|timing| timing.pts).collect();
        assert_eq!(pts, [40, 120, 80]);
        assert_eq!(loop_length(&timings, &[Some(40); 3], 40), Some(120));
    }

    proptest! {
        #[test]
        fn rounds_never_go_back_in_time(
            found in prop::collection::vec((0_u64..1_000_000, 0_u64..1_000_000), 1..40),
            frame in 1_u64..1_000,
        ) {
            let found: Vec<_> = found.into_iter().map(|(p, d)| (Some(p), Some(d))).collect();
            let timings = retime(&found, frame);
            let durations = vec![None; timings.len()];
            let length = loop_length(&timings, &durations, frame).expect("not empty");
            let mut place = Place::default();
            let mut last_dts = 0;
            let mut shown_before = None;
            for _ in 0..3 {
                let mut shown = Vec::new();
                for _ in 0..timings.len() {
                    let (at, offset) = place.advance(timings.len(), length);
                    prop_assert!(timings[at].dts + offset >= last_dts);
                    last_dts = timings[at].dts + offset;
                    shown.push(timings[at].pts + offset);
                }
                let first = shown.iter().min().copied();
                prop_assert!(shown_before < first);
                shown_before = shown.iter().max().copied();
            }
        }
    }
}
