//! Watch mode against always mode: what of a clip's events and of its people a camera that sleeps
//! tells as well, how much later, and for how much less work. Pure.
//!
//! * An **event** of always mode is kept where watch mode tells one of the same kind and rule within
//!   [`SAME_EVENT`] of it, one for one (`matching` decides which).
//! * An **appearance** is a time in which always mode follows somebody that counts, after nobody for
//!   [`NOBODY`]: its first picture is the first detection. It is kept where watch mode follows
//!   anybody before it ends.
//!
//! How much later is counted to the moment at which watch mode could know: what a sleeping camera
//! held is looked at when it wakes, whatever its own time.

mod text;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::emitted::{Emissions, Sighting};
use super::matching::match_alarms;
use super::player::Played;
use super::score::quantile;
use parapet::model::event::EventKind;
use parapet::model::time::UtcMicros;
use parapet_sim::expectation::{Expectation, ExpectedEvent};

pub use text::text;

/// How much earlier and later the same event may be told.
pub const SAME_EVENT: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];
/// Nobody counts for so long before an appearance.
pub const NOBODY: Duration = Duration::from_secs(3);
/// A track may be confirmed this much earlier or later.
const LEEWAY: Duration = Duration::from_secs(1);

/// An event or an appearance of always mode, in watch mode.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// The event's kind; `appearance` for one of those.
    pub what: Cow<'static, str>,
    /// The rule that told.
    pub rule: Option<String>,
    /// When always mode knew, in seconds of the clip.
    pub always_seconds: f64,
    /// When watch mode knew; none where it never did.
    pub watch_seconds: Option<f64>,
}

impl Pair {
    fn later(&self) -> Option<f64> {
        self.watch_seconds.map(|watch| watch - self.always_seconds)
    }
}

/// What one mode took.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Cost {
    /// Pictures decoded.
    pub decoded: u64,
    /// Pictures that the detector looked at.
    pub analysed: u64,
    /// Pictures that were never decoded.
    pub undecoded: u64,
    /// Processor seconds of the whole process.
    pub cpu_seconds: f64,
    /// Why and how often the camera woke.
    pub wakes: BTreeMap<&'static str, u64>,
}

impl Cost {
    fn of(played: &Played) -> Self {
        Self {
            decoded: played.decoded,
            analysed: played.analysed,
            undecoded: played.undecoded,
            cpu_seconds: played.cpu.as_secs_f64(),
            wakes: played.wakes.clone(),
        }
    }

    fn add(&mut self, other: &Self) {
        self.decoded += other.decoded;
        self.analysed += other.analysed;
        self.undecoded += other.undecoded;
        self.cpu_seconds += other.cpu_seconds;
        for (reason, times) in &other.wakes {
            *self.wakes.entry(reason).or_default() += times;
        }
    }
}

/// One clip in both modes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// What the clip is called.
    pub clip: String,
    pub seconds: f64,
    /// Always mode's events.
    pub events: Vec<Pair>,
    /// Always mode's appearances.
    pub appearances: Vec<Pair>,
    /// Events that only watch mode tells.
    pub only_in_watch: usize,
    /// What always mode took.
    pub always: Cost,
    /// What watch mode took.
    pub watch: Cost,
}

impl Compared {
    /// Compares what a clip gave in always and in watch mode; both began at `start` and kept boxes.
    #[must_use]
    pub fn of(
        clip: &str,
        start: UtcMicros,
        always: &(Emissions, Played),
        watch: &(Emissions, Played),
    ) -> Self {
        let (events, only_in_watch) = events(start, &always.0, &watch.0);
        Self {
            clip: clip.to_owned(),
            seconds: always.0.length().as_secs_f64(),
            events,
            appearances: appearances(&always.0.sightings, &watch.0.sightings),
            only_in_watch,
            always: Cost::of(&always.1),
            watch: Cost::of(&watch.1),
        }
    }
}

/// The figures over all clips. Those that nothing was counted for are absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Length of all clips.
    pub seconds: f64,
    /// Always mode's events.
    pub events: usize,
    /// Those that watch mode tells as well.
    pub events_kept: usize,
    pub event_share: Option<f64>,
    /// How much later watch mode knows of them: median and 95th percentile.
    pub event_later_seconds: Option<[f64; 2]>,
    /// Always mode's appearances.
    pub appearances: usize,
    /// Those that watch mode sees as well.
    pub appearances_kept: usize,
    pub appearance_share: Option<f64>,
    /// How much later watch mode's first detection is known: median and 95th percentile.
    pub appearance_later_seconds: Option<[f64; 2]>,
    /// Events that only watch mode tells.
    pub only_in_watch: usize,
    /// What always mode took.
    pub always: Cost,
    /// What watch mode took.
    pub watch: Cost,
    /// Always mode's processor time in watch mode's.
    pub times_cheaper: Option<f64>,
}

/// All clips and the figures over them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModesReport {
    /// Figures over all clips.
    pub summary: Summary,
    pub clips: Vec<Compared>,
    /// Clips that could not be played, and why.
    pub failed: BTreeMap<String, String>,
}

