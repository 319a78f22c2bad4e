//! The uplink against a platform that behaves badly.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::authority::{Authority, Validity};
use parapet::api::uplink::{self, UplinkDeps};
use parapet::base::clock::{Clock as _, SystemClock};
use parapet::base::tasks::TaskSet;
use parapet::config::secret_file::SecretPath;
use parapet::config::types::{ClientTls, UplinkConfig};
use parapet::model::ids::{NodeName, Sequence, SiteName};
use parapet::proto::v1::deliver_request::Message as Said;
use parapet::proto::v1::deliver_response::Message as Answer;
use parapet::proto::v1::uplink_server::{Uplink, UplinkServer};
use parapet::proto::v1::{Acknowledged, DeliverRequest, DeliverResponse, Welcome};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

use crate::api::support::{Daemon, LONG, consumer};

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
    start_through(manner, |platform| (format!("http://{platform}"), None)).await
}

/// With something between the daemon and the platform: `way` takes the platform's address and
/// says where to dial, and with which certificates.
async fn start_through(
    manner: Manner,
    way: impl FnOnce(SocketAddr) -> (String, Option<ClientTls>),
) -> Setting {
    let daemon = Daemon::start().await;
    let platform = Platform {
        manner: Arc::new(Mutex::new(manner)),
        connections: Arc::default(),
        owners: Arc::default(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listener");
    let (url, tls) = way(listener.local_addr().expect("address"));
    let mut tasks = TaskSet::under(&CancellationToken::new());
    let service = UplinkServer::new(platform.clone());
    tasks.spawn("platform", async move {
        let server = Server::builder().add_service(service);
        let incoming = TcpListenerStream::new(listener);
        server.serve_with_incoming(incoming).await.expect("served");
    });
    let config = UplinkConfig {
        url: url.parse().expect("URL"),
        tls,
        consumer: consumer(),
    };
    let deps = UplinkDeps {
        reader: daemon.journal.reader(),
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

/// TLS 1.3 before the platform: shows a certificate and lets only those in whose own the same
/// authority has signed.
struct Curtain {
    files: tempfile::TempDir,
    acceptor: TlsAcceptor,
}

impl Curtain {
    fn new() -> Self {
        let files = tempfile::tempdir().expect("folder");
        let authority = Authority::new("platform", today()).expect("authority");
        authority.own.write(files.path(), "ca").expect("write");
        let names = ["localhost".to_owned()];
        let server = authority.server(&names, today()).expect("server");
        server.write(files.path(), "server").expect("write");
        let node = authority.client("node", today()).expect("node");
        node.write(files.path(), "node").expect("write");
        let read = |name: &str| std::fs::read(files.path().join(name)).expect("file");
        let chain = |name: &str| {
            CertificateDer::pem_slice_iter(&read(name))
                .collect::<Result<Vec<_>, _>>()
                .expect("certificates")
        };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(chain("ca.pem"));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
        let key = PrivateKeyDer::from_pem_slice(&read("server.key")).expect("key");
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("TLS 1.3")
            .with_client_cert_verifier(verifier.build().expect("verifier"))
            .with_single_cert(chain("server.pem"), key)
            .expect("certificate");
        config.alpn_protocols = vec![b"h2".to_vec()];
        Self {
            files,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        }
    }

    /// What the node shows.
    fn node(&self) -> ClientTls {
        let path = |name: &str| self.files.path().join(name);
        ClientTls {
            authority: path("ca.pem"),
            certificate: path("node.pem"),
            key: SecretPath {
                path: path("node.key"),
                credential: false,
            },
            server_name: Some("localhost".to_owned()),
        }
    }

    /// Stands before `platform`; says where.
    fn before(&self, platform: SocketAddr, tasks: &mut TaskSet) -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("listener");
        listener.set_nonblocking(true).expect("nonblocking");
        let at = listener.local_addr().expect("address");
        let acceptor = self.acceptor.clone();
        tasks.spawn("curtain", async move {
            let listener = TcpListener::from_std(listener).expect("listener");
            let mut open = TaskSet::under(&CancellationToken::new());
            loop {
                let (socket, _) = listener.accept().await.expect("accept");
                let acceptor = acceptor.clone();
                open.spawn("curtain", async move {
                    let Ok(mut outside) = acceptor.accept(socket).await else {
                        return;
                    };
                    let mut inside = TcpStream::connect(platform).await.expect("platform");
                    let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
                });
            }
        });
        format!("https://{at}")
    }
}

fn today() -> Validity {
    let now = SystemClock::new().utc_micros() / 1_000_000;
    Validity::days(u64::try_from(now).expect("after 1970"), 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_only_a_node_with_a_good_certificate_delivers() {
    let curtain = Curtain::new();
    let mut tasks = TaskSet::under(&CancellationToken::new());
    // Files of somebody else's authority in the place of the node's own.
    let stranger = Authority::new("stranger", today()).expect("authority");
    let forged = stranger.client("node", today()).expect("node");
    let good = ["node.pem", "node.key"].map(|name| {
        let path = curtain.files.path().join(name);
        let text = std::fs::read(&path).expect("file");
        std::fs::remove_file(&path).expect("remove");
        (path, text)
    });
    forged.write(curtain.files.path(), "node").expect("write");
    let manner = Manner {
        acknowledge_every: 1,
        cut_after: 0,
        boast: 0,
    };
    let tls = curtain.node();
    let setting = start_through(manner, |platform| {
        (curtain.before(platform, &mut tasks), Some(tls))
    })
    .await;
    setting.daemon.commit(1, 20).await;
    let refused = async {
        while setting.daemon.metrics.journal.uplink_failures.get() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, refused).await.expect("in time");
    assert!(
        setting
            .platform
            .connections
            .lock()
            .expect("lock")
            .is_empty()
    );
    // Renewed files are taken over at the next dial, without a restart.
    for (path, text) in &good {
        std::fs::write(path, text).expect("write");
    }
    setting.until_acknowledged(20).await;
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
    let (mut promised, mut begun) = (0, 0);
    for seen in connections.iter() {
        // Nothing is left out that was not acknowledged, and what was begun after once is never sent
        // again. An acknowledgement that leaves as the line is cut may never arrive: at-least-once.
        assert!((begun..=promised).contains(&seen.begins_after));
        let next = seen.begins_after + 1..;
        assert!(
            next.zip(&seen.sequences)
                .all(|(wanted, got)| wanted == *got)
        );
        promised = promised.max(seen.acknowledged);
        begun = seen.begins_after;
    }
    assert!(begun > 0, "no acknowledgement outlived its connection");
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
