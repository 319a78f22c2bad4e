//! What the fault benches stand on: a small clip, cameras that watch it over RTSP, and a detector
//! that costs next to nothing but does look at the picture.
//!
//! The clip is a white ball on black, 320x180 at 5 pictures a second with a keyframe every two
//! seconds, so that a hundred decoders fit two cores. The detector finds the bright spot; each
//! camera's only rule tells when the ball comes into the left half and when it leaves.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use gst::prelude::*;
use gstreamer as gst;
use sha2::{Digest as _, Sha256};

use parapet::app::Ports;
use parapet::base::clock::SharedClock;
use parapet::config::{self, Config, NoEnvironment};
use parapet::infer::fake::FakeBackend;
use parapet::ingest::{FileStart, GstSource};

/// Pictures a second of the clip.
pub(super) const FPS: f64 = 5.0;
/// How long making the clip may take.
const CLIP_DEADLINE: gst::ClockTime = gst::ClockTime::from_seconds(120);

/// A folder with the clip, the model and the daemon's state.
pub(super) struct Stage {
    folder: tempfile::TempDir,
    pub(super) clip: PathBuf,
    client: Option<String>,
}

impl Stage {
    pub(super) fn new() -> anyhow::Result<Self> {
        gst::init()?;
        let folder = tempfile::Builder::new()
            .prefix("parapet-bench-")
            .tempdir()?;
        let clip = folder.path().join("ball.mp4");
        make_clip(&clip)?;
        make_model(&folder.path().join("model"))?;
        Ok(Self {
            folder,
            clip,
            client: None,
        })
    }

    /// Its cameras are received by this client, as a configuration names it.
    pub(super) fn with_client(self, client: Option<String>) -> Self {
        Self { client, ..self }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A daemon's configuration whose cameras watch these URLs; all else is built-in, but
    /// the governor is off and no camera sleeps: what is not looked at is to be a fault's doing.
    pub(super) fn config(&self, cameras: &[(String, String)]) -> anyhow::Result<Config> {
        let mut text = format!(
            "[site]\nname = \"bench\"\n[node]\nname = \"bench\"\nstate_dir = '{}'\n\
             [api]\nplaintext = true\n[governor]\nenabled = false\n[models.fake]\nfolder = \"model\"\n\
             [defaults]\nmode = \"always\"\n",
            self.folder.path().display()
        );
        if let Some(client) = &self.client {
            writeln!(text, "client = \"{client}\"")?;
        }
        for (id, url) in cameras {
            write!(
                text,
                "[[camera]]\nid = \"{id}\"\nurl = \"{url}\"\nmodel = \"fake\"\n\
                 [[camera.zone]]\nname = \"left\"\n\
                 points = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]\n\
                 [[camera.rule]]\nname = \"in\"\nkind = \"zone_intrusion\"\nzone = \"left\"\n\
                 dwell_seconds = 0\nseverity = \"info\"\n"
            )?;
        }
        let path = self.folder.path().join("parapet.toml");
        std::fs::write(&path, text)?;
        let mut config = config::load(&path, &NoEnvironment)
            .map_err(|errors| anyhow::anyhow!("the bench's own configuration: {errors}"))?
            .config;
        config.api.listen = "127.0.0.1:0".parse()?;
        config.ops.listen = "127.0.0.1:0".parse()?;
        Ok(config)
    }

    /// Real cameras, a detector that finds the ball.
    pub(super) fn ports(clock: &SharedClock) -> anyhow::Result<Ports> {
        Ok(Ports {
            source: Arc::new(GstSource::new(Arc::clone(clock), FileStart::Now)?),
            backend: Arc::new(FakeBackend::new(bright_spot)),
            clock: Arc::clone(clock),
        })
    }
}

/// The box around everything bright in the red plane of the fake's input.
fn bright_spot(input: &[f32]) -> Vec<([f32; 4], f32)> {
    let side = FakeBackend::SIDE as usize;
    let (mut left, mut top, mut right, mut bottom) = (side, side, 0, 0);
    for (row, line) in input.chunks_exact(side).take(side).enumerate() {
        for (column, _) in line.iter().enumerate().filter(|(_, value)| **value > 0.5) {
            left = left.min(column);
            right = right.max(column + 1);
            top = top.min(row);
            bottom = bottom.max(row + 1);
        }
    }
    if left >= right || top >= bottom {
        return Vec::new();
    }
    let part = |cells: usize| cells as f32 / side as f32;
    vec![([part(left), part(top), part(right), part(bottom)], 0.9)]
}

fn make_clip(path: &Path) -> anyhow::Result<()> {
    let pipeline = gst::parse::launch(&format!(
        "videotestsrc pattern=ball num-buffers=2400 ! \
         video/x-raw,format=I420,width=320,height=180,framerate=15/1 ! videorate drop-only=true ! \
         video/x-raw,framerate=5/1 ! x264enc tune=zerolatency speed-preset=veryfast bitrate=100 \
         key-int-max=10 option-string=scenecut=0 ! h264parse ! mp4mux ! filesink location=\"{}\"",
        path.display()
    ))
    .context("the clip cannot be made; install GStreamer's x264enc")?
    .downcast::<gst::Pipeline>()
    .map_err(|_| anyhow::anyhow!("the clip's maker is no pipeline"))?;
    run_to_end(&pipeline).context("the clip cannot be made")
}

/// Runs a pipeline to the end of its stream, and stops it.
pub(super) fn run_to_end(pipeline: &gst::Pipeline) -> anyhow::Result<()> {
    pipeline.set_state(gst::State::Playing)?;
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let end = pipeline
        .bus()
        .and_then(|bus| bus.timed_pop_filtered(CLIP_DEADLINE, &kinds));
    pipeline.set_state(gst::State::Null)?;
    match end.as_ref().map(|message| message.view()) {
        Some(gst::MessageView::Eos(_)) => Ok(()),
        Some(gst::MessageView::Error(error)) => anyhow::bail!("{}", error.error()),
        _ => anyhow::bail!("it did not end in time"),
    }
}

/// A model folder that fits [`FakeBackend`], which reads no weights.
fn make_model(folder: &Path) -> anyhow::Result<()> {
    let weights = b"none";
    let side = FakeBackend::SIDE;
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("none.bin"), weights)?;
    let text = format!(
        "name = \"fake\"\nversion = \"1\"\nfile = \"none.bin\"\nsha256 = \"{}\"\n\
         licence = \"none\"\nlabels = [\"person\"]\nkeep = [\"person\"]\nscore_threshold = 0.05\n\
         [input]\nwidth = {side}\nheight = {side}\nlayout = \"nchw\"\ncolor = \"rgb\"\n\
         mean = [0, 0, 0]\nstd = [255, 255, 255]\nresize = \"stretch\"\n\
         [output]\nhead = \"ssd\"\nform = \"rows6\"\nnormalised = true\n",
        hex::encode(Sha256::digest(weights))
    );
    std::fs::write(folder.join("model.toml"), text)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bright_spot_is_found_and_darkness_is_empty() {
        let side = FakeBackend::SIDE as usize;
        let mut input = vec![0.1; side * side * 3];
        assert!(bright_spot(&input).is_empty());
        for row in 8..16 {
            for column in 4..8 {
                input[row * side + column] = 1.0;
            }
        }
        let [(found, _)] = bright_spot(&input)[..] else {
            panic!("one spot");
        };
        assert_eq!(found, [0.125, 0.25, 0.25, 0.5]);
    }
}
