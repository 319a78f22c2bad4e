//! Media time that never goes back, and capture time with its source. Pure.

use std::time::Duration;

use crate::model::time::{CaptureTime, ClockSource, UtcMicros};

/// Seconds from the NTP epoch (1900) to the Unix epoch (1970), RFC 5905 section 6.
const NTP_TO_UNIX_SECONDS: i64 = 2_208_988_800;

/// Smallest step between two frames whose own times do not rise.
const LEAST_STEP: Duration = Duration::from_micros(1);

/// Media time over all runs of a session: a file that repeats is several runs.
#[derive(Debug, Default)]
pub(super) struct MediaClock {
    base: Duration,
    first_in_run: Option<Duration>,
    last: Option<Duration>,
    /// The furthest of all, those outside the sequence too.
    furthest: Option<Duration>,
}

impl MediaClock {
    /// The media time of the next frame. `stamp` is its own time within the run, `step` the
    /// nominal time between two frames, which stands in where there is no stamp.
    pub(super) fn next(&mut self, stamp: Option<Duration>, step: Duration) -> Duration {
        let wanted = match stamp {
            Some(stamp) => {
                let first = *self.first_in_run.get_or_insert(stamp);
                self.base + stamp.saturating_sub(first)
            }
            None => self.last.map_or(Duration::ZERO, |last| last + step),
        };
        let time = match self.last {
            Some(last) => wanted.max(last + LEAST_STEP),
            None => wanted,
        };
        self.last = Some(time);
        self.furthest = self.furthest.max(Some(time));
        time
    }

    /// The media time that a frame has that stands outside the sequence. A run may begin with one.
    pub(super) fn out_of_sequence(&mut self, stamp: Option<Duration>) -> Duration {
        let wanted = stamp.map(|stamp| {
            let first = *self.first_in_run.get_or_insert(stamp);
            self.base + stamp.saturating_sub(first)
        });
        let time = wanted.or(self.last).unwrap_or_default();
        self.furthest = self.furthest.max(Some(time));
        time
    }

    /// The source starts again from its beginning; time goes on one `step` after the last frame.
    pub(super) fn new_run(&mut self, step: Duration) {
        self.base = self.furthest.map_or(Duration::ZERO, |last| last + step);
        self.first_in_run = None;
    }
}

/// Capture time by the camera's NTP clock, given as nanoseconds since 1900 (the `timestamp/x-ntp`
/// reference of RFC 3550 sender reports). `None` when the camera's clock was never set: such
/// cameras count from 1970 or from 1900.
pub(super) fn from_ntp(ntp_nanos: u64, arrival: UtcMicros) -> Option<CaptureTime> {
    /// 2000-01-01T00:00:00Z; no camera is older.
    const EARLIEST_MICROS: i64 = 946_684_800_000_000;
    let micros = i64::try_from(ntp_nanos / 1_000).ok()? - NTP_TO_UNIX_SECONDS * 1_000_000;
    (micros >= EARLIEST_MICROS).then(|| CaptureTime {
        utc: UtcMicros(micros),
        source: ClockSource::CameraNtp,
        offset_micros: arrival.0.saturating_sub(micros),
    })
}

/// Capture time of a file's frame.
pub(super) fn from_file(start: UtcMicros, media_time: Duration) -> CaptureTime {
    CaptureTime {
        utc: start.after(media_time),
        source: ClockSource::File,
        offset_micros: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STEP: Duration = Duration::from_millis(40);

    #[test]
    fn a_repeated_file_goes_on_where_it_ended() {
        let mut clock = MediaClock::default();
        let second = Duration::from_secs(1);
        assert_eq!(clock.next(Some(second), STEP), Duration::ZERO);
        assert_eq!(clock.next(Some(second + STEP), STEP), STEP);
        clock.new_run(STEP);
        assert_eq!(clock.next(Some(second), STEP), STEP * 2);
        assert_eq!(clock.next(None, STEP), STEP * 3);
    }

    #[test]
    fn ntp_time_becomes_unix_time_and_unset_clocks_are_not_believed() {
        let seconds = 1_700_000_000_u64;
        let ntp = (seconds + 2_208_988_800) * 1_000_000_000;
        let capture = from_ntp(ntp, UtcMicros(1_700_000_000_250_000)).expect("set clock");
        assert_eq!(capture.utc, UtcMicros(1_700_000_000_000_000));
        assert_eq!(capture.offset_micros, 250_000);
        assert_eq!(capture.source, ClockSource::CameraNtp);
        assert!(from_ntp(5_000_000_000, UtcMicros(0)).is_none());
        assert!(from_ntp(2_208_988_800_000_000_000, UtcMicros(0)).is_none());
    }

    proptest! {
        #[test]
        fn media_time_always_rises(
            stamps in prop::collection::vec(prop::option::of(0_u64..1_000_000), 1..100),
            restart_every in 1_usize..20,
        ) {
            let mut clock = MediaClock::default();
            let mut last = None;
            for (index, stamp) in stamps.into_iter().enumerate() {
                if index % restart_every == 0 {
                    clock.new_run(STEP);
                }
                let time = clock.next(stamp.map(Duration::from_micros), STEP);
                prop_assert!(last.is_none_or(|last| time > last));
                last = Some(time);
            }
        }
    }
}
