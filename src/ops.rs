//! Floor 5, the ops endpoint: health and metrics over HTTP, on a thread of their own, so that a
//! daemon whose other threads are busy or stuck still answers.
//!
//! | path | answers |
//! |---|---|
//! | `/metrics` | every metric, OpenMetrics text 1.0 |
//! | `/healthz` | 200 while the daemon lives, else 503 and the reason |
//! | `/readyz` | 200 while it does its work, else 503 and the reason |
//! | `/` | what else there is |
//!
//! On loopback it speaks plain text; elsewhere TLS with the certificates of the API, and then
//! only to those who have a role there (`[ops] client_certificate` may let in others).

mod listener;

pub use listener::OpsTls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio_util::sync::CancellationToken;

use crate::base::metrics::Metrics;
use crate::base::tasks::named_thread;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN_TEXT: &str = "text/plain; charset=utf-8";
const INDEX: &str = "parapet\n\n/metrics\n/healthz\n/readyz\n";
/// A client that does not finish its answer holds a stop up no longer than this.
const STOP_DEADLINE: Duration = Duration::from_secs(1);

/// What the daemon says of itself. Called on the ops endpoint's thread; must not block.
pub trait HealthView: Send + Sync {
    /// Whether the process does what it should; a supervisor restarts it when not.
    ///
    /// # Errors
    /// The reasons, in words.
    fn alive(&self) -> Result<(), String>;
    /// Whether everything has started.
    ///
    /// # Errors
    /// The reasons, in words.
    fn ready(&self) -> Result<(), String>;
}

/// A running ops endpoint. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct OpsHandle {
    address: SocketAddr,
    cancel: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl OpsHandle {
    /// Where it listens; the port is the real one even when port 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening and waits for the thread: at most a second and a little.
    pub fn stop(mut self) {
        self.cancel.cancel();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the ops endpoint's thread panicked");
        }
    }
}

impl Drop for OpsHandle {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

#[derive(Clone)]
struct Views {
    metrics: Arc<Metrics>,
    health: Arc<dyn HealthView>,
}

/// Listens at `listen` and answers on a thread named `ops`.
///
/// # Errors
/// When the address cannot be bound (the error names it) or no thread can be started.
pub fn serve(
    listen: SocketAddr,
    metrics: Arc<Metrics>,
    health: Arc<dyn HealthView>,
) -> io::Result<OpsHandle> {
    serve_behind(None, listen, metrics, health)
}

/// The same, behind TLS where `tls` is given.
///
/// # Errors
/// See [`serve`].
pub fn serve_behind(
    tls: Option<OpsTls>,
    listen: SocketAddr,
    metrics: Arc<Metrics>,
    health: Arc<dyn HealthView>,
) -> io::Result<OpsHandle> {
    // Bound here and not on the thread, so that the caller sees the error.
    let socket = std::net::TcpListener::bind(listen).map_err(|error| at(listen, &error))?;
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let cancel = CancellationToken::new();
    let stopped = cancel.clone();
    let views = Views { metrics, health };
    let thread = named_thread("ops", move || {
        if let Err(error) = runtime.block_on(answer(socket, tls, views, stopped)) {
            tracing::error!(%address, %error, "the ops endpoint ended");
        }
    })?;
    Ok(OpsHandle {
        address,
        cancel,
        thread: Some(thread),
    })
}

fn at(listen: SocketAddr, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("the ops endpoint cannot listen at {listen}: {error}; choose another [ops] listen"),
    )
}

async fn answer(
    socket: std::net::TcpListener,
    tls: Option<OpsTls>,
    views: Views,
    stopped: CancellationToken,
) -> io::Result<()> {
    let listener = listener::Listener::new(tokio::net::TcpListener::from_std(socket)?, tls);
    let router = Router::new()
        .route(
            "/",
            get(|| async { text(StatusCode::OK, INDEX.to_owned()) }),
        )
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(views);
    let graceful = stopped.clone();
    let serving = axum::serve(listener, router)
        .with_graceful_shutdown(async move { graceful.cancelled().await });
    let overdue = async {
        stopped.cancelled().await;
        tokio::time::sleep(STOP_DEADLINE).await;
    };
    tokio::select! {
        ended = async { serving.await } => ended,
        () = overdue => Ok(()),
    }
}

async fn metrics(State(views): State<Views>) -> Response {
    (
        [(header::CONTENT_TYPE, OPEN_METRICS)],
        views.metrics.render(),
    )
        .into_response()
}

async fn healthz(State(views): State<Views>) -> Response {
    verdict(views.health.alive(), "alive")
}

async fn readyz(State(views): State<Views>) -> Response {
    verdict(views.health.ready(), "ready")
}

fn verdict(result: Result<(), String>, word: &str) -> Response {
    match result {
        Ok(()) => text(StatusCode::OK, format!("{word}\n")),
        Err(reason) => text(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("not {word}: {reason}\n"),
        ),
    }
}

fn text(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, PLAIN_TEXT)], body).into_response()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[derive(Default)]
    struct Health {
        sick: AtomicBool,
    }

    impl HealthView for Health {
        fn alive(&self) -> Result<(), String> {
            let sick = self.sick.load(Ordering::SeqCst);
            if sick {
                Err("the journal's disk is full".to_owned())
            } else {
                Ok(())
            }
        }
        fn ready(&self) -> Result<(), String> {
            Err("no model is loaded yet".to_owned())
        }
    }

    fn any_port() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    fn ask(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).expect("connect");
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .expect("ask");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answer");
        answer
    }

    #[test]
    fn health_readiness_and_metrics_are_answered_over_a_socket() {
        let (metrics, health) = (Metrics::new(), Arc::new(Health::default()));
        metrics.camera("yard-1").decoded.inc();
        let ops = serve(any_port(), metrics, health.clone()).expect("serve");
        let address = ops.address();
        let answer = ask(address, "/metrics");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("content-type: application/openmetrics-text; version=1.0.0"));
        assert!(answer.contains("parapet_frames_decoded_total{camera=\"yard-1\"} 1"));
        assert!(answer.trim_end().ends_with("# EOF"), "{answer}");
        assert!(ask(address, "/healthz").starts_with("HTTP/1.1 200"));
        health.sick.store(true, Ordering::SeqCst);
        let answer = ask(address, "/healthz");
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(
            answer.contains("not alive: the journal's disk is full"),
            "{answer}"
        );
        let answer = ask(address, "/readyz");
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(
            answer.contains("not ready: no model is loaded yet"),
            "{answer}"
        );
        assert!(ask(address, "/").contains("/readyz"));
        assert!(ask(address, "/nothing").starts_with("HTTP/1.1 404"));
        ops.stop();
        assert!(TcpStream::connect(address).is_err());
    }

    #[test]
    fn a_client_that_says_nothing_does_not_hold_up_the_stop() {
        let ops = serve(any_port(), Metrics::new(), Arc::new(Health::default())).expect("serve");
        let address = ops.address();
        let silent = TcpStream::connect(address).expect("connect");
        assert!(ask(address, "/").starts_with("HTTP/1.1 200"));
        ops.stop();
        assert!(TcpStream::connect(address).is_err());
        drop(silent);
    }

    #[test]
    fn an_address_in_use_is_named() {
        let first = serve(any_port(), Metrics::new(), Arc::new(Health::default())).expect("serve");
        let second = serve(first.address(), Metrics::new(), Arc::new(Health::default()));
        let error = second.expect_err("in use").to_string();
        assert!(error.contains(&first.address().to_string()), "{error}");
        first.stop();
    }
}
