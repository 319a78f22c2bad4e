//! What is said of the governor's changes: every shortage begins and ends with a word, and what
//! changes between is said at most every so often, but always.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::load::Load;
use crate::base::clock::Monotonic;
use crate::model::coverage::CoverageLevel;
use crate::model::event::Phase;

/// How many cameras of each priority are at which level, and how many were looked at later than that
/// promises.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Summary {
    by_priority: BTreeMap<u8, [u32; CoverageLevel::ALL.len()]>,
    overdue: u32,
}

impl Summary {
    /// Of each camera's priority, level, and whether it is overdue.
    pub(super) fn of(cameras: impl Iterator<Item = (u8, CoverageLevel, bool)>) -> Self {
        let mut summary = Self::default();
        for (priority, level, overdue) in cameras {
            summary.by_priority.entry(priority).or_default()[level.index()] += 1;
            summary.overdue += u32::from(overdue);
        }
        summary
    }

    /// Whether the other one is no news: of those that are overdue the order of magnitude counts.
    fn says_as_much_as(&self, other: &Self) -> bool {
        self.by_priority == other.by_priority
            && self.overdue.checked_ilog2() == other.overdue.checked_ilog2()
    }

    /// Cameras below their full rate.
    pub(in super::super) fn reduced(&self) -> u32 {
        let counts = self.by_priority.values();
        counts.map(|counts| counts[1..].iter().sum::<u32>()).sum()
    }

    /// The worst level that any camera is at.
    pub(in super::super) fn worst(&self) -> CoverageLevel {
        let at = |level: &CoverageLevel| {
            let mut counts = self.by_priority.values();
            counts.any(|counts| counts[level.index()] > 0)
        };
        let worst_first = CoverageLevel::ALL.into_iter().rev();
        worst_first.into_iter().find(at).unwrap_or_default()
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut between = "";
        for (priority, counts) in &self.by_priority {
            let mut words = String::new();
            for level in CoverageLevel::ALL {
                let count = counts[level.index()];
                if count > 0 {
                    let comma = if words.is_empty() { "" } else { ", " };
                    write!(words, "{comma}{count} {}", level.name())?;
                }
            }
            write!(f, "{between}priority {priority}: {words}")?;
            between = "; ";
        }
        if self.overdue > 0 {
            write!(f, "{between}{} looked at later than promised", self.overdue)?;
        }
        Ok(())
    }
}

/// Something to tell the platform.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Announcement {
    pub(in super::super) phase: Phase,
    pub(in super::super) summary: Summary,
    pub(in super::super) load: Load,
}

#[derive(Debug)]
pub(super) struct Announcer {
    update_every: Duration,
    /// What was said last of the shortage that stands, and when.
    said: Option<(Summary, Monotonic)>,
    /// The worst level that was ever said of it.
    worst: CoverageLevel,
}

impl Announcer {
    pub(super) fn new(update_every: Duration) -> Self {
        Self {
            update_every,
            said: None,
            worst: CoverageLevel::Full,
        }
    }

    /// `short` says whether the governor holds anything back. A level that no camera was at before
    /// in this shortage is told at once, which happens four times at most.
    pub(super) fn evaluate(
        &mut self,
        now: Monotonic,
        short: bool,
        summary: Summary,
        load: Load,
    ) -> Option<Announcement> {
        let phase = match &self.said {
            None if short => Phase::Started,
            None => return None,
            Some(_) if !short => Phase::Ended,
            Some((said, at)) => {
                let waited = now.since(*at) >= self.update_every;
                let deepens = summary.worst() > self.worst;
                if said.says_as_much_as(&summary) || !(waited || deepens) {
                    return None;
                }
                Phase::Updated
            }
        };
        self.said = short.then(|| (summary.clone(), now));
        self.worst = match phase {
            Phase::Ended => CoverageLevel::Full,
            Phase::Started | Phase::Updated => self.worst.max(summary.worst()),
        };
        Some(Announcement {
            phase,
            summary,
            load,
        })
    }
}
