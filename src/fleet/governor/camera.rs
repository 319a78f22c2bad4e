//! A camera, as far as the governor cares.

use crate::model::coverage::CoverageLevel;
use crate::model::ids::CameraId;

/// What the governor knows of one.
#[derive(Clone, Debug)]
pub(in super::super) struct GovernedCamera {
    pub(in super::super) id: CameraId,
    /// What it has now; a camera that was opened anew has its full rate.
    pub(in super::super) level: CoverageLevel,
    /// Larger is more important.
    pub(in super::super) priority: u8,
    /// It is never to sleep.
    pub(in super::super) always: bool,
    /// Frames come.
    pub(in super::super) streaming: bool,
    /// It sleeps by itself, in watch mode.
    pub(in super::super) asleep: bool,
    /// Somebody is followed or an incident is open.
    pub(in super::super) active: bool,
    /// Within the last minute it was looked at later than promised.
    pub(in super::super) overdue: bool,
}
