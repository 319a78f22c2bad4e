//! One subscriber of `bench kill`: follows, checks each event against what it must be, and
//! acknowledges in its own way.

use std::sync::Arc;

use parking_lot::Mutex;

use super::ledger::Told;
use super::load::{event, number};
use parapet::api::client::{Client, SubscribeFrom, Told as Heard};
use parapet::journal::Filter;
use parapet::model::event::Record;
use parapet::model::ids::{ConsumerName, Sequence};

/// A durable consumer and its account.
#[derive(Clone)]
pub(super) struct Consumer {
    pub(super) name: ConsumerName,
    /// Acknowledges about every so many events.
    pub(super) every: u64,
    pub(super) told: Arc<Mutex<Told>>,
}

impl Consumer {
    pub(super) fn new(name: &str, every: u64) -> anyhow::Result<Self> {
        Ok(Self {
            name: ConsumerName::new(name)?,
            every,
            told: Arc::default(),
        })
    }

    /// Follows until the connection breaks, or with `to_the_end` until all stored is told and
    /// acknowledged.
    pub(super) async fn follow(
        &self,
        url: &str,
        to_the_end: bool,
        seed: u64,
    ) -> anyhow::Result<()> {
        let mut random = fastrand::Rng::with_seed(seed);
        // At the end only the events count, and each acknowledgement costs a flush of the disk.
        let every = if to_the_end { 1_000 } else { self.every };
        let mut client = Client::connect(url).await?;
        let from = SubscribeFrom::Consumer(self.name.clone());
        let mut events = client.subscribe(from, &Filter::default()).await?;
        self.told.lock().begin();
        while let Some(heard) = events.told().await {
            let heard = heard?;
            // The node is quiet then: what was stored was told.
            let caught_up = matches!(heard, Heard::Position(_));
            let (reached, acknowledge) = match heard {
                Heard::Record(record) => {
                    self.take(&record);
                    (record.sequence, random.u64(..every) == 0)
                }
                Heard::Position(position) => (position, true),
                Heard::Gap(gap) => {
                    self.told.lock().broke(format!("a gap was told: {gap:?}"));
                    (gap.last, true)
                }
                Heard::Provisional(_) => continue,
            };
            if !acknowledge || reached == Sequence(0) {
                continue;
            }
            {
                let mut told = self.told.lock();
                told.requested = told.requested.max(reached.0);
            }
            let confirmed = client.acknowledge(&self.name, reached).await?;
            let mut told = self.told.lock();
            if confirmed < reached {
                told.broke(format!(
                    "{} was acknowledged, {} confirmed",
                    reached.0, confirmed.0
                ));
            }
            told.confirmed = told.confirmed.max(confirmed.0);
            if to_the_end && caught_up {
                return Ok(());
            }
        }
        Ok(())
    }

    fn take(&self, record: &Record) {
        let (run, counted) = number(record.event.id);
        let mut told = self.told.lock();
        match event(run, counted, record.event.observed) {
            Ok(wanted) if wanted == record.event => {}
            _ => told.broke(format!(
                "{} is not what was emitted: {:?}",
                record.sequence.0, record.event
            )),
        }
        told.event(record.sequence.0, (run, counted), record.hash);
    }
}
