//! The folder in which a model grows.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{Progress, PullError};
use parapet::infer::manifest::MANIFEST;

/// Bytes read or written at a time.
pub(super) const CHUNK: usize = 64 * 1024;

/// `FOLDER/.pull-NAME`, locked.
pub(super) struct Work {
    folder: PathBuf,
    name: String,
    _lock: File,
}

/// Where the bytes that are there come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// The address.
    pub(super) url: String,
    /// What the server calls this version of the file; empty where it does not say.
    pub(super) etag: String,
}

impl Work {
    pub(super) fn open(into: &Path, name: &str) -> Result<Self, PullError> {
        let folder = into.join(format!(".pull-{name}"));
        fs::create_dir_all(&folder).map_err(PullError::disk(&folder))?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(PullError::disk(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(PullError::Busy(name.to_owned())),
            Err(TryLockError::Error(source)) => return Err(PullError::Disk { path, source }),
        }
        Ok(Self {
            folder,
            name: name.to_owned(),
            _lock: lock,
        })
    }

    pub(super) fn weights(&self) -> PathBuf {
        self.folder.join("weights")
    }

    /// Bytes that are there.
    pub(super) fn len(&self) -> u64 {
        fs::metadata(self.weights()).map_or(0, |meta| meta.len())
    }

    /// Where they come from; of nowhere if nobody wrote it down.
    pub(super) fn origin(&self) -> Origin {
        let text = fs::read_to_string(self.folder.join("origin")).unwrap_or_default();
        let (url, etag) = text.split_once('\n').unwrap_or_default();
        Origin {
            url: url.to_owned(),
            etag: etag.trim_end().to_owned(),
        }
    }

    /// Opens the weights for writing: behind what is there, or anew from an origin.
    pub(super) fn write(&self, anew_from: Option<&Origin>) -> Result<File, PullError> {
        let path = self.weights();
        let mut options = OpenOptions::new();
        match anew_from {
            Some(origin) => {
                let note = self.folder.join("origin");
                let file = options.write(true).create(true).truncate(true).open(&path);
                let file = file.map_err(PullError::disk(&path))?;
                let text = format!("{}\n{}\n", origin.url, origin.etag);
                fs::write(&note, text).map_err(PullError::disk(&note))?;
                Ok(file)
            }
            None => options
                .append(true)
                .open(&path)
                .map_err(PullError::disk(&path)),
        }
    }

    /// Takes the weights from a file.
    pub(super) fn copy(&self, file: &Path, progress: &mut Progress<'_>) -> Result<(), PullError> {
        let mut from = File::open(file).map_err(PullError::disk(file))?;
        let total = from.metadata().map_err(PullError::disk(file))?.len();
        let mut to = self.write(Some(&Origin::default()))?;
        let (mut chunk, mut have) = (vec![0; CHUNK], 0);
        loop {
            let read = from.read(&mut chunk).map_err(PullError::disk(file))?;
            if read == 0 {
                break;
            }
            to.write_all(&chunk[..read])
                .map_err(PullError::disk(&self.weights()))?;
            have += read as u64;
            progress(have, Some(total));
        }
        Ok(())
    }

    /// SHA-256 of the weights, lower-case hex.
    pub(super) fn sha256(&self) -> Result<String, PullError> {
        let path = self.weights();
        let mut file = File::open(&path).map_err(PullError::disk(&path))?;
        let (mut hash, mut chunk) = (Sha256::new(), vec![0; CHUNK]);
        loop {
            let read = file.read(&mut chunk).map_err(PullError::disk(&path))?;
            if read == 0 {
                return Ok(hex::encode(hash.finalize()));
            }
            hash.update(&chunk[..read]);
        }
    }

    /// Throws everything away.
    pub(super) fn discard(self) -> Result<(), PullError> {
        fs::remove_dir_all(&self.folder).map_err(PullError::disk(&self.folder))
    }

    /// Makes the model's folder of the weights and a manifest, and puts it in its place.
    pub(super) fn finish(self, file: &str, manifest: &str, place: &Path) -> Result<(), PullError> {
        let made = self.folder.join(&self.name);
        let done = (|| -> io::Result<()> {
            if made.exists() {
                fs::remove_dir_all(&made)?;
            }
            fs::create_dir(&made)?;
            let weights = made.join(file);
            fs::rename(self.weights(), &weights)?;
            File::open(&weights)?.sync_all()?;
            let mut out = File::create(made.join(MANIFEST))?;
            out.write_all(manifest.as_bytes())?;
            out.sync_all()
        })();
        done.map_err(PullError::disk(&made))?;
        fs::rename(&made, place).map_err(PullError::disk(place))?;
        self.discard()
    }
}
