//! `parapet bench kill`.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::KillArgs;
use super::delivered::Consumer;
use super::ledger::{Account, Words};
use crate::cli::programs;
use parapet::base::clock::{Clock as _, SystemClock};
use parapet::base::tasks::{TaskSet, named_thread};
use parapet::journal::verify::{Verdict, verify};

/// One in so many kills comes while the process starts, before it listens.
const EARLY: u8 = 8;
const EARLIEST_MICROS: u64 = 15_000;
/// Other kills come so long after it listens.
const LATER_MICROS: std::ops::Range<u64> = 1_000..150_000;
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);

/// A running node and the thread that writes down its words.
struct Victim {
    child: Child,
    listens: oneshot::Receiver<String>,
    scribe: Option<JoinHandle<()>>,
}

impl Victim {
    fn start(
        folder: &Path,
        run: u64,
        seed: u64,
        quiet: bool,
        words: &Arc<Mutex<Words>>,
    ) -> anyhow::Result<Self> {
        let mut command = programs::lab()?;
        command.args(["bench", "node", "--folder"]).arg(folder);
        command.args(["--run", &run.to_string(), "--seed", &seed.to_string()]);
        if quiet {
            command.arg("--quiet");
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().context("the node could not be started")?;
        let out = child.stdout.take().context("the node has no output")?;
        let (told, listens) = oneshot::channel();
        let words = Arc::clone(words);
        let scribe = named_thread("words", move || {
            let (mut out, mut told, mut line) = (BufReader::new(out), Some(told), String::new());
            // A line without its end was cut by the kill: nobody has said it.
            while out.read_line(&mut line).is_ok() && line.ends_with('\n') {
                match line.trim_end().strip_prefix("listening ") {
                    Some(url) => {
                        let _ = told.take().map(|told| told.send(url.to_owned()));
                    }
                    None => words.lock().hear(run, line.trim_end()),
                }
                line.clear();
            }
        })?;
        Ok(Self {
            child,
            listens,
            scribe: Some(scribe),
        })
    }

    async fn url(&mut self) -> anyhow::Result<String> {
        let listens = tokio::time::timeout(WAIT_TIMEOUT, &mut self.listens).await;
        let listens = listens.context("the node did not start within a minute")?;
        listens.context("the node ended before it listened")
    }

    /// SIGKILL; returns once its last word is written down.
    async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        tokio::task::spawn_blocking(move || {
            self.child.wait()?;
            let written = self
                .scribe
                .take()
                .is_none_or(|scribe| scribe.join().is_ok());
            anyhow::ensure!(written, "the words could not be read");
            Ok(())
        })
        .await?
    }
}

impl Drop for Victim {
    /// Nothing stays behind when the bench itself fails.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Run {
    folder: std::path::PathBuf,
    seed: u64,
    random: fastrand::Rng,
    words: Arc<Mutex<Words>>,
    consumers: [Consumer; 2],
}

impl Run {
    async fn one_kill(&mut self, run: u64) -> anyhow::Result<()> {
        let mut victim = Victim::start(&self.folder, run, self.seed, false, &self.words)?;
        if self.random.u8(..EARLY) == 0 {
            let early = Duration::from_micros(self.random.u64(..EARLIEST_MICROS));
            tokio::time::sleep(early).await;
            return victim.kill().await;
        }
        let url = victim.url().await?;
        let mut tasks = TaskSet::under(&CancellationToken::new());
        for consumer in self.consumers.clone() {
            let (url, seed) = (url.clone(), self.random.u64(..));
            tasks.spawn(consumer.name.to_string(), async move {
                // It ends by the kill.
                let _ = consumer.follow(&url, false, seed).await;
            });
        }
        tokio::time::sleep(Duration::from_micros(self.random.u64(LATER_MICROS))).await;
        victim.kill().await?;
        while let Ok(Some(_)) = tokio::time::timeout(WAIT_TIMEOUT, tasks.next_end()).await {}
        Ok(())
    }

    /// Everything that is stored is told to everybody.
    async fn drain(&mut self, run: u64) -> anyhow::Result<()> {
        let mut victim = Victim::start(&self.folder, run, self.seed, true, &self.words)?;
        let url = victim.url().await?;
        for consumer in &self.consumers {
            let followed = consumer.follow(&url, true, 0);
            tokio::time::timeout(WAIT_TIMEOUT * 5, followed).await??;
        }
        victim.kill().await
    }
}

pub(super) async fn run(args: KillArgs) -> anyhow::Result<bool> {
    let temporary = tempfile::Builder::new().prefix("parapet-kill-").tempdir()?;
    let folder = args.folder.unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&folder)?;
    let mut run = Run {
        folder: folder.clone(),
        seed: args.seed,
        random: fastrand::Rng::with_seed(args.seed),
        words: Arc::default(),
        consumers: [Consumer::new("quick", 4)?, Consumer::new("slow", 60)?],
    };
    let clock = SystemClock::new();
    for kill in 1..=args.kills {
        run.one_kill(kill.into()).await?;
        if kill % 100 == 0 {
            eprintln!("{kill} kills, {} s", clock.now().0.as_secs());
        }
    }
    run.drain(u64::from(args.kills) + 1).await?;
    let verdict = verify(&folder.join("journal.sqlite"))?;
    let seconds = clock.now().0.as_secs_f64();
    let (kills, seed) = (args.kills, args.seed);
    println!("{kills} kills by SIGKILL in {seconds:.0} s, seed {seed}");
    Ok(report(&run, &verdict))
}

/// Prints the account; whether every promise was kept.
fn report(run: &Run, verdict: &Verdict) -> bool {
    println!(
        "{:<10} {:>9} {:>9} {:>9} {:>9} {:>5} {:>8} {:>6} {:>9} {:>12} {:>6}",
        "consumer",
        "emitted",
        "committed",
        "delivered",
        "in flight",
        "lost",
        "invented",
        "twice",
        "repeated",
        "acknowledged",
        "broken"
    );
    let words = run.words.lock();
    let mut clean = verdict.is_whole() && verdict.gaps == 0;
    for consumer in &run.consumers {
        let told = consumer.told.lock();
        let account = Account::of(&words, &told);
        println!(
            "{:<10} {:>9} {:>9} {:>9} {:>9} {:>5} {:>8} {:>6} {:>9} {:>12} {:>6}",
            consumer.name.as_str(),
            account.emitted,
            account.committed,
            account.delivered,
            account.in_flight,
            account.lost,
            account.invented,
            account.twice,
            told.repeated,
            told.confirmed,
            told.broken.len() + account.holes
        );
        told.broken.iter().for_each(|words| println!("  {words}"));
        let all = verdict.events == account.delivered as u64 && told.confirmed == verdict.last;
        clean &= account.is_clean() && told.broken.is_empty() && all;
    }
    println!(
        "journal: {} events and {} gaps up to {}, chain {}",
        verdict.events,
        verdict.gaps,
        verdict.last,
        if verdict.is_whole() {
            "whole"
        } else {
            "DAMAGED"
        }
    );
    println!(
        "{}",
        if clean {
            "every promise was kept"
        } else {
            "A PROMISE WAS BROKEN"
        }
    );
    clean
}
