//! Clips made on demand: a clip that is there for the very scene text, size, length and renderer
//! is taken, any other is made. One folder a clip; nothing is ever changed in place.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{Clip, FilmError, Order, ordered, shoot};
use crate::sim::render::VERSION as RENDERER;
use crate::sim::scene::Scene;

/// Goes up when the same scene would give other files.
const FILM: u32 = 2;

/// A folder of finished clips.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

/// Where clips are kept: `PARAPET_CACHE`, else `parapet/scenes` in `XDG_CACHE_HOME` or
/// `~/.cache`, else in the temporary folder.
#[must_use]
pub fn default_cache() -> PathBuf {
    if let Some(folder) = std::env::var_os("PARAPET_CACHE") {
        return folder.into();
    }
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    base.or(home)
        .unwrap_or_else(std::env::temp_dir)
        .join("parapet/scenes")
}

impl Cache {
    /// A cache in this folder, which is made when it is needed.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// The scene's clip, made now where it is missing. `progress` hears the frames done so far;
    /// never, where the clip was there.
    ///
    /// # Errors
    /// [`FilmError`] when it could not be made.
    pub fn clip(
        &self,
        scene: &Scene,
        order: &Order,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Clip, FilmError> {
        let kept = self.folder.join(key(scene, order));
        let clip = Clip::of(&kept, &scene.stem, order.truth_only);
        if clip.is_complete() {
            return Ok(clip);
        }
        let failed = |source| FilmError::Write {
            file: self.folder.clone(),
            source,
        };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        // Beside its place, so that a clip appears whole or not at all.
        let making = tempfile::Builder::new()
            .prefix(".making-")
            .tempdir_in(&self.folder)
            .map_err(failed)?;
        shoot(scene, making.path(), order, progress)?;
        if kept.exists() {
            // Left by a run that was cut short while an older build made clips.
            fs::remove_dir_all(&kept).map_err(failed)?;
        }
        fs::rename(making.keep(), &kept).map_err(failed)?;
        Ok(clip)
    }
}

/// A folder's name that says what is in it.
fn key(scene: &Scene, order: &Order) -> String {
    let Scene { size, seconds, .. } = ordered(scene, order);
    let mut hash = Sha256::new();
    hash.update(scene.text.as_bytes());
    let rest = format!(
        "\0{}\0{RENDERER}\0{FILM}\0{}x{}\0{seconds}\0{}\0{}",
        scene.stem,
        size.width,
        size.height,
        order.truth_only,
        order.model_folder.display(),
    );
    hash.update(rest.as_bytes());
    if let Some(bitrate_kbps) = order.bitrate_kbps {
        hash.update(format!("{bitrate_kbps} kbit/s").as_bytes());
    }
    if let Some(seconds) = order.quiet_before {
        hash.update(format!("{seconds} s before").as_bytes());
    }
    let hash = hex::encode(hash.finalize());
    format!("{}-{}", scene.stem, hash.get(..16).unwrap_or_default())
}
