//! A hostile client in front of the API, and what a live subscriber notices of it.
//!
//! The API, its journal and a subscriber run in this process as in the daemon, with certificates;
//! the attackers have a runtime of their own. Those without a certificate come from 127.0.0.2; one
//! with a subscriber's good certificate (`mallory`) comes from 127.0.0.3. Latency counts from just before an event is appended
//! until the subscriber has it.

mod attacks;
mod live;
mod stage;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args as ClapArgs;
use hdrhistogram::Histogram;

use attacks::Attempts;
use live::{Live, Newcomer};
use parapet::access::Refusal;
use parapet::base::tasks::TaskSet;
use stage::Stage;

/// A subscriber is told within this, under attack too: what an unsaturated daemon promises.
const P99_GOAL: Duration = Duration::from_millis(500);

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct HostileArgs {
    /// How long the attack lasts.
    #[arg(long, default_value_t = 1.0, value_name = "N")]
    minutes: f64,
    /// Events a second.
    #[arg(long, default_value_t = 100, value_name = "N")]
    events: u32,
    /// Attempts a second of each kind of attack.
    #[arg(long, default_value_t = 200, value_name = "N")]
    rate: u32,
}

/// What the subscriber noticed in one part.
struct Part {
    name: &'static str,
    micros: Histogram<u64>,
    lost: u64,
    reconnects: u64,
    newcomers: (u64, u64),
}

pub(in crate::cli) async fn run(args: HostileArgs) -> anyhow::Result<bool> {
    anyhow::ensure!(
        args.minutes > 0.0 && args.minutes <= 1_440.0,
        "--minutes must be above 0 and at most 1440"
    );
    anyhow::ensure!(
        (1..=10_000).contains(&args.rate) && (1..=10_000).contains(&args.events),
        "--rate and --events must be 1 to 10000"
    );
    let attack = Duration::from_secs_f64(args.minutes * 60.0);
    let calm = (attack / 4).clamp(Duration::from_secs(2), Duration::from_secs(60));
    let stage = Stage::start(args.events).await?;
    let mut live = Live::start(&stage).await?;
    let newcomer = Newcomer::start(&stage)?;
    // What starting costs is not what an attack costs.
    live.follow(Duration::from_secs(1)).await;
    newcomer.take();
    let before = live.follow(calm).await;
    let mut parts = vec![part("alone", before, newcomer.take())];
    let (memory, files) = usage()?;
    println!(
        "attack: {:.0} s, {} of each kind a second",
        attack.as_secs_f64(),
        args.rate
    );
    let attackers = Attackers::start(&stage, args.rate)?;
    let during = live.follow(attack).await;
    parts.push(part("attacked", during, newcomer.take()));
    let attempts = attackers.stop();
    let after = live.follow(Duration::from_secs(1)).await;
    parts.push(part("after", after, newcomer.take()));
    let (memory_after, files_after) = usage()?;
    print_parts(&parts);
    println!("\nattempts:");
    for (name, count) in attempts.counts() {
        println!("{name:>28} {count:>10}");
    }
    println!("\nrefused, by reason:");
    for refusal in Refusal::ALL {
        let count = stage.metrics.refusals(refusal.name());
        if count > 0 {
            println!("{:>28} {count:>10}", refusal.name());
        }
    }
    println!(
        "\nresident memory {memory} -> {memory_after} KiB, descriptors {files} -> {files_after}"
    );
    let audit = stage.audit_entries();
    newcomer.stop();
    let clean = stage.stop().await;
    println!(
        "audit entries {audit}, chain and stop {}",
        if clean { "good" } else { "BAD" }
    );
    Ok(judge(&parts) && clean)
}

fn part(name: &'static str, heard: live::Heard, newcomers: (u64, u64)) -> Part {
    Part {
        name,
        micros: heard.micros,
        lost: heard.lost,
        reconnects: heard.reconnects,
        newcomers,
    }
}

fn print_parts(parts: &[Part]) {
    println!(
        "\n{:<10} {:>8} {:>8} {:>8} {:>8} {:>8} {:>6} {:>6} {:>14}",
        "", "events", "p50 ms", "p99 ms", "p99.9", "max ms", "lost", "cuts", "newcomers in"
    );
    for part in parts {
        let millis = |quantile| part.micros.value_at_quantile(quantile) as f64 / 1_000.0;
        println!(
            "{:<10} {:>8} {:>8.1} {:>8.1} {:>8.1} {:>8.1} {:>6} {:>6} {:>14}",
            part.name,
            part.micros.len(),
            millis(0.5),
            millis(0.99),
            millis(0.999),
            part.micros.max() as f64 / 1_000.0,
            part.lost,
            part.reconnects,
            format!(
                "{} of {}",
                part.newcomers.0,
                part.newcomers.0 + part.newcomers.1
            ),
        );
    }
}

/// Lost nothing, was never cut, was told in time, and others could still come in.
fn judge(parts: &[Part]) -> bool {
    let mut good = true;
    for part in parts {
        let p99 = Duration::from_micros(part.micros.value_at_quantile(0.99));
        for (broken, what) in [
            (part.micros.is_empty(), "no event was heard"),
            (part.lost > 0, "events were lost"),
            (part.reconnects > 0, "the subscriber was cut"),
            (p99 > P99_GOAL, "the subscriber was told late"),
            (part.newcomers.1 > 0, "a good client could not come in"),
        ] {
            if broken {
                println!("{}: {what}", part.name);
                good = false;
            }
        }
    }
    println!("{}", if good { "undisturbed" } else { "DISTURBED" });
    good
}

/// Resident memory in KiB and open descriptors.
fn usage() -> anyhow::Result<(u64, usize)> {
    let own = procfs::process::Process::myself().context("/proc cannot be read")?;
    let memory = own.status()?.vmrss.unwrap_or(0);
    Ok((memory, own.fd_count()?))
}

/// The attackers and the threads they have for themselves.
struct Attackers {
    runtime: tokio::runtime::Runtime,
    tasks: TaskSet,
    attempts: Arc<Attempts>,
}

impl Attackers {
    fn start(stage: &Stage, rate: u32) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("attacker")
            .enable_all()
            .build()?;
        let attempts = Arc::new(Attempts::default());
        let mut tasks = TaskSet::under(&tokio_util::sync::CancellationToken::new());
        let entered = runtime.enter();
        attacks::start(&mut tasks, stage, rate, &attempts)?;
        drop(entered);
        Ok(Self {
            runtime,
            tasks,
            attempts,
        })
    }

    fn stop(self) -> Arc<Attempts> {
        drop(self.tasks);
        self.runtime.shutdown_background();
        self.attempts
    }
}
