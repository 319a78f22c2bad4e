//! `parapet bench drain`.

use std::path::Path;

use anyhow::Context as _;

use super::load::{Node, event, number};
use parapet::api::client::{Client, SubscribeFrom, Told};
use parapet::base::clock::{Clock as _, SystemClock};
use parapet::journal::{Filter, JournalWriter};
use parapet::model::ids::ConsumerName;
use parapet::model::time::UtcMicros;

/// The subscriber acknowledges every so many events, and what is last.
const ACKNOWLEDGE_EVERY: u64 = 1_000;

/// Appends events 1 to `count` of run 1.
pub(super) fn fill(writer: &JournalWriter, count: u64) -> anyhow::Result<()> {
    for number in 1..=count {
        writer.append(event(1, number, UtcMicros(0))?, None)?;
    }
    Ok(())
}

pub(super) async fn run(count: u64) -> anyhow::Result<bool> {
    let folder = tempfile::Builder::new()
        .prefix("parapet-drain-")
        .tempdir()?;
    let path = folder.path().join("journal.sqlite");
    let clock = SystemClock::new();
    let node = Node::start(path.clone()).await?;
    let writer = node.journal.writer();
    let mut committed = node.journal.committed();
    tokio::task::spawn_blocking(move || fill(&writer, count)).await??;
    committed.wait_for(|last| last.0 >= count).await?;
    let filled = clock.now().0;
    let mut client = Client::connect(&node.url).await?;
    let consumer = ConsumerName::new("platform")?;
    let from = SubscribeFrom::Consumer(consumer.clone());
    let mut events = client.subscribe(from, &Filter::default()).await?;
    let (mut drained, mut bytes_of_text) = (0, 0);
    while drained < count {
        let told = events.told().await.context("the stream ended")??;
        let Told::Record(record) = told else { continue };
        drained += 1;
        anyhow::ensure!(
            record.sequence.0 == drained && number(record.event.id) == (1, drained),
            "{} came in the place of {drained}",
            record.sequence.0
        );
        bytes_of_text += record.event.detail.reason.as_deref().map_or(0, str::len);
        if drained % ACKNOWLEDGE_EVERY == 0 || drained == count {
            client.acknowledge(&consumer, record.sequence).await?;
        }
    }
    let took = clock.now().0.saturating_sub(filled);
    let rate = count as f64 / took.as_secs_f64();
    let stored = megabytes(&path)?;
    println!(
        "stored   {count} events in {:.1} s: {:.0} events/s, {stored:.0} MB",
        filled.as_secs_f64(),
        count as f64 / filled.as_secs_f64()
    );
    println!(
        "drained  {count} events in order over gRPC in {:.1} s: {rate:.0} events/s, acknowledged every {ACKNOWLEDGE_EVERY}",
        took.as_secs_f64()
    );
    anyhow::ensure!(bytes_of_text > 0, "the events came without their words");
    Ok(node.stop().await? && rate >= 5_000.0)
}

fn megabytes(path: &Path) -> anyhow::Result<f64> {
    Ok(std::fs::metadata(path)?.len() as f64 / 1e6)
}
