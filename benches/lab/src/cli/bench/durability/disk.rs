//! `parapet bench disk`: what the journal does when its disk does not do what it should.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::load::{config, event, number};
use super::mounts::Disk;
use parapet::base::clock::{Clock as _, SystemClock};
use parapet::base::metrics::Metrics;
use parapet::config::types::JournalConfig;
use parapet::journal::verify::verify;
use parapet::journal::{AcknowledgeError, Journal};
use parapet::model::entry::Entry;
use parapet::model::event::EventKind;
use parapet::model::ids::{ConsumerName, Sequence};
use parapet::model::time::UtcMicros;

const BEFORE: u64 = 500;
const DURING: u64 = 300;
const WAIT_TIMEOUT: Duration = Duration::from_secs(40);

/// What one fault did.
#[derive(Debug, Default)]
struct Row {
    fault: &'static str,
    /// The state in words while it lasted.
    state: String,
    /// Events seen as provisional while it lasted.
    provisional: usize,
    refused: bool,
    /// Of the journal's own kinds, afterwards.
    raised: usize,
    stored: usize,
    lost: u64,
    declared: u64,
    in_order: bool,
    whole: bool,
}

impl Row {
    /// Whether it is as declared: everything appended is stored or counted, and nothing else.
    fn is_kept(&self, appended: u64) -> bool {
        self.in_order
            && self.whole
            && self.raised > 0
            && self.stored as u64 + self.lost == appended
            && self.declared == self.lost
    }
}

struct Bench {
    journal: Journal,
    metrics: Arc<Metrics>,
    path: PathBuf,
    platform: ConsumerName,
}

impl Bench {
    fn start(disk: &Disk, memory_events: usize) -> anyhow::Result<Self> {
        let path = disk.path().join("journal.sqlite");
        let config = JournalConfig {
            memory_events,
            ..config(path.clone())?
        };
        let metrics = Metrics::new();
        let journal = Journal::open(&config, SystemClock::shared(), Arc::clone(&metrics))?;
        let bench = Self {
            journal,
            metrics,
            path,
            platform: ConsumerName::new("platform")?,
        };
        bench.append(1, BEFORE)?;
        anyhow::ensure!(
            bench.journal.flush(WAIT_TIMEOUT),
            "the good disk takes nothing"
        );
        let reader = bench.journal.reader();
        reader.acknowledge(&bench.platform, Sequence(BEFORE / 2))?;
        Ok(bench)
    }

    fn append(&self, first: u64, last: u64) -> anyhow::Result<()> {
        for number in first..=last {
            self.journal
                .writer()
                .append(event(1, number, UtcMicros(0))?, None)?;
        }
        Ok(())
    }

