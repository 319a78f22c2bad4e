//! `[[camera.rule]]`: what every rule has, and the kinds of rules.
//!
//! A kind is a type in a file of its own beside this one: its settings, how they are read
//! ([`RuleSettings`]), which kind of event it reports and where in the picture it looks. The list
//! at [`rule_kinds`] names it once; [`with_rule_kind`] is how others go over that list.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::problem::Spot;
use super::reader::Table;
use super::shapes::Shapes;
use crate::model::event::{EventKind, Severity};
use crate::model::ids::{RuleName, ZoneName};

mod crowding;
mod kind;
mod line_crossing;
mod loitering;
mod running;
mod shape;
mod zone_intrusion;

pub use crowding::Crowding;
pub use line_crossing::{Directions, LineCrossing};
pub use loitering::Loitering;
pub use running::Running;
pub use shape::Shape;
pub use zone_intrusion::ZoneIntrusion;

use kind::{DAY_SECONDS, RuleKeys, RuleSettings};

const SEVERITIES: [(&str, Severity); 4] = [
    ("info", Severity::Info),
    ("warning", Severity::Warning),
    ("alarm", Severity::Alarm),
    ("critical", Severity::Critical),
];

/// One rule of one camera.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleConfig {
    /// Its name.
    pub name: RuleName,
    /// How bad it is.
    pub severity: Severity,
    /// Classes that count.
    pub classes: Vec<Arc<str>>,
    /// Which point of a box decides where the object is.
    pub anchor: Anchor,
    /// An incident ends when its cause has been gone this long.
    pub clear_after: Duration,
    /// A standing incident is UPDATED at most this often.
    pub update_every: Duration,
    /// What it looks for.
    pub kind: RuleKind,
}

/// Which point of a box decides where the object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The middle of the lower edge: where a standing person touches the ground.
    Foot,
    /// The middle.
    Center,
}

type Reader = fn(&mut RuleKeys<'_, '_>) -> Option<RuleKind>;

macro_rules! rule_kinds {
    ($d:tt $($kind:ident),+) => {
        /// What a rule looks for.
        #[derive(Clone, Debug, PartialEq)]
        pub enum RuleKind {
            $(#[doc = concat!("See [`", stringify!($kind), "`].")] $kind($kind),)+
        }

        /// Each kind by its name in the configuration, in the order of messages.
        const KINDS: [(&str, Reader); [$($kind::NAME),+].len()] =
            [$(($kind::NAME, |keys| $kind::read(keys).map(RuleKind::$kind))),+];

        impl RuleKind {
            /// What such a rule reports.
            #[must_use]
            pub fn event(&self) -> EventKind {
                match self {
                    $(Self::$kind(_) => $kind::EVENT,)+
                }
            }
        }

        /// `with_rule_kind!(kind, settings => …)`: the expression, with the settings of whichever
        /// kind a [`RuleKind`] is.
        macro_rules! with_rule_kind {
            ($d kind:expr, $d settings:ident => $d what:expr) => {
                match $d kind {
                    $($crate::config::rule::RuleKind::$kind($d settings) => $d what,)+
                }
            };
        }
    };
}

rule_kinds!($ LineCrossing, ZoneIntrusion, Loitering, Crowding, Running);

pub(crate) use with_rule_kind;

impl RuleKind {
    /// Where in the picture such a rule looks.
    #[must_use]
    pub fn shape(&self) -> Shape<'_> {
        with_rule_kind!(self, settings => settings.shape())
    }
}

/// Reads the rules of one camera; names of used lines and zones go to `used`.
pub(super) fn read_all(
    camera: &Table<'_>,
    shapes: &Shapes<'_>,
    used: &mut Vec<ZoneName>,
) -> Vec<RuleConfig> {
    let mut rules = Vec::new();
    let mut places: BTreeMap<RuleName, Spot<'_>> = BTreeMap::new();
    for mut table in camera.tables("rule") {
        let name = table.name("name", RuleName::new);
        if !table.has("name") {
            table.missing("name", "events carry it");
        }
        if let Some(name) = &name {
            table.subject = format!("{} {}", table.subject, name.value);
            if let Some(first) = places.get(&name.value) {
                let first = first.short();
                table.problem(
                    name.at,
                    format!(
                        "the camera already has a rule `{}` at {first}: give it another name",
                        name.value
                    ),
                );
            }
            places.entry(name.value.clone()).or_insert(name.at);
        }
        let rule = read_one(&table, shapes, used);
        if let (Some(name), Some(mut rule)) = (name, rule) {
            rule.name = name.value;
            rules.push(rule);
        }
    }
    rules
}

fn read_one(
    table: &Table<'_>,
    shapes: &Shapes<'_>,
    used: &mut Vec<ZoneName>,
) -> Option<RuleConfig> {
    let severity = table.choice("severity", &SEVERITIES);
    let anchor = table.choice(
        "anchor",
        &[("foot", Anchor::Foot), ("center", Anchor::Center)],
    );
    let classes = table.texts("classes");
    if let Some(classes) = &classes
        && classes.value.is_empty()
    {
        table.problem(
            classes.at,
            "`classes` is empty, so nothing would count: name one or drop the key",
        );
    }
    let clear_after = table.seconds("clear_after_seconds", 0.0..=DAY_SECONDS);
    let update_every = table.seconds("update_every_seconds", 0.1..=DAY_SECONDS);
    let kind = table.choice("kind", &KINDS);
    if !table.has("kind") {
        let words: Vec<_> = KINDS.iter().map(|(word, _)| *word).collect();
        table.missing("kind", &format!("write one of {}", words.join(", ")));
    }
    // Which keys belong here depends on the kind; without it nobody can say what is unknown.
    let read = kind?.value;
    let kind = read(&mut RuleKeys::new(table, shapes, used));
    table.finish();
    Some(RuleConfig {
        name: RuleName::new("unnamed").ok()?,
        severity: severity.map_or(Severity::Warning, |set| set.value),
        classes: classes.map_or_else(
            || vec![Arc::from("person")],
            |set| set.value.into_iter().map(Arc::from).collect(),
        ),
        anchor: anchor.map_or(Anchor::Foot, |set| set.value),
        clear_after: clear_after.map_or(Duration::from_secs(3), |set| set.value),
        update_every: update_every.map_or(Duration::from_secs(10), |set| set.value),
        kind: kind?,
    })
}
