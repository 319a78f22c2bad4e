//! `parapet bench density`: the largest fleet that keeps its promises.
//!
//! ```text
//!  kept: the next try is twice as large        until one is not kept
//!  then: half-way between the largest kept and the smallest not kept, until they are close
//! ```

use clap::Args as ClapArgs;
use serde::Serialize;

use super::outcome::{Outcome, Phase};
use super::{FleetKind, Stretch, measure};
use crate::cli::logging;

#[derive(Debug, ClapArgs)]
pub(in crate::cli::bench) struct DensityArgs {
    /// The first try.
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=5_000))]
    from: u64,
    /// No try is larger.
    #[arg(long, default_value_t = 1_042, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=5_000))]
    most: u64,
    /// How long each try is measured.
    #[arg(long, default_value_t = 1.0, value_name = "MINUTES")]
    minutes: f64,
    /// Stop when the largest kept and the smallest not kept are this close, in percent.
    #[arg(long, default_value_t = 10.0, value_name = "PERCENT")]
    within: f64,
    #[command(flatten)]
    kind: FleetKind,
    /// Print JSON instead of the table.
    #[arg(long)]
    json: bool,
}

/// Which sizes were tried and what is to be tried next. Pure.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Search {
    kept: usize,
    broken: Option<usize>,
    next: usize,
    most: usize,
    within: f64,
}

impl Search {
    fn new(from: usize, most: usize, within_percent: f64) -> Self {
        Self {
            kept: 0,
            broken: None,
            next: from.min(most).max(1),
            most: most.max(1),
            within: within_percent / 100.0,
        }
    }

    /// The next size; none when the answer is known.
    fn next(&self) -> Option<usize> {
        let open = match self.broken {
            None => self.kept < self.most,
            Some(broken) => {
                let between = broken.saturating_sub(self.kept);
                between > 1 && between as f64 > self.within * broken as f64
            }
        };
        open.then_some(self.next)
    }

    /// Takes in how the next size did.
    fn tried(&mut self, kept: bool) {
        if kept {
            self.kept = self.next;
        } else {
            self.broken = Some(self.next);
        }
        self.next = match self.broken {
            None => (self.next * 2).min(self.most),
            Some(broken) => self.kept + (broken - self.kept) / 2,
        };
    }
}

#[derive(Debug, Serialize)]
struct Try {
    cameras: usize,
    kept: bool,
    outcome: Outcome,
}

#[derive(Debug, Serialize)]
struct Density {
    mode: &'static str,
    /// The largest fleet that kept its promises; 0 where none did.
    cameras: usize,
    /// What stopped the smallest that did not; none where `--most` was reached.
    stopped_by: Option<String>,
    tries: Vec<Try>,
}

pub(in crate::cli::bench) async fn run(args: DensityArgs) -> anyhow::Result<bool> {
    logging::quiet()?;
    let (from, most) = (usize::try_from(args.from)?, usize::try_from(args.most)?);
    let mut search = Search::new(from, most, args.within);
    let mut tries: Vec<Try> = Vec::new();
    while let Some(cameras) = search.next() {
        let stretch = Stretch {
            name: "",
            cameras,
            seconds: args.minutes * 60.0,
        };
        let outcome = Box::pin(measure(&args.kind, &[stretch])).await?;
        let kept = outcome.broken.is_empty();
        if !args.json {
            println!("{cameras:>5} cameras: {}", words(&outcome));
        }
        search.tried(kept);
        tries.push(Try {
            cameras,
            kept,
            outcome,
        });
    }
    let smallest = tries
        .iter()
        .filter(|it| !it.kept)
        .min_by_key(|it| it.cameras);
    let density = Density {
        mode: args.kind.mode.name(),
        cameras: search.kept,
        stopped_by: smallest.and_then(|it| Some(it.outcome.phases.first()?.bottleneck())),
        tries,
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&density)?);
    } else {
        tell(&density);
    }
    Ok(density.cameras > 0)
}

fn words(outcome: &Outcome) -> String {
    let load = outcome.phases.first().map_or_else(String::new, |phase| {
        let load = &phase.load;
        format!(
            " (daemon {:.2} cores, camera server {:.2}, others {:.2}, idle {:.2}; gap p99 {:.1} s)",
            load.daemon, load.server, load.elsewhere, load.idle, phase.gaps.all.p99
        )
    });
    if outcome.broken.is_empty() {
        format!("kept{load}")
    } else {
        format!("NOT kept: {}{load}", outcome.broken.join("; "))
    }
}

fn tell(density: &Density) {
    let kept = density.tries.iter().filter(|it| it.kept);
    let largest: Option<&Phase> = kept
        .max_by_key(|it| it.cameras)
        .and_then(|it| it.outcome.phases.first());
    println!(
        "{} cameras keep their promises in {} mode",
        density.cameras, density.mode
    );
    match &density.stopped_by {
        Some(reason) => println!("what stops more: {reason}"),
        None => println!("more were not tried"),
    }
    let Some(phase) = largest else { return };
    println!("ms of processor time a camera-second, by stage, of the largest fleet:");
    for cost in &phase.stages {
        println!(
            "  {:<12} {:>8.3}",
            cost.stage, cost.millis_per_camera_second
        );
    }
    let whole = phase.load.daemon * 1e3 / phase.cameras.max(1) as f64;
    println!("  {:<12} {whole:>8.3}", "all");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tries of a machine that carries `limit` cameras.
    fn search(limit: usize, most: usize) -> (usize, usize) {
        let mut search = Search::new(50, most, 10.0);
        let mut tries = 0;
        while let Some(cameras) = search.next() {
            assert!((1..=most).contains(&cameras), "{cameras}");
            search.tried(cameras <= limit);
            tries += 1;
            assert!(tries < 30);
        }
        (search.kept, tries)
    }

    #[test]
    fn the_limit_is_found_within_ten_percent() {
        for limit in [1, 7, 49, 50, 99, 130, 400, 777, 1_041] {
            let (found, _) = search(limit, 1_042);
            assert!(found <= limit, "{found} of {limit}");
            assert!(
                (limit - found) as f64 <= 0.12 * limit as f64 + 1.0,
                "{found} of {limit}"
            );
        }
    }

    #[test]
    fn it_ends_at_the_most_and_at_nothing() {
        assert_eq!(search(5_000, 1_042).0, 1_042);
        assert_eq!(search(5_000, 30), (30, 1));
        assert_eq!(search(0, 1_042).0, 0);
    }
}