    /// Waits until `done`; false when it never comes true.
    fn until(done: impl Fn() -> bool) -> bool {
        let clock = SystemClock::new();
        while !done() {
            if clock.now().0 > WAIT_TIMEOUT {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }

    /// While the fault lasts: events go on, the state is told, nothing can be acknowledged.
    fn during(&self, row: &mut Row, count: u64) -> anyhow::Result<()> {
        self.append(BEFORE + 1, BEFORE + count)?;
        let reader = self.journal.reader();
        // The journal's own event is among them after a second.
        let raised = || {
            let (shown, _) = reader.provisional(0, usize::MAX);
            shown.iter().any(|event| is_own(event.kind))
        };
        anyhow::ensure!(
            Self::until(raised),
            "the fault was never raised as an event"
        );
        row.state = reader.storage().err().unwrap_or_default();
        let (shown, _) = reader.provisional(0, usize::MAX);
        row.provisional = shown.iter().filter(|event| !is_own(event.kind)).count();
        let answer = reader.acknowledge(&self.platform, Sequence(BEFORE));
        row.refused = matches!(answer, Err(AcknowledgeError::NotDurable));
        anyhow::ensure!(
            self.journal.healthy(WAIT_TIMEOUT).is_ok(),
            "the journal died"
        );
        Ok(())
    }

    /// After it: everything is read back and accounted for.
    fn after(self, mut row: Row, appended: u64) -> anyhow::Result<(Row, bool)> {
        anyhow::ensure!(
            Self::until(|| self.journal.storage().is_ok()),
            "{}: commits never worked again: {:?}",
            row.fault,
            self.journal.storage()
        );
        anyhow::ensure!(
            self.journal.flush(WAIT_TIMEOUT),
            "what was held does not follow"
        );
        let reader = self.journal.reader();
        let kept = reader.acknowledged(&self.platform) >= Some(Sequence(BEFORE / 2));
        let mut position = Sequence(0);
        let mut told = Vec::new();
        let mut raised = 0;
        loop {
            let page = reader.entries_after(position, 256)?;
            let Some(last) = page.last() else { break };
            position = last.last();
            for entry in &page {
                match entry {
                    Entry::Event(record) if is_own(record.event.kind) => raised += 1,
                    Entry::Event(record) => told.push(number(record.event.id).1),
                    Entry::Gap(gap) => row.declared += gap.count,
                }
            }
        }
        row.raised = raised;
        row.stored = told.len();
        row.in_order = kept && told.windows(2).all(|pair| pair[0] < pair[1]);
        row.lost = self.metrics.events_lost.get();
        let stopped = self.journal.stop(WAIT_TIMEOUT);
        row.whole = stopped && verify(&self.path)?.is_whole();
        let clean = row.is_kept(appended);
        Ok((row, clean))
    }
}

fn is_own(kind: EventKind) -> bool {
    matches!(kind, EventKind::STORAGE_LOW | EventKind::STORAGE_FAULT)
}

fn row(fault: &'static str) -> Row {
    Row {
        fault,
        ..Row::default()
    }
}

/// Fills what is left of a small disk, down to the last block.
fn ballast(disk: &Disk) -> anyhow::Result<PathBuf> {
    let path = disk.path().join("ballast");
    let mut file = std::fs::File::create(&path)?;
    for block in [64 * 1024, 4 * 1024, 1] {
        while file.write_all(&vec![0; block]).is_ok() {}
    }
    Ok(path)
}

fn full(memory_events: usize, count: u64, fault: &'static str) -> anyhow::Result<(Row, bool)> {
    let disk = Disk::small(4_096)?;
    let bench = Bench::start(&disk, memory_events)?;
    let ballast = ballast(&disk)?;
    let mut row = row(fault);
    bench.during(&mut row, count)?;
    std::fs::remove_file(ballast)?;
    bench.after(row, BEFORE + count)
}

fn broken(
    fault: &'static str,
    breaking: fn(&Disk) -> anyhow::Result<()>,
) -> anyhow::Result<(Row, bool)> {
    let mut disk = Disk::ext4()?;
    let bench = Bench::start(&disk, 10_000)?;
    breaking(&disk)?;
    let mut row = row(fault);
    bench.during(&mut row, DURING)?;
    disk.bring_back()?;
    bench.after(row, BEFORE + DURING)
}

/// Pages in the middle of the file are written over while the daemon runs; a reader meets them.
fn corrupt_page() -> anyhow::Result<(Row, bool)> {
    let disk = Disk::small(65_536)?;
    let bench = Bench::start(&disk, 10_000)?;
    bench.append(BEFORE + 1, BEFORE + 5_000)?;
    anyhow::ensure!(
        bench.journal.flush(WAIT_TIMEOUT),
        "the good disk takes nothing"
    );
    let appended = BEFORE + 5_000;
    let reader = bench.journal.reader();
    reader.acknowledge(&bench.platform, Sequence(appended - 1_000))?;
    let size = std::fs::metadata(&bench.path)?.len();
    let mut file = std::fs::File::options().write(true).open(&bench.path)?;
    file.seek(SeekFrom::Start(size / 3 / 4_096 * 4_096))?;
    file.write_all(&vec![0xa5; (size / 4) as usize])?;
    let mut row = row("corrupt page, met by a reader");
    let words = std::cell::RefCell::new(String::new());
    let position = std::cell::Cell::new(Sequence(0));
    let met = Bench::until(|| {
        match reader.entries_after(position.get(), 256) {
            Ok(page) => position.set(page.last().map_or(Sequence(0), Entry::last)),
            Err(error) => *words.borrow_mut() = error.in_full(),
        }
        bench.metrics.journal.damages.get() > 0
    });
    anyhow::ensure!(met, "nobody met the damage");
    row.state = words.into_inner();
    bench.append(appended + 1, appended + 10)?;
    // Stored now: what was not acknowledged and could be read, and all that came since. The gap
    // stands for the whole old file, which lies beside the new one.
    let (mut row, _) = bench.after(row, 0)?;
    let came = row.stored;
    let clean = row.in_order && row.whole && row.raised > 0 && (11..=1_010).contains(&came);
    row.refused = true;
    Ok((row, clean))
}

pub(super) fn run() -> anyhow::Result<bool> {
    match Disk::small(1_024) {
        Ok(disk) => drop(disk),
        Err(error) => {
            println!("skipped: file systems cannot be mounted here: {error}");
            return Ok(true);
        }
    }
    let results = [
        full(10_000, DURING, "disk full")?,
        full(100, DURING, "disk full, memory full")?,
        broken("read-only file system", Disk::turn_read_only)?,
        broken("I/O error (disk pulled out)", Disk::pull_out)?,
        corrupt_page()?,
    ];
    println!(
        "{:<30} {:>11} {:>7} {:>6} {:>6} {:>5} {:>8} {:>8} {:>6} {:>7}",
        "fault",
        "provisional",
        "refused",
        "raised",
        "stored",
        "lost",
        "declared",
        "in order",
        "chain",
        "promise"
    );
    let mut kept = true;
    for (row, clean) in &results {
        println!(
            "{:<30} {:>11} {:>7} {:>6} {:>6} {:>5} {:>8} {:>8} {:>6} {:>7}",
            row.fault,
            row.provisional,
            row.refused,
            row.raised,
            row.stored,
            row.lost,
            row.declared,
            row.in_order,
            if row.whole { "whole" } else { "BROKEN" },
            if *clean { "kept" } else { "BROKEN" }
        );
        println!("  {}", row.state);
        kept &= clean;
    }
    Ok(kept)
}
