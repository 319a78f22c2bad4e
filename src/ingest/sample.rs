//! The times that a decoded picture carries.

use std::time::Duration;

use gstreamer as gst;
use gstreamer_video as gst_video;

/// A raw elementary stream that does not say its rate plays at this.
pub(super) const DEFAULT_STEP: Duration = Duration::from_millis(40);

/// The time between two frames by the caps' rate; [`DEFAULT_STEP`] where they have none.
pub(super) fn step_of(info: &gst_video::VideoInfo) -> Duration {
    let (numerator, denominator) = (info.fps().numer(), info.fps().denom());
    if numerator <= 0 || denominator <= 0 {
        return DEFAULT_STEP;
    }
    Duration::from_secs_f64(f64::from(denominator) / f64::from(numerator))
}

/// The running time of a presentation time.
pub(super) fn stamp(sample: &gst::Sample, pts: Option<gst::ClockTime>) -> Option<Duration> {
    let pts = pts?;
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    segment.to_running_time(pts).map(Duration::from)
}

/// When the camera took it, in nanoseconds since 1900.
pub(super) fn ntp_nanos(buffer: &gst::Buffer) -> Option<u64> {
    buffer
        .iter_meta::<gst::ReferenceTimestampMeta>()
        .find(|meta| {
            meta.reference()
                .structure(0)
                .is_some_and(|reference| reference.name() == "timestamp/x-ntp")
        })
        .map(|meta| meta.timestamp().nseconds())
}
