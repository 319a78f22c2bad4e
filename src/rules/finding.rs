//! What the rules say.

use crate::model::event::{EventDetail, EventKind, EventObject, Phase, Severity};
use crate::model::ids::{RuleName, ZoneName};

/// What a rule has to say: an event before it has ids, times and a place in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The happening it belongs to; unique and rising within its [`RuleSet`](super::RuleSet), from 1.
    pub incident: u64,
    /// Its place in that happening.
    pub phase: Phase,
    /// What happened.
    pub kind: EventKind,
    /// How bad it is, by the rule.
    pub severity: Severity,
    /// The rule that says so.
    pub rule: RuleName,
    /// The rule's zone or line.
    pub zone: Option<ZoneName>,
    /// Who takes part, as last seen.
    pub objects: Vec<EventObject>,
    /// What only some kinds have to say.
    pub detail: EventDetail,
}
