//! One RTSP connection (RFC 2326), from its first byte to its end.
//!
//! ```text
//!  OPTIONS ▸ DESCRIBE ▸ SETUP ▸ PLAY ▸ (keep-alives, PAUSE, PLAY)* ▸ TEARDOWN or a hang-up
//! ```
//!
//! The first request that names a camera binds the connection to it; from then on the camera's
//! faults are the connection's.

mod session;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rtsp_types::headers;
use rtsp_types::{Message, Method, ParseError, Request, Response, StatusCode, Version};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use super::camera::{Camera, count};
use super::fault::{Answering, Effect};
use super::login::Challenge;
use super::packet_writer::{PacketWriter, Writer, write};
use super::state::ServerState;
use parapet::base::tasks::TaskSet;

/// More than this without an end is no request.
const MAX_REQUEST: usize = 64 * 1_024;
/// Random bytes a tenth of a second where a camera babbles.
const BABBLE_BYTES: usize = 64 * 1_024;
const BABBLE_EVERY: Duration = Duration::from_millis(100);
/// Seconds that a session lives without a word; told, not enforced: the connection is the session.
const SESSION_SECONDS: u64 = 60;

/// What follows a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// The next request.
    GoOn,
    /// The connection's end, in good order.
    Close,
    /// A reset.
    HangUp,
    /// Random bytes for as long as the camera babbles, then a reset.
    Babble,
}

struct RtspConnection {
    state: Arc<ServerState>,
    peer: SocketAddr,
    writer: Writer,
    camera: Option<(Arc<Camera>, watch::Receiver<Effect>)>,
    hangups_seen: u64,
    challenge: Challenge,
    session: String,
    packet_writer: Option<PacketWriter>,
    player: Option<TaskSet>,
    random: fastrand::Rng,
}

/// Serves one connection until either side ends it.
pub(super) async fn serve(
    stream: TcpStream,
    state: Arc<ServerState>,
    cancel: CancellationToken,
    seed: u64,
) {
    let Ok(peer) = stream.peer_addr() else {
        return;
    };
    // Pictures are written whole; waiting for more would only add delay.
    let _ = stream.set_nodelay(true);
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut reader, writer) = stream.into_split();
    let mut connection = RtspConnection {
        state,
        peer,
        writer: Arc::new(Mutex::new(writer)),
        camera: None,
        hangups_seen: 0,
        challenge: Challenge::new(&mut random),
        session: format!("{:016X}", random.u64(..)),
        packet_writer: None,
        player: None,
        random,
    };
    let mut inbox = Vec::with_capacity(2_048);
    let end = loop {
        let then = tokio::select! {
            () = cancel.cancelled() => Ok(Then::Close),
            read = reader.read_buf(&mut inbox) => match read {
                Ok(0) => Ok(Then::Close),
                Ok(_) => connection.read(&mut inbox).await,
                Err(error) => Err(error),
            },
            () = connection.changed() => Ok(connection.look()),
        };
        match then {
            Ok(Then::GoOn) => {}
            Ok(end) => break end,
            Err(error) => {
                tracing::debug!(%peer, %error, "connection ended");
                break Then::HangUp;
            }
        }
    };
    connection.silence();
    connection.packet_writer = None;
    if end == Then::Babble {
        tokio::select! {
            () = cancel.cancelled() => {}
            () = connection.babble() => {}
        }
    }
    if end != Then::Close {
        hang_up(connection.writer).await;
    }
}

/// Resets the connection: the other side sees no goodbye.
async fn hang_up(mut writer: Writer) {
    let _ = writer.lock().await.as_ref().set_zero_linger();
    // A writer that is dropped says goodbye first, so it is forgotten; a sender that was just told
    // to end lets its share go when it is next polled.
    for _ in 0..16 {
        match Arc::try_unwrap(writer) {
            Ok(writer) => return writer.into_inner().forget(),
            Err(shared) => writer = shared,
        }
        tokio::task::yield_now().await;
    }
}

impl RtspConnection {
    fn effect(&self) -> Effect {
        let effects = self.camera.as_ref().map(|(_, effects)| *effects.borrow());
        effects.unwrap_or_default()
    }

    async fn changed(&mut self) {
        let Some((_, effects)) = &mut self.camera else {
            return std::future::pending().await;
        };
        if effects.changed().await.is_err() {
            std::future::pending().await
        }
    }

    /// Looks at what became wrong with the camera.
    fn look(&mut self) -> Then {
        let effect = self.effect();
        if effect.hangups != self.hangups_seen {
            if let Some((camera, _)) = &self.camera {
                count(&camera.counts.refused, 1);
            }
            return Then::HangUp;
        }
        if effect.answering == Answering::Garbage {
            return Then::Babble;
        }
        Then::GoOn
    }

    /// Stops the pictures.
    fn silence(&mut self) {
        // Dropping the set aborts its task between two awaits.
        self.player = None;
    }