impl ModesReport {
    /// Adds up.
    #[must_use]
    pub fn of(clips: Vec<Compared>, failed: BTreeMap<String, String>) -> Self {
        let events: Vec<&Pair> = clips.iter().flat_map(|clip| &clip.events).collect();
        let appearances: Vec<&Pair> = clips.iter().flat_map(|clip| &clip.appearances).collect();
        let (mut always, mut watch) = (Cost::default(), Cost::default());
        for clip in &clips {
            always.add(&clip.always);
            watch.add(&clip.watch);
        }
        let (kept, event_later_seconds) = tally(&events);
        let (seen, appearance_later_seconds) = tally(&appearances);
        let summary = Summary {
            seconds: clips.iter().map(|clip| clip.seconds).sum(),
            events: events.len(),
            events_kept: kept,
            event_share: share(kept, events.len()),
            event_later_seconds,
            appearances: appearances.len(),
            appearances_kept: seen,
            appearance_share: share(seen, appearances.len()),
            appearance_later_seconds,
            only_in_watch: clips.iter().map(|clip| clip.only_in_watch).sum(),
            times_cheaper: (watch.cpu_seconds > 0.0)
                .then(|| always.cpu_seconds / watch.cpu_seconds),
            always,
            watch,
        };
        Self {
            summary,
            clips,
            failed,
        }
    }

    /// What is not as good as asked for, in words: the least share of events, and the most by which
    /// the first detection may be later at the 95th percentile.
    #[must_use]
    pub fn broken(&self, min_share: Option<f64>, max_later: Option<f64>) -> Vec<String> {
        let summary = &self.summary;
        let mut broken = Vec::new();
        if let (Some(least), Some(have)) = (min_share, summary.event_share)
            && have < least
        {
            broken.push(format!(
                "watch mode tells {:.2} % of the events, wanted are {:.2} %",
                have * 100.0,
                least * 100.0
            ));
        }
        if let (Some(most), Some([_, have])) = (max_later, summary.appearance_later_seconds)
            && have > most
        {
            broken.push(format!(
                "the first detection is {have:.2} s later (p95), allowed are {most:.2} s"
            ));
        }
        if !self.failed.is_empty() {
            broken.push(format!("{} clips could not be played", self.failed.len()));
        }
        broken
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// How many were kept, and the median and 95th percentile of how much later they are.
fn tally(pairs: &[&Pair]) -> (usize, Option<[f64; 2]>) {
    let later: Vec<f64> = pairs.iter().filter_map(|pair| pair.later()).collect();
    let quantiles = quantile(&later, 0.5).zip(quantile(&later, 0.95));
    (later.len(), quantiles.map(|(p50, p95)| [p50, p95]))
}

/// Always mode's events in watch mode, and how many watch mode tells besides.
fn events(start: UtcMicros, always: &Emissions, watch: &Emissions) -> (Vec<Pair>, usize) {
    // Signals are lost by the machine's own time, not by the footage's.
    let emitted = |emitted: &Emissions| -> Vec<_> {
        let known = emitted.known(start);
        let alarms = emitted.alarms(start).into_iter().zip(known);
        alarms
            .filter(|(alarm, _)| alarm.kind != EventKind::SIGNAL_LOST)
            .collect()
    };
    let (always, watch) = (emitted(always), emitted(watch));
    let [before, after] = SAME_EVENT;
    let expected = Expectation {
        events: always
            .iter()
            .map(|(alarm, _)| ExpectedEvent {
                kind: alarm.kind,
                rule: alarm.rule.clone(),
                start: alarm.at,
                end: None,
                before: Some(before),
                after: Some(after),
                note: None,
            })
            .collect(),
        ..Expectation::default()
    };
    let alarms: Vec<_> = watch.iter().map(|(alarm, _)| alarm.clone()).collect();
    let hits = match_alarms(&expected, &alarms).hits;
    let kept = hits.iter().flatten().count();
    let pairs = always.iter().zip(hits).map(|((alarm, known), hit)| Pair {
        what: alarm.kind.name(),
        rule: alarm.rule.as_ref().map(ToString::to_string),
        always_seconds: known.as_secs_f64(),
        watch_seconds: hit.map(|hit| watch[hit].1.as_secs_f64()),
    });
    (pairs.collect(), watch.len() - kept)
}

/// Always mode's appearances in watch mode.
fn appearances(always: &[Sighting], watch: &[Sighting]) -> Vec<Pair> {
    let somebody = |sighting: &&Sighting| sighting.boxes.iter().any(|seen| seen.counts);
    let mut spans: Vec<(&Sighting, Duration)> = Vec::new();
    for sighting in always.iter().filter(somebody) {
        match spans.last_mut() {
            Some((_, last)) if sighting.at <= *last + NOBODY => *last = sighting.at,
            _ => spans.push((sighting, sighting.at)),
        }
    }
    let pair = |(first, last): (&Sighting, Duration)| {
        let span = first.at.saturating_sub(LEEWAY)..=last + LEEWAY;
        let seen = watch
            .iter()
            .filter(somebody)
            .find(|seen| span.contains(&seen.at));
        Pair {
            what: "appearance".into(),
            rule: None,
            always_seconds: first.known.as_secs_f64(),
            watch_seconds: seen.map(|seen| seen.known.as_secs_f64()),
        }
    };
    spans.into_iter().map(pair).collect()
}

#[cfg(test)]
mod tests;
