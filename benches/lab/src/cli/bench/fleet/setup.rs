//! What a run is made of: places, promises, the camera server's and the daemon's configuration.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::clips::{self, Place};
use super::outcome::Promise;
use super::script::Camera;
use super::{FleetKind, Mode};

/// An event at the subscriber this much after its truth at most.
const LATENCY_SECONDS: f64 = 2.0;

/// What is promised in a mode.
pub(super) fn promise(kind: &FleetKind) -> Promise {
    let built_in = match kind.mode {
        Mode::Watch => 10.0,
        Mode::Always => 1.0,
    };
    Promise {
        gap_seconds: kind.promise.unwrap_or(built_in),
        latency_seconds: LATENCY_SECONDS,
    }
}

/// The priority of a place's cameras: the first place goes before the second, and so on.
pub(super) fn priority(place: usize) -> u8 {
    let lower = u8::try_from(place * 50).unwrap_or(u8::MAX);
    200_u8.saturating_sub(lower)
}

/// What the cameras show.
///
/// # Errors
/// Where a clip cannot be read or drawn.
pub(super) fn places(kind: &FleetKind) -> anyhow::Result<Vec<Place>> {
    if kind.clip == [PathBuf::from("scenes")] {
        return clips::built_in();
    }
    anyhow::ensure!(
        kind.intrusion.is_empty() || kind.intrusion.len() == kind.clip.len(),
        "give one --intrusion for each --clip, or none"
    );
    let absolute = |file: &PathBuf| {
        file.canonicalize()
            .with_context(|| format!("{} cannot be read", file.display()))
    };
    let mut places = Vec::new();
    for (number, clip) in kind.clip.iter().enumerate() {
        let intrusion = kind.intrusion.get(number).map(absolute).transpose()?;
        let name = format!("clip{}", number + 1);
        places.push(clips::recorded(
            name,
            absolute(clip)?,
            intrusion.as_deref(),
        )?);
    }
    Ok(places)
}

/// The server file's cameras.
pub(super) fn server_tables(places: &[Place], cameras: &[Camera]) -> String {
    let mut text = String::new();
    for (number, place) in places.iter().enumerate() {
        let count = cameras.iter().filter(|it| it.place == number).count();
        if count > 0 {
            let (name, file) = (&place.name, place.quiet.display());
            let _ = write!(
                text,
                "[[camera]]\nmount = \"{name}\"\nfile = '{file}'\ncount = {count}\nspread = true\n"
            );
        }
    }
    text
}

/// A configuration without its cameras.
pub(super) fn head(
    kind: &FleetKind,
    folder: &Path,
    [api, ops]: [SocketAddr; 2],
) -> anyhow::Result<String> {
    let model = kind.model.canonicalize().with_context(|| {
        let model = kind.model.display();
        format!("no model at {model}; run from the project's folder or say --model")
    })?;
    let client = kind.client.as_ref();
    let client = client.map_or_else(String::new, |client| format!("client = \"{client}\"\n"));
    Ok(format!(
        "[site]\nname = \"bench\"\n[node]\nname = \"bench\"\nstate_dir = '{}'\n\
         [log]\nfilter = \"warn\"\n\
         [api]\nlisten = \"{api}\"\nplaintext = true\n[ops]\nlisten = \"{ops}\"\n\
         [models.detector]\nfolder = '{}'\n\
         [defaults]\nmode = \"{}\"\nanalysis_fps = {}\n{client}",
        folder.display(),
        model.display(),
        kind.mode.name(),
        kind.analysis_fps
    ))
}

/// The whole configuration, with the first so many cameras, whose addresses begin with `url`.
pub(super) fn config_text(
    head: &str,
    places: &[Place],
    cameras: &[Camera],
    count: usize,
    url: &str,
) -> String {
    let mut text = head.to_owned();
    for camera in &cameras[..count] {
        let id = &camera.id;
        let rules = &places[camera.place].rules;
        let priority = priority(camera.place);
        let _ = write!(
            text,
            "\n[[camera]]\nid = \"{id}\"\nurl = \"{url}{id}\"\npriority = {priority}\n{rules}"
        );
    }
    text
}
