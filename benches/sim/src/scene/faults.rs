//! What goes wrong with the camera (`[[fault]]`).
//!
//! | fault | keys (default) |
//! |---|---|
//! | `covered` | `share` (1.0), `grey` (0.1) |
//! | `defocused` | `sigma` (0.006 picture widths) |
//! | `moved` | `pan` (25 degrees to the left), `tilt` (0 degrees down) |
//! | `frozen`, `signal_loss` | |
//!
//! All have `from` and `until`; the first two come and go within a second.

use super::distractors::span;
use super::script::number;
use crate::world::Fault;
use parapet::config::reader::Table;

/// Seconds over which a fault comes and goes.
const RAMP_SECONDS: f64 = 0.8;

/// What is wrong with the camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FaultKind {
    /// As [`Fault::Covered`] at its full.
    Covered { share: f64, grey: f64 },
    /// As [`Fault::Defocused`] at its full.
    Defocused { sigma: f64 },
    /// As [`Fault::Moved`] at its full.
    Moved { pan: f64, tilt: f64 },
    /// The same picture again and again.
    Frozen,
    /// No picture.
    SignalLoss,
}

/// A camera fault with its time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Failure {
    pub kind: FaultKind,
    /// Seconds.
    pub from: f64,
    /// Seconds.
    pub until: f64,
}

const FAULTS: [(&str, u8); 5] = [
    ("covered", 0),
    ("defocused", 1),
    ("moved", 2),
    ("frozen", 3),
    ("signal_loss", 4),
];

/// Reads `[[fault]]`.
pub(super) fn read(root: &Table<'_>) -> Vec<Failure> {
    let mut found = Vec::new();
    for table in root.tables("fault") {
        if !table.has("kind") {
            table.missing("kind", "say what fails, such as \"covered\"");
        }
        let Some(word) = table.choice("kind", &FAULTS) else {
            continue;
        };
        let degrees = |key, usual: f64| number(&table, key, -90.0..=90.0, usual).to_radians();
        let kind = match word.value {
            0 => FaultKind::Covered {
                share: number(&table, "share", 0.05..=1.0, 1.0),
                grey: number(&table, "grey", 0.0..=1.0, 0.1),
            },
            1 => FaultKind::Defocused {
                sigma: number(&table, "sigma", 0.0005..=0.05, 0.006),
            },
            2 => FaultKind::Moved {
                pan: degrees("pan", 25.0),
                tilt: degrees("tilt", 0.0),
            },
            3 => FaultKind::Frozen,
            _ => FaultKind::SignalLoss,
        };
        let (from, until) = span(&table);
        table.finish();
        found.push(Failure { kind, from, until });
    }
    found
}

impl Failure {
    /// The kind as events will name it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.kind {
            FaultKind::Covered { .. } => "picture_covered",
            FaultKind::Defocused { .. } => "picture_defocused",
            FaultKind::Moved { .. } => "picture_moved",
            FaultKind::Frozen => "picture_frozen",
            FaultKind::SignalLoss => "signal_lost",
        }
    }

    /// Whether it lasts at a second.
    #[must_use]
    pub fn lasts(&self, second: f64) -> bool {
        (self.from..self.until).contains(&second)
    }

    /// Whether the picture shows nobody while it lasts.
    #[must_use]
    pub fn hides(&self) -> bool {
        match self.kind {
            FaultKind::Covered { share, .. } => share > 0.5,
            FaultKind::Defocused { sigma } => sigma > 0.004,
            FaultKind::SignalLoss => true,
            FaultKind::Moved { .. } | FaultKind::Frozen => false,
        }
    }

    /// Whether nothing can be judged by the picture while it lasts: it shows nobody, or another
    /// time or place.
    #[must_use]
    pub fn blinds(&self) -> bool {
        self.hides() || matches!(self.kind, FaultKind::Moved { .. } | FaultKind::Frozen)
    }

    /// What is drawn of it at a second.
    #[must_use]
    pub fn at(&self, second: f64) -> Option<Fault> {
        if !self.lasts(second) {
            return None;
        }
        let grown = ((second - self.from) / RAMP_SECONDS).min((self.until - second) / RAMP_SECONDS);
        let grown = grown.clamp(0.0, 1.0);
        match self.kind {
            FaultKind::Covered { share, grey } => Some(Fault::Covered {
                share: (share * grown) as f32,
                grey: grey as f32,
            }),
            FaultKind::Defocused { sigma } => Some(Fault::Defocused {
                sigma: (sigma * grown) as f32,
            }),
            // Turned between two frames: every direction on the way would be traced anew.
            FaultKind::Moved { pan, tilt } => Some(Fault::Moved {
                pan: pan as f32,
                tilt: tilt as f32,
            }),
            FaultKind::Frozen | FaultKind::SignalLoss => None,
        }
    }
}