    /// Answers every whole request in the inbox.
    async fn read(&mut self, inbox: &mut Vec<u8>) -> io::Result<Then> {
        loop {
            let (message, length) = match Message::<Vec<u8>>::parse(inbox.as_slice()) {
                Ok(parsed) => parsed,
                Err(ParseError::Incomplete(_)) if inbox.len() < MAX_REQUEST => {
                    return Ok(Then::GoOn);
                }
                Err(_) => return Ok(Then::HangUp),
            };
            inbox.drain(..length);
            // Interleaved receiver reports and answers to nothing are read and let go.
            if let Message::Request(request) = message {
                match self.request(&request).await? {
                    Then::GoOn => {}
                    end => return Ok(end),
                }
            }
            if inbox.is_empty() {
                return Ok(Then::GoOn);
            }
        }
    }

    async fn request(&mut self, request: &Request<Vec<u8>>) -> io::Result<Then> {
        let path = request.request_uri().map_or("*", |url| url.path());
        let found = self.state.camera(path).cloned();
        if let Some(camera) = &found
            && self.camera.is_none()
        {
            let effects = camera.effects();
            self.hangups_seen = effects.borrow().hangups;
            self.camera = Some((Arc::clone(camera), effects));
        }
        let Some(camera) = found else {
            let known = path == "*" || self.camera.is_some();
            return if known {
                self.general(request).await
            } else {
                self.answer(request, StatusCode::NotFound, &[], None).await
            };
        };
        match self.effect().answering {
            Answering::Open => {}
            Answering::Mute => return Ok(Then::GoOn),
            Answering::Garbage => return Ok(Then::Babble),
            Answering::Refused => {
                count(&camera.counts.refused, 1);
                return Ok(Then::HangUp);
            }
            Answering::NotFound => {
                count(&camera.counts.refused, 1);
                return self.answer(request, StatusCode::NotFound, &[], None).await;
            }
        }
        if *request.method() != Method::Options && !self.is_welcome(request, &camera) {
            count(&camera.counts.unauthorized, 1);
            let ask = [(headers::WWW_AUTHENTICATE, self.challenge.header())];
            return self
                .answer(request, StatusCode::Unauthorized, &ask, None)
                .await;
        }
        match request.method() {
            Method::Describe => self.describe(request, &camera).await,
            Method::Setup => self.setup(request).await,
            Method::Play => self.play(request, &camera).await,
            Method::Pause => {
                self.silence();
                self.answer_in_session(request, &[]).await
            }
            Method::Teardown => {
                self.silence();
                self.answer_in_session(request, &[]).await?;
                Ok(Then::Close)
            }
            _ => self.general(request).await,
        }
    }

    fn is_welcome(&self, request: &Request<Vec<u8>>, camera: &Camera) -> bool {
        let Some(login) = &camera.login else {
            return true;
        };
        let method: &str = request.method().into();
        request
            .header(&headers::AUTHORIZATION)
            .is_some_and(|header| self.challenge.is_met(method, header.as_str(), login))
    }

    /// What is the same for every camera: the methods, and keep-alives.
    async fn general(&mut self, request: &Request<Vec<u8>>) -> io::Result<Then> {
        match request.method() {
            Method::Options => {
                let methods =
                    "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN";
                let public = [(headers::PUBLIC, methods.to_owned())];
                self.answer(request, StatusCode::Ok, &public, None).await
            }
            Method::GetParameter | Method::SetParameter => {
                self.answer_in_session(request, &[]).await
            }
            _ => {
                self.answer(request, StatusCode::MethodNotAllowed, &[], None)
                    .await
            }
        }
    }

    async fn answer_in_session(
        &mut self,
        request: &Request<Vec<u8>>,
        head: &[(headers::HeaderName, String)],
    ) -> io::Result<Then> {
        let session = format!("{};timeout={SESSION_SECONDS}", self.session);
        let mut all = vec![(headers::SESSION, session)];
        all.extend_from_slice(head);
        self.answer(request, StatusCode::Ok, &all, None).await
    }

    async fn answer(
        &mut self,
        request: &Request<Vec<u8>>,
        status: StatusCode,
        head: &[(headers::HeaderName, String)],
        body: Option<String>,
    ) -> io::Result<Then> {
        let mut response =
            Response::builder(Version::V1_0, status).header(headers::SERVER, "parapet server");
        if let Some(number) = request.header(&headers::CSEQ) {
            response = response.header(headers::CSEQ, number.clone());
        }
        for (name, value) in head {
            response = response.header(name.clone(), value.clone());
        }
        let mut bytes = Vec::new();
        let written = match body {
            Some(body) => response.build(body.into_bytes()).write(&mut bytes),
            None => response.empty().write(&mut bytes),
        };
        written.map_err(io::Error::other)?;
        write(&self.writer, &bytes).await?;
        Ok(Then::GoOn)
    }

    /// Random bytes until nobody listens or the camera has come to its senses.
    async fn babble(&mut self) {
        let mut bytes = vec![0; BABBLE_BYTES];
        while self.effect().answering == Answering::Garbage {
            self.random.fill(&mut bytes);
            if write(&self.writer, &bytes).await.is_err() {
                return;
            }
            tokio::time::sleep(BABBLE_EVERY).await;
        }
    }
}
