//! Asks a camera for its video.

use std::future::Future;
use std::time::Duration;

use retina::client::{
    Credentials, Demuxed, Described, PlayOptions, Session, SessionOptions, SetupOptions,
    TcpTransportOptions, Transport, UdpTransportOptions,
};
use retina::codec::FrameFormat;

use super::failure::classify;
use crate::config::types::{self, SourceConfig};
use crate::ingest::deliver::Core;
use crate::ingest::error::{SourceError, SourceErrorKind};

/// Asks for the camera's first video stream: its pictures, its place among the streams and its codec.
///
/// # Errors
/// Why there is none.
pub(super) async fn connect(core: &Core) -> Result<(Demuxed, usize, &'static str), SourceError> {
    let SourceConfig::Rtsp {
        url,
        transport,
        credentials,
        ..
    } = &core.camera.source
    else {
        return Err(SourceError::new(
            SourceErrorKind::Other,
            "it is no RTSP camera",
        ));
    };
    let timeout = core.camera.connect_timeout;
    let credentials = credentials.as_ref().map(|login| Credentials {
        username: login.user.clone(),
        password: login.password.reveal().to_owned(),
    });
    let options = SessionOptions::default()
        .user_agent(concat!("parapet/", env!("CARGO_PKG_VERSION")).to_owned())
        .creds(credentials);
    let mut session = within(timeout, Session::describe(url.clone(), options)).await?;
    let (number, codec) = video(&session)?;
    let transport = match transport {
        types::Transport::Tcp => Transport::Tcp(TcpTransportOptions::default()),
        types::Transport::Udp => Transport::Udp(UdpTransportOptions::default()),
    };
    let setup = SetupOptions::default()
        .transport(transport)
        .frame_format(FrameFormat::MP4);
    within(timeout, session.setup(number, setup)).await?;
    let playing = within(timeout, session.play(PlayOptions::default())).await?;
    let items = playing.demuxed().map_err(|error| classify(&error))?;
    Ok((items, number, codec))
}

/// The first video stream's place and codec; audio is never even sent to us.
fn video(session: &Session<Described>) -> Result<(usize, &'static str), SourceError> {
    let unsupported = |text: &str| SourceError::new(SourceErrorKind::Unsupported, text);
    let streams = session.streams().iter().enumerate();
    let mut videos = streams.filter(|(_, stream)| stream.media() == "video");
    let (number, stream) = videos
        .next()
        .ok_or_else(|| unsupported("there is no video in it"))?;
    match stream.encoding_name().to_ascii_lowercase().as_str() {
        "h264" => Ok((number, "h264")),
        "h265" => Ok((number, "h265")),
        other => Err(unsupported(&format!(
            "the camera sends {other}; set it to H.264 or H.265"
        ))),
    }
}

async fn within<T>(
    timeout: Duration,
    answer: impl Future<Output = Result<T, retina::Error>>,
) -> Result<T, SourceError> {
    match tokio::time::timeout(timeout, answer).await {
        Ok(answer) => answer.map_err(|error| classify(&error)),
        Err(_) => Err(SourceError::new(
            SourceErrorKind::TimedOut,
            &format!("no answer within {timeout:?}"),
        )),
    }
}
