//! What an expectation file says.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use parapet::model::event::EventKind;
use parapet::model::geometry::Size;
use parapet::model::ids::{CameraId, RuleName};

/// How much earlier than the truth's start an alarm may come, where the event does not say.
pub const DEFAULT_BEFORE: Duration = Duration::from_secs(1);
/// How much later than the truth's start an alarm may come, where the event does not say.
pub const DEFAULT_AFTER: Duration = Duration::from_secs(10);
/// The longest clip, in seconds: a week.
pub const MAX_SECONDS: f64 = 7.0 * 86_400.0;

/// One expectation file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expectation {
    /// The clip itself.
    pub clip: ExpectedClip,
    /// What rules must say.
    pub events: Vec<ExpectedEvent>,
    /// What happens in the clip that no rule looks for yet; never scored.
    pub later: Vec<LaterEvent>,
    /// Where alarms count neither way.
    pub ignore: Vec<IgnoredSpan>,
}

/// `[clip]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExpectedClip {
    /// How long the clip is; above zero in every file that was read.
    pub length: Duration,
    /// Words that results are grouped by, such as `day`; none is empty.
    pub conditions: Vec<String>,
    /// The configuration that holds the rules, relative to the expectation file.
    pub config: Option<PathBuf>,
    /// Whose rules of that configuration apply.
    pub camera: Option<CameraId>,
    /// Pictures a second, for detections that stand in for video.
    pub fps: Option<f64>,
    /// The pictures' size, for detections that stand in for video.
    pub picture: Option<Size>,
}

/// `[[event]]`: a rule must say this.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedEvent {
    pub kind: EventKind,
    /// The rule that must say so; none means any rule of the kind.
    pub rule: Option<RuleName>,
    /// When in the clip it begins; not after the clip's end.
    pub start: Duration,
    /// When it ends; not before `start`.
    pub end: Option<Duration>,
    /// How much earlier than `start` the alarm may come; none means [`DEFAULT_BEFORE`].
    pub before: Option<Duration>,
    /// How much later than `start` the alarm may come; none means [`DEFAULT_AFTER`].
    pub after: Option<Duration>,
    /// A word that results are grouped by; not blank.
    pub note: Option<String>,
}

/// `[[later]]`: scripted, but nothing looks for it yet.
#[derive(Clone, Debug, PartialEq)]
pub struct LaterEvent {
    /// A free word; not blank.
    pub kind: String,
    /// As in [`ExpectedEvent`].
    pub start: Duration,
    /// As in [`ExpectedEvent`].
    pub end: Option<Duration>,
    /// As in [`ExpectedEvent`].
    pub before: Option<Duration>,
    /// As in [`ExpectedEvent`].
    pub after: Option<Duration>,
    /// As in [`ExpectedEvent`].
    pub note: Option<String>,
}

/// `[[ignore]]`: alarms in this span count neither as right nor as wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct IgnoredSpan {
    /// From here on.
    pub start: Duration,
    /// Up to and with here; not before `start`.
    pub end: Duration,
    /// Only this rule's alarms; none means all.
    pub rule: Option<RuleName>,
}

impl ExpectedEvent {
    /// When the first alarm may come.
    #[must_use]
    pub fn window(&self) -> RangeInclusive<Duration> {
        let before = self.before.unwrap_or(DEFAULT_BEFORE);
        let after = self.after.unwrap_or(DEFAULT_AFTER);
        self.start.saturating_sub(before)..=self.start.saturating_add(after)
    }

    /// When alarms still speak of this event: from the window's start to as long after the
    /// event's end as the first alarm may come after its start.
    #[must_use]
    pub fn reach(&self) -> RangeInclusive<Duration> {
        let after = self.after.unwrap_or(DEFAULT_AFTER);
        let end = self.end.unwrap_or(self.start).max(self.start);
        *self.window().start()..=end.saturating_add(after)
    }
}
