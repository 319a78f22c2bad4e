//! The uplink against a platform that behaves badly.

#[path = "api/support.rs"]
#[expect(dead_code, reason = "the tests of the API ask for more")]
mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use parapet::api::uplink::{self, UplinkDeps};
use parapet::base::tasks::TaskSet;
use parapet::config::types::UplinkConfig;
use parapet::model::ids::{NodeName, Sequence, SiteName};
use parapet::proto::v1::deliver_request::Message as Said;
use parapet::proto::v1::deliver_response::Message as Answer;
use parapet::proto::v1::uplink_server::{Uplink, UplinkServer};
use parapet::proto::v1::{Acknowledged, DeliverRequest, DeliverResponse, Welcome};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

use support::{Daemon, LONG, consumer};

/// What the platform does on each connection.
#[derive(Clone, Copy)]
struct Manner {
    /// Acknowledge every so many events; 0 is never.
    acknowledge_every: u64,
    /// Cut the stream after so many events; 0 is never.
    cut_after: u64,
    /// Acknowledge so much more than was sent.
    boast: u64,
}

/// One connection as the platform saw it.
#[derive(Default)]
struct Seen {
    begins_after: u64,
    sequences: Vec<u64>,
    acknowledged: u64,
}

#[derive(Clone)]
struct Platform {
    manner: Arc<Mutex<Manner>>,
    connections: Arc<Mutex<Vec<Seen>>>,
    owners: Arc<Mutex<Option<TaskSet>>>,
}

#[tonic::async_trait]
impl Uplink for Platform {
    type DeliverStream = ReceiverStream<Result<DeliverResponse, Status>>;

    async fn deliver(
        &self,
        request: Request<Streaming<DeliverRequest>>,
    ) -> Result<Response<Self::DeliverStream>, Status> {
        let mut said = request.into_inner();
        let first = said.message().await?.and_then(|request| request.message);
        let Some(Said::Hello(hello)) = first else {
            return Err(Status::invalid_argument("hello"));
        };
        assert_eq!((hello.site.as_str(), hello.node.as_str()), ("site", "node"));
        self.connections.lock().expect("lock").push(Seen {
            begins_after: hello.acknowledged_sequence,
            ..Seen::default()
        });
        let (sender, receiver) = mpsc::channel(4);
        let answer = |message| DeliverResponse {
            message: Some(message),
        };
        let _ = sender.send(Ok(answer(Answer::Welcome(Welcome {})))).await;
        let platform = self.clone();
        let mut owners = self.owners.lock().expect("lock");
        let tasks = owners.get_or_insert_with(|| TaskSet::under(&CancellationToken::new()));
        tasks.spawn("platform", async move {
            while let Ok(Some(request)) = said.message().await {
                let Some(Said::Event(event)) = request.message else {
                    continue;
                };
                let manner = *platform.manner.lock().expect("lock");
                let (count, acknowledge) = {
                    let mut connections = platform.connections.lock().expect("lock");
                    let seen = connections.last_mut().expect("a connection");
                    seen.sequences.push(event.sequence);
                    let count = seen.sequences.len() as u64;
                    let every = manner.acknowledge_every;
                    let acknowledge = every > 0 && count.is_multiple_of(every);
                    if acknowledge {
                        seen.acknowledged = event.sequence;
                    }
                    (count, acknowledge)
                };
                if acknowledge {
                    let sequence = event.sequence + manner.boast;
                    let message = Answer::Acknowledged(Acknowledged { sequence });
                    let _ = sender.send(Ok(answer(message))).await;
                }
                if manner.cut_after > 0 && count >= manner.cut_after {
                    let _ = sender.send(Err(Status::unavailable("cut"))).await;
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

struct Setting {
    daemon: Daemon,
    platform: Platform,
    _tasks: TaskSet,
}

async fn start(manner: Manner) -> Setting {
    let daemon = Daemon::start().await;
    let platform = Platform {
        manner: Arc::new(Mutex::new(manner)),
        connections: Arc::default(),
        owners: Arc::default(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listener");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    let mut tasks = TaskSet::under(&CancellationToken::new());
    let service = UplinkServer::new(platform.clone());
    tasks.spawn("platform", async move {
        let server = Server::builder().add_service(service);
        let incoming = TcpListenerStream::new(listener);
        server.serve_with_incoming(incoming).await.expect("served");
    });
    let config = UplinkConfig {
        url: url.parse().expect("URL"),
        consumer: consumer(),
    };
    let deps = UplinkDeps {
        reader: daemon.journal.reader(),
        committed: daemon.journal.committed(),
        metrics: Arc::clone(&daemon.metrics),
        site: SiteName::new("site").expect("name"),
        node: NodeName::new("node").expect("name"),
    };
    tasks.spawn("uplink", uplink::run(config, deps, tasks.token()));
    Setting {
        daemon,
        platform,
        _tasks: tasks,
    }
}

impl Setting {
    async fn until_acknowledged(&self, wanted: u64) {
        let reader = self.daemon.journal.reader();
        let reached = async {
            while reader.acknowledged(&consumer()) < Some(Sequence(wanted)) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(LONG, reached).await.expect("in time");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_cuts_again_and_again_gets_every_event_in_order_after_what_it_acknowledged()
{
    let setting = start(Manner {
        acknowledge_every: 10,
        cut_after: 35,
        boast: 0,
    })
    .await;
    setting.daemon.commit(1, 120).await;
    setting.until_acknowledged(120).await;
    assert!(setting.daemon.metrics.journal.uplink_failures.get() >= 3);
    let connections = setting.platform.connections.lock().expect("lock");
    let mut promised = 0;
    for seen in connections.iter() {
        // Never before what was promised, and never leaving out what was not.
        assert_eq!(seen.begins_after, promised);
        let next = promised + 1..;
        assert!(
            next.zip(&seen.sequences)
                .all(|(wanted, got)| wanted == *got)
        );
        promised = promised.max(seen.acknowledged);
    }
    assert!(connections.len() >= 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_acknowledges_nothing_gets_a_window_full_and_no_more() {
    let setting = start(Manner {
        acknowledge_every: 0,
        cut_after: 0,
        boast: 0,
    })
    .await;
    setting.daemon.commit(1, 3_000).await;
    let platform = setting.platform.clone();
    let got = move || {
        let connections = platform.connections.lock().expect("lock");
        connections.first().map_or(0, |seen| seen.sequences.len())
    };
    let full = async {
        while got() < 1_024 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, full).await.expect("in time");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(got(), 1_024);
    assert_eq!(setting.daemon.metrics.journal.uplink_connected.get(), 1);
    assert_eq!(
        setting.daemon.journal.reader().acknowledged(&consumer()),
        None
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_of_what_was_never_sent_breaks_the_connection() {
    let setting = start(Manner {
        acknowledge_every: 5,
        cut_after: 0,
        boast: 1_000,
    })
    .await;
    setting.daemon.commit(1, 5).await;
    let broken = async {
        while setting.daemon.metrics.journal.uplink_failures.get() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, broken).await.expect("in time");
    assert_eq!(
        setting.daemon.journal.reader().acknowledged(&consumer()),
        None
    );
    setting.platform.manner.lock().expect("lock").boast = 0;
    setting.until_acknowledged(5).await;
}
