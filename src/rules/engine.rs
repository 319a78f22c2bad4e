//! What the rules of all kinds have in common: [`Start`] makes one from its settings, [`Engine`] is
//! it at work on a camera.

use std::fmt::Debug;

use crate::config::types::RuleConfig;
use crate::model::geometry::Size;

use super::approach::Approach;
use super::incident::{Output, RuleInfo};
use super::motion::Observation;

/// What one analysed frame brings to every rule. Whatever else a rule of some kind needs finds its
/// place here, and the others do not notice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'a> {
    /// The picture's size, for the aspect that distances need.
    pub(super) picture: Size,
    /// Every track of the frame.
    pub(super) observations: &'a [Observation<'a>],
}

/// What a rule must know of its camera when it starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct CameraFacts {
    /// Places on the ground are known, and speeds in metres per second.
    pub(super) calibrated: bool,
}

/// A kind of rule, by its settings. A rule of the kind is started from them.
pub(super) trait Start {
    /// A rule that has seen nothing yet; `rule` has what all kinds have.
    fn start(&self, rule: &RuleConfig, camera: CameraFacts) -> Box<dyn Engine>;

    /// Whether a track that the rule counts is so near to what it looks for that the camera should
    /// be analysed at its near-event rate.
    fn is_near(&self, _approach: &Approach<'_>) -> bool {
        false
    }
}

/// A rule at work. Incidents start, go on and end through the output.
pub(super) trait Engine: Debug + Send + Sync {
    /// Takes one analysed frame.
    fn update(&mut self, rule: &RuleInfo, input: Input<'_>, output: &mut Output<'_>);

    /// Ends whatever stands and forgets all tracks.
    fn finish(&mut self, rule: &RuleInfo, output: &mut Output<'_>);

    /// Whether any incident stands.
    fn has_open(&self) -> bool;

    /// How many tracks it remembers.
    #[cfg(test)]
    fn remembered(&self) -> usize;
}
