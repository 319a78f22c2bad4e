//! What the camera server's cameras show: quiet pictures, and the same place with somebody in it.
//!
//! The scenes of `benches/fleet` are drawn when they are needed and kept in the simulator's cache.
//! Without its actors a scene is the quiet picture: the same place, light, noise and coding, so
//! that nothing but the person tells the two apart.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use gst::prelude::*;
use gstreamer as gst;

use crate::cli::bench::stage::run_to_end;
use parapet_sim::expectation::{self, Expectation, ExpectedEvent};
use parapet_sim::export::{Cache, Clip, ExportOptions, default_cache};
use parapet_sim::scene::{self, Scene};

const SCENES: [(&str, &str); 2] = [
    ("gate.toml", include_str!("../../../../../fleet/gate.toml")),
    ("yard.toml", include_str!("../../../../../fleet/yard.toml")),
];

/// How long a quiet picture takes to begin again.
const QUIET_SECONDS: f64 = 32.0;
/// Before that: an encoder that has just begun codes its first group more coarsely, which a camera
/// that runs for months does not do every half minute.
const LEAD_SECONDS: f64 = 4.0;

/// One kind of camera.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Its mounts are `name-1`, `name-2`, …
    pub(super) name: String,
    pub(super) quiet: PathBuf,
    /// None where nobody ever comes.
    pub(super) intrusion: Option<Intrusion>,
    /// What follows a camera's own keys in its configuration: calibration, zones, rules.
    pub(super) rules: String,
}

/// Somebody comes.
#[derive(Clone, Debug)]
pub(super) struct Intrusion {
    pub(super) clip: PathBuf,
    pub(super) expected: Expectation,
}

impl Intrusion {
    pub(super) fn owed(&self) -> &[ExpectedEvent] {
        &self.expected.events
    }
}

/// The built-in places; draws what is not there yet.
pub(super) fn built_in() -> anyhow::Result<Vec<Place>> {
    let cache = Cache::new(&default_cache());
    SCENES
        .iter()
        .map(|(file, text)| {
            let scene = scene::parse(Path::new(file), text)
                .map_err(|errors| anyhow::anyhow!("the bench's own scene: {errors}"))?;
            let quiet = video(&draw(&cache, &deserted(&scene))?)?;
            let intrusion = draw(&cache, &scene)?;
            recorded(
                scene.stem.clone(),
                running_in(&quiet)?,
                Some(&video(&intrusion)?),
            )
        })
        .collect()
}

fn deserted(scene: &Scene) -> Scene {
    Scene {
        stem: format!("{}-quiet", scene.stem),
        // The cache's key.
        text: format!("{}\n# deserted", scene.text),
        seconds: LEAD_SECONDS + QUIET_SECONDS,
        actors: Vec::new(),
        ..scene.clone()
    }
}

/// The recording without its first group of pictures, beside it.
fn running_in(clip: &Path) -> anyhow::Result<PathBuf> {
    let to = clip.with_extension("running.mp4");
    if to.exists() {
        return Ok(to);
    }
    let part = clip.with_extension(format!("part-{}", std::process::id()));
    let text = "filesrc name=from ! qtdemux ! h264parse name=parse ! mp4mux ! filesink name=to";
    gst::init()?;
    let pipeline = gst::parse::launch(text)?;
    let pipeline = pipeline
        .downcast::<gst::Pipeline>()
        .map_err(|_| anyhow::anyhow!("no pipeline"))?;
    for (name, path) in [("from", clip), ("to", &part)] {
        let element = pipeline.by_name(name).context("an element is missing")?;
        element.set_property("location", path);
    }
    let parse = pipeline.by_name("parse").context("an element is missing")?;
    let pad = parse.static_pad("src").context("a pad is missing")?;
    let lead = gst::ClockTime::from_mseconds((LEAD_SECONDS * 1e3) as u64);
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let Some(buffer) = info.buffer_mut() else {
            return gst::PadProbeReturn::Ok;
        };
        let buffer = buffer.make_mut();
        if buffer.pts().is_none_or(|pts| pts < lead) {
            return gst::PadProbeReturn::Drop;
        }
        buffer.set_pts(buffer.pts().map(|pts| pts - lead));
        buffer.set_dts(buffer.dts().map(|dts| dts.saturating_sub(lead)));
        gst::PadProbeReturn::Ok
    });
    run_to_end(&pipeline).with_context(|| format!("{} cannot be cut", clip.display()))?;
    std::fs::rename(&part, &to)?;
    Ok(to)
}

fn draw(cache: &Cache, scene: &Scene) -> anyhow::Result<Clip> {
    let mut told = false;
    let frames = scene.frames();
    let mut progress = |_: u64| {
        if !std::mem::replace(&mut told, true) {
            eprintln!("drawing {} ({frames} pictures), once", scene.stem);
        }
    };
    Ok(cache.clip(scene, &ExportOptions::default(), &mut progress)?)
}

fn video(clip: &Clip) -> anyhow::Result<PathBuf> {
    clip.video.clone().context("a clip without its video")
}

/// A place from recordings. The intrusion's configuration and expectation lie beside it, as
/// `parapet sim render` writes them; without an intrusion the camera has no rule.
pub(super) fn recorded(
    name: String,
    quiet: PathBuf,
    intrusion: Option<&Path>,
) -> anyhow::Result<Place> {
    let Some(clip) = intrusion else {
        return Ok(Place {
            name,
            quiet,
            intrusion: None,
            rules: String::new(),
        });
    };
    let file = expectation::expectation_path(clip, None);
    let expected = expectation::load(&file).map_err(|errors| anyhow::anyhow!("{errors}"))?;
    let config = expected
        .config_path(&file)
        .with_context(|| format!("{} names no configuration", file.display()))?;
    let text = std::fs::read_to_string(&config)
        .with_context(|| format!("{} cannot be read", config.display()))?;
    Ok(Place {
        name,
        quiet,
        intrusion: Some(Intrusion {
            clip: clip.to_owned(),
            expected,
        }),
        rules: rules(&text).to_owned(),
    })
}

/// A written configuration from its only camera's first table on.
fn rules(config: &str) -> &str {
    let tables = ["\n[camera.", "\n[[camera."];
    let first = tables.iter().filter_map(|table| config.find(table)).min();
    first.map_or("", |at| &config[at..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use parapet_sim::export::expected;
    use parapet_sim::scene::{Timeline, configuration};

    #[test]
    fn each_scene_owes_one_event_and_none_when_deserted() {
        for (file, text) in SCENES {
            let scene = scene::parse(Path::new(file), text).expect("sound");
            assert_eq!(expected(&scene).events.len(), 1, "{file}");
            let quiet = deserted(&scene);
            assert!(expected(&quiet).events.is_empty(), "{file}");
            // Whole groups of pictures, so that the loop keeps their distance.
            let frames = quiet.frames();
            assert_eq!(frames % u64::from(scene.encoding.gop_frames), 0, "{file}");
            let config = configuration(&Timeline::new(&scene), "model");
            assert!(rules(&config).contains("[[camera.rule]]"), "{config}");
            assert!(!rules(&config).contains("analysis_fps"), "{config}");
        }
        assert_eq!(rules("[site]\n"), "");
    }
}
