//! In front of every service: no request passes without a session, a role for its method and a
//! token, and none takes longer than it may.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::http::{HeaderMap, Request, Response};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use super::connection::Peer;
use super::logins::Logins;
use super::status::refused;
use crate::access::sessions::OpenCall;
use crate::access::{Authorizer, Refusal, methods};
use crate::audit::{Entry, Outcome};

/// Puts a [`Guard`] in front of a service.
#[derive(Clone)]
pub(super) struct GuardLayer {
    pub(super) authorizer: Arc<Authorizer>,
    pub(super) logins: Logins,
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        Guard {
            inner,
            authorizer: Arc::clone(&self.authorizer),
            logins: self.logins.clone(),
        }
    }
}

/// A guarded service.
#[derive(Clone)]
pub(super) struct Guard<S> {
    inner: S,
    authorizer: Arc<Authorizer>,
    logins: Logins,
}

type Answer<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<S> Service<Request<Body>> for Guard<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Answer<S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Some(Peer(session)) = request.extensions().get::<Peer>().cloned() else {
            let status = Status::unauthenticated("no session");
            return Box::pin(std::future::ready(Ok(status.into_http())));
        };
        let path = request.uri().path();
        let bytes = header_bytes(request.headers()) + path.len();
        let (caller, call) = match self.authorizer.request(&session, path, bytes) {
            Ok(let_in) => let_in,
            Err(refusal) => {
                self.note(&session.peer.identity, path, refusal);
                let status = refused(refusal);
                return Box::pin(std::future::ready(Ok(status.into_http())));
            }
        };
        request.extensions_mut().insert(caller);
        // The clone takes the place of the one that said it is ready.
        let next = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, next);
        let authorizer = Arc::clone(&self.authorizer);
        Box::pin(async move {
            let limit = authorizer.policy().limits.request_timeout;
            let Ok(answer) = tokio::time::timeout(limit, ready.call(request)).await else {
                authorizer.count(Refusal::RequestTime);
                return Ok(refused(Refusal::RequestTime).into_http());
            };
            let answer = answer?;
            if is_too_large(answer.headers()) {
                authorizer.count(Refusal::Message);
            }
            Ok(answer.map(|body| Body::new(Held { body, _call: call })))
        })
    }
}

impl<S> Guard<S> {
    /// An administrative call that was not let in goes to the audit log.
    fn note(&self, identity: &str, path: &str, refusal: Refusal) {
        if methods::find(path).is_some_and(|method| method.audited) {
            self.logins.note(
                Entry::once(identity, "call", Outcome::Refused)
                    .to(path)
                    .saying(refusal.name()),
            );
        }
    }
}

fn header_bytes(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum()
}

/// tonic refuses a message over its limit by itself, with OUT_OF_RANGE (gRPC's
/// `tonic::codec::decode`); there is no other sign of it.
fn is_too_large(headers: &HeaderMap) -> bool {
    headers.get("grpc-status").is_some_and(|code| code == "11")
        && headers
            .get("grpc-message")
            .and_then(|text| text.to_str().ok())
            .is_some_and(|text| text.contains("length%20too%20large"))
}

/// A body that holds its call open.
struct Held {
    body: Body,
    _call: OpenCall,
}

impl http_body::Body for Held {
    type Data = <Body as http_body::Body>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Self::Data>, Status>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
