//! `parapet bench stalled`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use hdrhistogram::Histogram;

use super::StalledArgs;
use super::load::{Node, event, number};
use parapet::api::client::{Client, SubscribeFrom, Subscription, Told};
use parapet::base::clock::{SharedClock, SystemClock};
use parapet::base::tasks::named_thread;
use parapet::journal::{Filter, JournalWriter};
use parapet::model::ids::Sequence;
use parapet::model::time::UtcMicros;

/// Stored before the measurement, so that the stalled subscriber has something to choke on.
const BACKLOG: u64 = 50_000;

/// Appends at an even pace; each event carries the time it was appended.
fn pace(
    writer: &JournalWriter,
    clock: &SharedClock,
    run: u64,
    args: (u64, u32),
) -> anyhow::Result<()> {
    let (seconds, rate) = args;
    let start = clock.now();
    for number in 1..=seconds * u64::from(rate) {
        let due = start.after(Duration::from_secs(number) / rate);
        std::thread::sleep(due.since(clock.now()));
        writer.append(event(run, number, UtcMicros(clock.utc_micros()))?, None)?;
    }
    Ok(())
}

/// From append to the subscriber, in microseconds.
async fn listen(
    live: &mut Subscription,
    clock: &SharedClock,
    run: u64,
    count: u64,
) -> anyhow::Result<Histogram<u64>> {
    let mut latencies = Histogram::new(3)?;
    let mut heard = 0;
    while heard < count {
        let Told::Record(record) = live.told().await.context("the stream ended")?? else {
            continue;
        };
        heard += 1;
        anyhow::ensure!(number(record.event.id) == (run, heard), "out of order");
        let micros = clock.utc_micros() - record.event.observed.0;
        latencies.record(micros.max(1).unsigned_abs())?;
    }
    Ok(latencies)
}

/// Resident memory of this process in MB.
fn resident_megabytes() -> anyhow::Result<f64> {
    let status = procfs::process::Process::myself()?.status()?;
    Ok(status.vmrss.unwrap_or(0) as f64 / 1024.0)
}

pub(super) async fn run(args: &StalledArgs) -> anyhow::Result<bool> {
    let folder = tempfile::Builder::new()
        .prefix("parapet-stalled-")
        .tempdir()?;
    let node = Node::start(folder.path().join("journal.sqlite")).await?;
    let writer = node.journal.writer();
    tokio::task::spawn_blocking(move || super::drain::fill(&writer, BACKLOG)).await??;
    let mut committed = node.journal.committed();
    let end = *committed.wait_for(|last| last.0 >= BACKLOG).await?;
    let clock: SharedClock = SystemClock::shared();
    let mut client = Client::connect(&node.url).await?;
    let from = SubscribeFrom::After(end);
    let mut live = client.subscribe(from, &Filter::default()).await?;
    println!(
        "{:<28} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "live subscriber, ms", "events", "p50", "p99", "max", "RSS MB"
    );
    let (mut worst, mut stalled) = (Vec::new(), None);
    for run in 2..=3_u64 {
        if run == 3 {
            // A connection of its own, from the beginning, and nobody ever reads it.
            let mut deaf = Client::connect(&node.url).await?;
            let beginning = SubscribeFrom::After(Sequence(0));
            stalled = Some(deaf.subscribe(beginning, &Filter::default()).await?);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let (writer, time) = (node.journal.writer(), Arc::clone(&clock));
        let (seconds, rate) = (args.seconds, args.rate);
        let pacer = named_thread("pace", move || pace(&writer, &time, run, (seconds, rate)))?;
        let count = seconds * u64::from(rate);
        let heard = listen(&mut live, &clock, run, count).await?;
        anyhow::ensure!(pacer.join().is_ok_and(|paced| paced.is_ok()), "no pace");
        let millis = |micros: u64| micros as f64 / 1_000.0;
        println!(
            "{:<28} {:>8} {:>8.2} {:>8.2} {:>8.2} {:>8.0}",
            if run == 2 {
                "alone"
            } else {
                "beside a stalled one"
            },
            heard.len(),
            millis(heard.value_at_quantile(0.5)),
            millis(heard.value_at_quantile(0.99)),
            millis(heard.max()),
            resident_megabytes()?
        );
        worst.push(heard.value_at_quantile(0.99));
    }
    drop(stalled);
    // The promise is 4 s at the subscriber, always; a stalled neighbour must not come near it.
    let kept = worst.iter().all(|micros| *micros < 4_000_000);
    Ok(node.stop().await? && kept)
}
