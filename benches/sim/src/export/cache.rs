//! Clips made on demand: a clip that is there for the very scene text, size, length and renderer
//! is taken, any other is made. One folder a clip; nothing is ever changed in place.

use std::fs::{self, DirEntry, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

use super::clip::Clip;
use super::error::ExportError;
use super::writer::{ExportOptions, export_clip, with_options};
use crate::render::VERSION as RENDERER;
use crate::scene::Scene;

/// Goes up when the same scene would give other files.
const EXPORT_VERSION: u32 = 2;

/// How the folder of a clip in the making begins.
const MAKING: &str = ".making-";
/// A folder this new may be one that its maker has not locked yet.
const NEW: Duration = Duration::from_secs(60);

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
    /// [`ExportError`] when it could not be made.
    pub fn clip(
        &self,
        scene: &Scene,
        options: &ExportOptions,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Clip, ExportError> {
        let kept = self.folder.join(key(scene, options));
        let clip = Clip::of(&kept, &scene.stem, options.truth_only);
        if clip.is_complete() {
            return Ok(clip);
        }
        let failed = |source| ExportError::Write {
            file: self.folder.clone(),
            source,
        };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        // Beside its place, so that a clip appears whole or not at all.
        let making = tempfile::Builder::new()
            .prefix(MAKING)
            .tempdir_in(&self.folder)
            .map_err(failed)?;
        // Held until the end, however that comes: what is not locked nobody makes any more.
        let lock = File::open(making.path()).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let now = lock.metadata().and_then(|of| of.modified());
        now.and_then(|now| self.sweep(now)).map_err(failed)?;
        export_clip(scene, making.path(), options, progress)?;
        if kept.exists() {
            // Left by a run that was cut short while an older build made clips.
            fs::remove_dir_all(&kept).map_err(failed)?;
        }
        fs::rename(making.keep(), &kept).map_err(failed)?;
        Ok(clip)
    }

    /// Takes away what makers left that were killed. `now` is by the clock that dates the files.
    fn sweep(&self, now: SystemTime) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if is_left_behind(&entry, now) {
                let folder = entry.path();
                match fs::remove_dir_all(&folder) {
                    Ok(()) => {
                        tracing::debug!(folder = %folder.display(), "unfinished clip of a killed run removed");
                    }
                    // Another maker was first.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => {
                        tracing::warn!(folder = %folder.display(), %error, "unfinished clip of a killed run cannot be removed: remove it by hand");
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether it is a clip in the making whose maker is no more. What cannot be told is no.
fn is_left_behind(entry: &DirEntry, now: SystemTime) -> bool {
    let changed = entry.metadata().and_then(|of| of.modified());
    let old = changed.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age >= NEW));
    let making = entry.file_name().to_string_lossy().starts_with(MAKING);
    making && old && File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok())
}

/// A folder's name that says what is in it.
fn key(scene: &Scene, options: &ExportOptions) -> String {
    let Scene { size, seconds, .. } = with_options(scene, options);
    let mut hash = Sha256::new();
    hash.update(scene.text.as_bytes());
    let rest = format!(
        "\0{}\0{RENDERER}\0{EXPORT_VERSION}\0{}x{}\0{seconds}\0{}\0{}",
        scene.stem,
        size.width,
        size.height,
        options.truth_only,
        options.model_folder.display(),
    );
    hash.update(rest.as_bytes());
    if let Some(bitrate_kbps) = options.bitrate_kbps {
        hash.update(format!("{bitrate_kbps} kbit/s").as_bytes());
    }
    if let Some(seconds) = options.quiet_before {
        hash.update(format!("{seconds} s before").as_bytes());
    }
    let hash = hex::encode(hash.finalize());
    format!("{}-{}", scene.stem, hash.get(..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_killed_run_left_is_taken_away() {
        let folder = tempfile::tempdir().expect("folder");
        let make = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir(&path).expect("made");
            fs::write(path.join("a.mp4"), "half").expect("written");
            path
        };
        let (dead, alive) = (make(".making-dead"), make(".making-alive"));
        let finished = make("yard-day-0123");
        let lock = File::open(&alive).expect("opens");
        lock.lock().expect("locks");
        let now = lock.metadata().and_then(|of| of.modified()).expect("dated");
        let left = |path: &Path, later: Duration| {
            let mut entries = fs::read_dir(folder.path()).expect("listed");
            let entry = entries.find(|e| e.as_ref().is_ok_and(|e| e.path() == path));
            is_left_behind(&entry.expect("there").expect("read"), now + later)
        };
        assert!(!left(&dead, Duration::ZERO), "it may be about to be locked");
        assert!(left(&dead, NEW));
        assert!(!left(&alive, NEW));
        assert!(!left(&finished, NEW));
        drop(lock);
        assert!(left(&alive, NEW), "its maker ended");

        let long_ago = now - 2 * NEW;
        for path in [&dead, &finished] {
            let file = File::open(path).expect("opens");
            file.set_modified(long_ago).expect("dated back");
        }
        Cache::new(folder.path()).sweep(now).expect("sweeps");
        assert!(!dead.exists() && alive.exists() && finished.exists());
    }
}
