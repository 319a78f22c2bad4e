//! The attackers. Each kind is a task that tries as often a second as it is told.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::MissedTickBehavior;
use tokio_rustls::TlsConnector;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

use super::stage::Stage;
use parapet::base::tasks::TaskSet;
use parapet::proto::v1;
use parapet::proto::v1::admin_client::AdminClient;
use parapet::proto::v1::events_client::EventsClient;
use parapet::proto::v1::subscribe_request::Start;

/// Where those without a certificate come from; the good clients come from 127.0.0.1.
const FROM: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Where mallory comes from: an address of its own, for the first one's is soon refused.
const MALLORY_FROM: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
/// Connections that a slow-loris tries to hold.
const LORISES: usize = 100;

/// How often each kind tried.
#[derive(Default)]
pub(super) struct Attempts {
    garbage: AtomicU64,
    tls_garbage: AtomicU64,
    plain_http2: AtomicU64,
    slow_loris: AtomicU64,
    floods: AtomicU64,
    oversized: AtomicU64,
    headers: AtomicU64,
    streams: AtomicU64,
    requests: AtomicU64,
    forbidden: AtomicU64,
}

impl Attempts {
    pub(super) fn counts(&self) -> [(&'static str, u64); 10] {
        [
            ("garbage", &self.garbage),
            ("garbage in TLS records", &self.tls_garbage),
            ("HTTP/2 without TLS", &self.plain_http2),
            ("slow-loris connections", &self.slow_loris),
            ("connections opened, closed", &self.floods),
            ("oversized messages", &self.oversized),
            ("oversized headers", &self.headers),
            ("Subscribe streams", &self.streams),
            ("requests", &self.requests),
            ("forbidden calls", &self.forbidden),
        ]
        .map(|(name, count)| (name, count.load(Ordering::Relaxed)))
    }
}

/// What every attacker knows.
#[derive(Clone)]
struct Target {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    attempts: Arc<Attempts>,
    rate: u32,
}

pub(super) fn start(
    tasks: &mut TaskSet,
    stage: &Stage,
    rate: u32,
    attempts: &Arc<Attempts>,
) -> anyhow::Result<()> {
    let target = Target {
        address: stage.address,
        tls: stage.mallory()?,
        attempts: Arc::clone(attempts),
        rate,
    };
    tasks.spawn("garbage", garbage(target.clone()));
    tasks.spawn("tls garbage", tls_garbage(target.clone()));
    tasks.spawn("plain http2", plain_http2(target.clone()));
    tasks.spawn("flood", flood(target.clone()));
    for _ in 0..LORISES {
        tasks.spawn("slow loris", slow_loris(target.clone()));
    }
    tasks.spawn("oversized", calls(target.clone(), Call::Oversized));
    tasks.spawn("headers", calls(target.clone(), Call::Headers));
    tasks.spawn("requests", calls(target.clone(), Call::Request));
    tasks.spawn("forbidden", calls(target.clone(), Call::Forbidden));
    tasks.spawn("streams", streams(target));
    Ok(())
}

impl Target {
    async fn connect(&self) -> std::io::Result<TcpStream> {
        self.connect_from(FROM).await
    }

    async fn connect_from(&self, from: Ipv4Addr) -> std::io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(IpAddr::V4(from), 0))?;
        socket.connect(self.address).await
    }

    fn pace(&self) -> tokio::time::Interval {
        let mut pace = tokio::time::interval(Duration::from_secs(1) / self.rate);
        pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
        pace
    }

    /// A connection with mallory's good certificate.
    async fn channel(&self) -> Option<Channel> {
        let target = self.clone();
        let connect = tower::service_fn(move |_: Uri| {
            let target = target.clone();
            async move {
                let socket = target.connect_from(MALLORY_FROM).await?;
                let name = ServerName::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST).into());
                let stream = TlsConnector::from(Arc::clone(&target.tls))
                    .connect(name, socket)
                    .await?;
                Ok::<_, std::io::Error>(TokioIo::new(stream))
            }
        });
        let endpoint = Endpoint::from_static("https://127.0.0.1");
        endpoint.connect_with_connector(connect).await.ok()
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn noise(most: usize) -> Vec<u8> {
    let length = fastrand::usize(1..=most);
    std::iter::repeat_with(|| fastrand::u8(..))
        .take(length)
        .collect()
}

