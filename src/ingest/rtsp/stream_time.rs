//! From RTP time to the stream's time, and to the camera's clock. Pure.

use std::time::Duration;

use retina::{NtpTimestamp, Timestamp};

/// The stream's time begins here, so that pictures that are shown before the first have one too.
const BEGIN_NANOS: i128 = 10_000_000_000;
/// RTP time may be this far from what the arrival says; what is further off is a jump.
const LONGEST_JUMP_NANOS: i128 = 10_000_000_000;
/// A sender report tells of pictures this far from it.
const REPORT_REACH_NANOS: i128 = 300_000_000_000;

/// One camera's times, since it was connected to.
#[derive(Debug, Default)]
pub(super) struct StreamTime {
    /// What is added to RTP time.
    offset: Option<i128>,
    /// The last picture's time and when it arrived.
    last: Option<(i128, Duration)>,
    /// The camera's clock, nanoseconds since 1900, at an RTP time.
    report: Option<(i128, i128)>,
}

fn rtp_nanos(at: Timestamp) -> i128 {
    i128::from(at.timestamp()) * 1_000_000_000 / i128::from(at.clock_rate().get())
}

impl StreamTime {
    /// The presentation time of a picture that arrives at `arrival` by any clock that never goes
    /// back. A jump of the camera's RTP time does not become one of the stream's.
    pub(super) fn picture(&mut self, at: Timestamp, arrival: Duration) -> Duration {
        let rtp = rtp_nanos(at);
        let expected = match self.last {
            Some((time, arrived)) => {
                let passed = arrival.saturating_sub(arrived).as_nanos();
                time + i128::try_from(passed).unwrap_or(0)
            }
            None => BEGIN_NANOS,
        };
        let known = self.offset.map(|offset| rtp + offset);
        let time = match known {
            Some(time) if (time - expected).abs() <= LONGEST_JUMP_NANOS => time,
            _ => {
                self.offset = Some(expected - rtp);
                // It was about a time that is over.
                self.report = self.report.filter(|_| known.is_none());
                expected
            }
        };
        let time = time.max(0);
        self.last = Some((time, arrival));
        let nanos = u64::try_from(time).unwrap_or(u64::MAX);
        Duration::from_nanos(nanos)
    }

    /// Takes over a sender report (RFC 3550 section 6.4.1).
    pub(super) fn report(&mut self, ntp: NtpTimestamp, at: Timestamp) {
        let (seconds, fraction) = (ntp.0 >> 32, ntp.0 & 0xFFFF_FFFF);
        let nanos =
            i128::from(seconds) * 1_000_000_000 + ((i128::from(fraction) * 1_000_000_000) >> 32);
        self.report = Some((nanos, rtp_nanos(at)));
    }

    /// When the camera took the picture by its own clock, nanoseconds since 1900; `None` until it
    /// reported.
    pub(super) fn ntp_nanos(&self, at: Timestamp) -> Option<u64> {
        let (ntp, reported) = self.report?;
        let since = rtp_nanos(at) - reported;
        let near = since.abs() <= REPORT_REACH_NANOS;
        near.then(|| u64::try_from(ntp + since).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::num::NonZeroU32;

    const RATE: i64 = 90_000;

    fn at(ticks: i64) -> Timestamp {
        let rate = NonZeroU32::new(90_000).expect("rate");
        Timestamp::new(ticks, rate, 0).expect("in range")
    }

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn pictures_keep_their_distance_also_where_order_and_arrival_differ() {
        let mut time = StreamTime::default();
        let first = time.picture(at(1_000 * RATE), seconds(5.0));
        let after = time.picture(at(1_002 * RATE), seconds(5.1));
        let before = time.picture(at(999 * RATE), seconds(5.2));
        assert_eq!(after - first, seconds(2.0));
        assert_eq!(first - before, seconds(1.0));
    }

    #[test]
    fn a_jump_of_the_cameras_time_is_none_of_the_streams() {
        for jump in [-3_600, 3_600] {
            let mut time = StreamTime::default();
            time.report(NtpTimestamp(1 << 63), at(100 * RATE));
            let first = time.picture(at(100 * RATE), seconds(5.0));
            let second = time.picture(at((101 + jump) * RATE), seconds(6.0));
            assert_eq!(second - first, seconds(1.0), "{jump}");
            assert_eq!(time.ntp_nanos(at((101 + jump) * RATE)), None);
            let third = time.picture(at((102 + jump) * RATE), seconds(6.1));
            assert_eq!(third - second, seconds(1.0), "{jump}");
        }
    }

    #[test]
    fn a_silence_is_as_long_as_it_was() {
        let mut time = StreamTime::default();
        let first = time.picture(at(0), seconds(5.0));
        let second = time.picture(at(60 * RATE), seconds(65.0));
        assert_eq!(second - first, seconds(60.0));
    }

    #[test]
    fn the_cameras_clock_is_told_from_its_first_report_on() {
        let mut time = StreamTime::default();
        assert_eq!(time.ntp_nanos(at(0)), None);
        let unix = 1_700_000_000_u64;
        let ntp = (unix + 2_208_988_800) << 32 | 1 << 31;
        time.report(NtpTimestamp(ntp), at(50 * RATE));
        time.picture(at(50 * RATE), seconds(1.0));
        let told = time.ntp_nanos(at(49 * RATE)).expect("reported");
        assert_eq!(
            told,
            (unix + 2_208_988_800 - 1) * 1_000_000_000 + 500_000_000
        );
    }

    proptest! {
        /// Whatever the camera claims, the stream's time stays near the time that passes.
        #[test]
        fn the_streams_time_follows_arrival(
            steps in prop::collection::vec((-2_000_000_000_i64..2_000_000_000, 0_u64..5_000), 1..80),
        ) {
            let mut time = StreamTime::default();
            let (mut ticks, mut arrival) = (0_i64, Duration::from_secs(1));
            let mut last: Option<(Duration, Duration)> = None;
            for (step, millis) in steps {
                ticks += step;
                arrival += Duration::from_millis(millis);
                let told = time.picture(at(ticks), arrival);
                if let Some((before, arrived)) = last {
                    let expected = before + (arrival - arrived);
                    prop_assert!(told.abs_diff(expected) <= Duration::from_secs(10));
                }
                last = Some((told, arrival));
            }
        }
    }
}
