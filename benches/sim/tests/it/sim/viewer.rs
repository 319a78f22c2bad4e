//! Recordings to serve and viewers to watch them with.

use std::path::{Path, PathBuf};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use parapet_sim::ServedCamera;

/// Frames in one round of the recording: 2 s at 12.5 a second.
pub(crate) const ROUND: usize = 25;
/// What the recordings show.
pub(crate) const SMALL: &str = "video/x-raw,format=I420,width=160,height=120,framerate=25/2";
pub(crate) const DEADLINE: gst::ClockTime = gst::ClockTime::from_seconds(20);

pub(crate) fn run(launch: &str) {
    gst::init().expect("gstreamer");
    let pipeline = gst::parse::launch(launch).expect("pipeline");
    pipeline.set_state(gst::State::Playing).expect("playing");
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = pipeline
        .bus()
        .expect("bus")
        .timed_pop_filtered(DEADLINE, &kinds);
    pipeline.set_state(gst::State::Null).expect("null");
    let end = message.expect("ended in time");
    assert_eq!(end.type_(), gst::MessageType::Eos, "{end:?}");
}

/// Two seconds of a moving ball; `tail` is `mp4mux`, or nothing for a raw stream.
pub(crate) fn record(folder: &Path, name: &str, encode: &str) -> PathBuf {
    let file = folder.join(name);
    run(&format!(
        "videotestsrc num-buffers={ROUND} pattern=ball ! {SMALL} ! {encode} ! filesink location={}",
        file.display()
    ));
    file
}

pub(crate) const MP4: &str =
    "x264enc key-int-max=12 speed-preset=ultrafast bframes=2 ! h264parse ! mp4mux";

pub(crate) fn camera(mount: &str, file: &Path) -> ServedCamera {
    ServedCamera {
        mount: mount.to_owned(),
        file: file.to_owned(),
        ..ServedCamera::default()
    }
}

/// A client of one mount.
pub(crate) struct Viewer {
    pub(crate) pipeline: gst::Pipeline,
    sink: gst_app::AppSink,
}

impl Viewer {
    pub(crate) fn connect(url: &str, codec: &str, login: Option<(&str, &str)>) -> Self {
        Self::over("tcp", url, codec, login)
    }

    pub(crate) fn over(
        protocol: &str,
        url: &str,
        codec: &str,
        login: Option<(&str, &str)>,
    ) -> Self {
        gst::init().expect("gstreamer");
        let login = login.map_or_else(String::new, |(user, password)| {
            format!("user-id={user} user-pw={password}")
        });
        let pipeline = gst::parse::launch(&format!(
            "rtspsrc location={url} protocols={protocol} latency=0 buffer-mode=none {login} ! rtp{codec}depay ! \
             {codec}parse ! video/x-{codec},alignment=au ! appsink name=out sync=false wait-on-eos=false"
        ))
        .expect("pipeline")
        .downcast::<gst::Pipeline>()
        .expect("a pipeline");
        let sink = pipeline.by_name("out").expect("sink");
        let sink = sink.downcast().expect("an appsink");
        pipeline.set_state(gst::State::Playing).expect("playing");
        Self { pipeline, sink }
    }

    /// The next frame; `None` when none came in time.
    pub(crate) fn frame(&self, wait: gst::ClockTime) -> Option<gst::Buffer> {
        self.sink.try_pull_sample(wait)?.buffer_owned()
    }

    /// The presentation times of the next frames.
    pub(crate) fn times(&self, frames: usize) -> Vec<u64> {
        (0..frames)
            .map(|at| {
                let frame = self
                    .frame(DEADLINE)
                    .unwrap_or_else(|| panic!("no frame {at}"));
                frame.pts().expect("a pts").nseconds()
            })
            .collect()
    }

    /// The height of the picture that the next frame belongs to.
    pub(crate) fn height(&self) -> i32 {
        let sample = self.sink.try_pull_sample(DEADLINE).expect("a frame");
        let caps = sample.caps().expect("caps");
        let structure = caps.structure(0).expect("a structure");
        structure.get("height").expect("a height")
    }

    /// Whether the stream ends in time, in good order or not.
    pub(crate) fn ends(&self) -> bool {
        let bus = self.pipeline.bus().expect("bus");
        let kinds = [gst::MessageType::Error, gst::MessageType::Eos];
        bus.timed_pop_filtered(DEADLINE, &kinds).is_some()
    }

    /// The first error the pipeline reports.
    pub(crate) fn error(&self) -> Option<String> {
        let bus = self.pipeline.bus().expect("bus");
        let message = bus.timed_pop_filtered(DEADLINE, &[gst::MessageType::Error])?;
        match message.view() {
            gst::MessageView::Error(error) => Some(error.error().to_string()),
            _ => None,
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}
