//! The good clients: one that follows all the time, one that comes anew every half second.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio_util::sync::CancellationToken;

use super::stage::Stage;
use parapet::api::client::{Client, SubscribeFrom, Subscription, Told};
use parapet::base::clock::SharedClock;
use parapet::base::tasks::TaskSet;
use parapet::config::types::ClientTls;
use parapet::journal::Filter;
use parapet::model::ids::Sequence;

/// What was heard in one part.
pub(super) struct Heard {
    pub(super) micros: Histogram<u64>,
    pub(super) lost: u64,
    pub(super) reconnects: u64,
}

/// Microseconds up to an hour.
#[expect(clippy::expect_used, reason = "the bounds are constants that are good")]
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("good bounds")
}

/// A subscriber.
pub(super) struct Live {
    url: String,
    tls: ClientTls,
    clock: SharedClock,
    events: Subscription,
    last: u64,
}

async fn subscribe(url: &str, tls: &ClientTls, after: u64) -> anyhow::Result<Subscription> {
    let mut client = Client::connect_with(url, Some(tls)).await?;
    let from = SubscribeFrom::After(Sequence(after));
    Ok(client.subscribe(from, &Filter::default()).await?)
}

impl Live {
    pub(super) async fn start(stage: &Stage) -> anyhow::Result<Self> {
        let (url, tls) = (stage.url(), stage.shows("platform"));
        let events = subscribe(&url, &tls, 0).await?;
        Ok(Self {
            url,
            tls,
            clock: Arc::clone(&stage.clock),
            events,
            last: 0,
        })
    }

    /// Follows for so long.
    pub(super) async fn follow(&mut self, time: Duration) -> Heard {
        let mut heard = Heard {
            micros: histogram(),
            lost: 0,
            reconnects: 0,
        };
        let over = tokio::time::sleep(time);
        tokio::pin!(over);
        loop {
            let told = tokio::select! {
                () = &mut over => return heard,
                told = self.events.told() => told,
            };
            match told {
                Some(Ok(Told::Record(record))) => {
                    let now = self.clock.utc_micros();
                    let took = now.saturating_sub(record.event.occurred.utc.0).max(1);
                    heard.micros.saturating_record(took.unsigned_abs());
                    heard.lost += record.sequence.0.saturating_sub(self.last + 1);
                    self.last = record.sequence.0;
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => {
                    heard.reconnects += 1;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    if let Ok(events) = subscribe(&self.url, &self.tls, self.last).await {
                        self.events = events;
                    }
                }
            }
        }
    }
}

/// Comes anew again and again.
pub(super) struct Newcomer {
    counts: Arc<(AtomicU64, AtomicU64)>,
    _tasks: TaskSet,
}

impl Newcomer {
    pub(super) fn start(stage: &Stage) -> anyhow::Result<Self> {
        let counts = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
        let (url, tls) = (stage.url(), stage.shows("newcomer"));
        let mut tasks = TaskSet::under(&CancellationToken::new());
        let told = Arc::clone(&counts);
        tasks.spawn("newcomer", async move {
            loop {
                let answered = async {
                    let mut client = Client::connect_with(&url, Some(&tls)).await?;
                    client.query(&Filter::default(), 1).await
                };
                let in_time = tokio::time::timeout(Duration::from_secs(5), answered).await;
                let count = match in_time {
                    Ok(Ok(_)) => &told.0,
                    _ => &told.1,
                };
                count.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        });
        Ok(Self {
            counts,
            _tasks: tasks,
        })
    }

    /// How often it came in and how often not, since the last time this was asked.
    pub(super) fn take(&self) -> (u64, u64) {
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        (take(&self.counts.0), take(&self.counts.1))
    }

    pub(super) fn stop(self) {}
}
