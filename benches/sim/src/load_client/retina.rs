//! Viewers on the `retina` crate: a task per camera, one thread for all of them. What it gives are
//! access units, so that it does the work of a depayloader besides.

use std::sync::Arc;

use retina::client::{
    Credentials, PlayOptions, Session, SessionOptions, SetupOptions, TcpTransportOptions,
    TeardownPolicy, Transport, UdpTransportOptions,
};
use retina::codec::{CodecItem, FrameFormat};
use tokio_stream::StreamExt as _;

use super::config::LoadConfig;
use super::counts::Counts;
use crate::server::SimError;

/// The thread that all viewers share.
pub(super) struct Runtime(Option<tokio::runtime::Runtime>);

/// Runs until it is dropped.
pub(super) struct Task(tokio::task::JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Runtime {
    /// # Errors
    /// `Server` when the operating system gives no thread.
    pub(super) fn start() -> Result<Self, SimError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("viewers")
            .enable_all()
            .build()
            .map_err(|error| SimError::Server(error.to_string()))?;
        Ok(Self(Some(runtime)))
    }

    pub(super) fn view(
        &self,
        url: &str,
        config: &LoadConfig,
        counts: &Arc<Counts>,
    ) -> Option<Task> {
        let (url, config, counts) = (url.to_owned(), config.clone(), Arc::clone(counts));
        let task = async move {
            if let Err(error) = receive(&url, &config, &counts).await {
                counts.failed(error.lines().next().unwrap_or_default());
            }
        };
        Some(Task(self.0.as_ref()?.spawn(task)))
    }
}

async fn receive(url: &str, config: &LoadConfig, counts: &Counts) -> Result<(), String> {
    let text = |error: retina::Error| error.to_string();
    let url = url.parse().map_err(|_| format!("{url} is no URL"))?;
    let credentials = config.credentials.clone();
    let options = SessionOptions::default()
        .teardown(TeardownPolicy::Never)
        .creds(credentials.map(|(username, password)| Credentials { username, password }));
    let mut session = Session::describe(url, options).await.map_err(text)?;
    let video = session
        .streams()
        .iter()
        .position(|stream| stream.media() == "video")
        .ok_or("there is no video in it")?;
    let transport = if config.udp {
        Transport::Udp(UdpTransportOptions::default())
    } else {
        Transport::Tcp(TcpTransportOptions::default())
    };
    let setup = SetupOptions::default()
        .transport(transport)
        .frame_format(FrameFormat::SIMPLE);
    session.setup(video, setup).await.map_err(text)?;
    let playing = session.play(PlayOptions::default()).await.map_err(text)?;
    let mut items = playing.demuxed().map_err(text)?;
    while let Some(item) = items.next().await {
        if let CodecItem::VideoFrame(frame) = item.map_err(text)? {
            counts.take(frame.data().len(), true);
        }
    }
    Err("the camera hung up".to_owned())
}
