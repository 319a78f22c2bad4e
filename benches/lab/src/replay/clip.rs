//! What is replayed, and by whose rules.

use std::path::PathBuf;
use std::sync::Arc;

use parapet::config::Config;
use parapet::config::types::CameraConfig;
use parapet::model::geometry::Size;
use parapet::model::ids::CameraId;

/// What one must know of a file of detections to play it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MotForm {
    /// Frames a second.
    pub fps: f64,
    /// The picture's size in the file's pixels.
    pub picture: Size,
    /// How many frames there are, if more than the file's last box says.
    pub frames: u32,
}

/// One file to replay as one camera.
#[derive(Clone, Debug)]
pub struct Clip {
    pub path: PathBuf,
    /// How to read it if it holds detections; none for video.
    pub detections: Option<MotForm>,
    pub config: Arc<Config>,
    /// The camera whose rules and model apply.
    pub camera: Arc<CameraConfig>,
}

/// Which camera's rules a file is judged by: the one named, else the one whose id is the file's
/// stem, else the only one there is.
///
/// # Errors
/// A sentence that says which cameras there are.
pub fn choose_camera(
    config: &Config,
    named: Option<&CameraId>,
    stem: &str,
) -> Result<Arc<CameraConfig>, String> {
    let known = || {
        config
            .cameras
            .keys()
            .map(CameraId::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    if let Some(id) = named {
        return config
            .cameras
            .get(id)
            .cloned()
            .ok_or_else(|| format!("no camera `{id}` in the configuration; it has: {}", known()));
    }
    let by_stem = config
        .cameras
        .values()
        .find(|camera| camera.id.as_str() == stem);
    let only = (config.cameras.len() == 1)
        .then(|| config.cameras.values().next())
        .flatten();
    by_stem.or(only).cloned().ok_or_else(|| {
        format!(
            "no camera is called `{stem}`: say which one's rules apply with --camera ({})",
            known()
        )
    })
}