/// Sends bytes and waits a moment for what comes back.
async fn send(target: &Target, bytes: &[u8]) {
    let Ok(mut socket) = target.connect().await else {
        return;
    };
    if socket.write_all(bytes).await.is_ok() {
        let mut answer = [0; 512];
        let reading = socket.read(&mut answer);
        let _ = tokio::time::timeout(Duration::from_millis(200), reading).await;
    }
}

async fn garbage(target: Target) {
    let mut pace = target.pace();
    loop {
        pace.tick().await;
        count(&target.attempts.garbage);
        send(&target, &noise(4_096)).await;
    }
}

async fn tls_garbage(target: Target) {
    let mut pace = target.pace();
    loop {
        pace.tick().await;
        count(&target.attempts.tls_garbage);
        // A handshake record (RFC 8446, 5.1) whose length is right and whose content is not; every
        // other one says it is a ClientHello.
        let mut body = noise(1_024);
        if fastrand::bool() {
            body.splice(0..0, [1, 0, 0, 200]);
        }
        let length = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
        let mut record = vec![22, 3, 1, length[0], length[1]];
        record.extend(body);
        send(&target, &record).await;
    }
}

async fn plain_http2(target: Target) {
    let mut pace = target.pace();
    loop {
        pace.tick().await;
        count(&target.attempts.plain_http2);
        send(
            &target,
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        )
        .await;
    }
}

async fn flood(target: Target) {
    let mut pace = target.pace();
    loop {
        pace.tick().await;
        count(&target.attempts.floods);
        drop(target.connect().await);
    }
}

async fn slow_loris(target: Target) {
    loop {
        count(&target.attempts.slow_loris);
        if let Ok(mut socket) = target.connect().await {
            // The head of a ClientHello, a byte at a time.
            for byte in [22, 3, 1, 2, 0, 1, 0, 1, 252].into_iter().cycle() {
                if socket.write_all(&[byte]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// What mallory, who has a good certificate, asks for.
#[derive(Clone, Copy)]
enum Call {
    Oversized,
    Headers,
    Request,
    Forbidden,
}

async fn calls(target: Target, call: Call) {
    loop {
        if let Some(channel) = target.channel().await {
            // Until the connection is cut.
            ask(&target, call, channel).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn ask(target: &Target, call: Call, channel: Channel) {
    let mut pace = target.pace();
    let mut failures = 0;
    while failures < 3 {
        pace.tick().await;
        let mut events = EventsClient::new(channel.clone());
        let answered = match call {
            Call::Oversized => {
                count(&target.attempts.oversized);
                let request = v1::AcknowledgeRequest {
                    consumer: "x".repeat(1 << 20),
                    sequence: 1,
                };
                events.acknowledge(request).await.map(|_| ())
            }
            Call::Headers => {
                count(&target.attempts.headers);
                let mut request = tonic::Request::new(v1::QueryRequest::default());
                if let Ok(long) = "x".repeat(20_000).parse() {
                    request.metadata_mut().insert("x-long", long);
                }
                events.query(request).await.map(|_| ())
            }
            Call::Request => {
                count(&target.attempts.requests);
                let request = v1::QueryRequest {
                    page_size: 256,
                    ..Default::default()
                };
                events.query(request).await.map(|_| ())
            }
            Call::Forbidden => {
                count(&target.attempts.forbidden);
                let reload = v1::ReloadConfigurationRequest {};
                let mut admin = AdminClient::new(channel.clone());
                admin.reload_configuration(reload).await.map(|_| ())
            }
        };
        let cut = answered.is_err_and(|status| {
            matches!(
                status.code(),
                tonic::Code::Unavailable | tonic::Code::Unknown
            )
        });
        failures = if cut { failures + 1 } else { 0 };
    }
}

async fn streams(target: Target) {
    let mut held: Vec<Streaming<v1::SubscribeResponse>> = Vec::new();
    let mut pace = target.pace();
    loop {
        let Some(channel) = target.channel().await else {
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        let mut events = EventsClient::new(channel);
        for _ in 0..200 {
            pace.tick().await;
            count(&target.attempts.streams);
            let request = v1::SubscribeRequest {
                start: Some(Start::AfterSequence(0)),
                filter: None,
            };
            match events.subscribe(request).await {
                // Held and never read.
                Ok(stream) => held.push(stream.into_inner()),
                Err(status) if status.code() == tonic::Code::Unavailable => break,
                Err(_) => {}
            }
        }
        held.clear();
    }
}
