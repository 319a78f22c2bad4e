//! Public detectors, fetched from where their makers publish them.
//!
//! What may be fetched stands in `models/registry.toml`, which is compiled in. A pull of `NAME` into
//! `FOLDER` goes like this, and may be broken off at any point:
//!
//! ```text
//!  FOLDER/.pull-NAME/weights      grows while it is downloaded, and is gone on with by the next pull:
//!                    origin       the address it comes from and its ETag, sent as If-Range
//!        │ complete, SHA-256 is the registry's
//!        ▼
//!  FOLDER/.pull-NAME/NAME/        the weights under their name, and model.toml
//!        │ renamed
//!        ▼
//!  FOLDER/NAME/                   there whole, or not at all
//! ```
//!
//! Weights with another SHA-256 are deleted. A registry entry without a SHA-256 is refused unless the
//! caller accepts that nobody vouches for the bytes; the one found goes into the manifest then. One
//! pull of a model at a time: a lock on `.pull-NAME/lock` keeps others out.

mod download;
pub mod registry;
mod work;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use registry::{Entry, Registry};

use download::Download;
use parapet::infer::InferError;
use parapet::infer::model::Model;
use work::Work;

/// Why a model was not pulled.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The registry cannot be used; every mistake in a line of its own.
    #[error("{0}")]
    Registry(String),
    /// The registry does not know it.
    #[error("no model `{name}` in the registry; it has: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// Nobody vouches for its bytes.
    #[error(
        "{0}: the registry has no SHA-256 for it, so nobody vouches for what would come; with --accept-unverified it is fetched all the same and its SHA-256 is printed for you to compare and record"
    )]
    Unverified(String),
    /// Something else is in its place.
    #[error("{folder}: is there already and is not this model ({why}); remove it or choose another folder", folder = folder.display())]
    Occupied {
        /// The place.
        folder: PathBuf,
        /// Why it is not this model.
        why: String,
    },
    /// Somebody else is at it.
    #[error("{0}: is being pulled into this folder by another process")]
    Busy(String),
    /// The server cannot be reached.
    #[error(
        "{host} cannot be reached ({why}). Without a network: fetch {url} elsewhere, bring the file here, and use `--from FILE`"
    )]
    Unreachable {
        /// The server.
        host: String,
        /// The network's words.
        why: String,
        /// What to fetch.
        url: String,
    },
    /// The server answers something else.
    #[error("{url}: the server answers {status}{hint}")]
    Refused {
        /// The address.
        url: String,
        /// The status.
        status: u16,
        /// What that may mean.
        hint: &'static str,
    },
    /// The connection broke too often.
    #[error(
        "{url}: broken off after {have} of {total} bytes ({why}); what came is kept: pull again to go on"
    )]
    BrokenOff {
        /// The address.
        url: String,
        /// Bytes that are there.
        have: u64,
        /// Bytes that there should be, where known.
        total: String,
        /// What happened last.
        why: String,
    },
    /// The server has another number of bytes than the registry.
    #[error(
        "{url}: {found} bytes where the registry says {expected}: upstream has changed; nothing was kept"
    )]
    Size {
        /// The address.
        url: String,
        /// By the server.
        found: u64,
        /// By the registry.
        expected: u64,
    },
    /// The bytes are not the ones meant.
    #[error(
        "{origin}: has SHA-256 {found}, the registry says {expected}: not the file that is meant; nothing was kept"
    )]
    Hash {
        /// Where they came from.
        origin: String,
        /// Their SHA-256.
        found: String,
        /// The registry's.
        expected: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// The operating system's words.
        source: std::io::Error,
    },
    /// The manifest that came out is no good one.
    #[error(transparent)]
    Manifest(#[from] InferError),
}

impl PullError {
    fn disk(path: &Path) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::Disk {
            path: path.to_owned(),
            source,
        }
    }
}

/// What is wanted besides the model.
#[derive(Clone, Debug)]
pub struct Order {
    /// Where the model's folder goes.
    pub into: PathBuf,
    /// Take a model whose SHA-256 the registry does not know.
    pub accept_unverified: bool,
    /// Take the weights from this file and use no network.
    pub from: Option<PathBuf>,
    /// Wait before a broken connection is tried again; doubles each time.
    pub retry_wait: Duration,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// The model's folder.
    pub folder: PathBuf,
    /// SHA-256 of its weights.
    pub sha256: String,
    /// It was there before and nothing was done.
    pub already: bool,
}

/// Hears of bytes that are there, and of how many there will be where that is known.
pub type Progress<'p> = dyn FnMut(u64, Option<u64>) + 'p;

/// Pulls a model; blocks.
///
/// # Errors
/// [`PullError`]; the model's folder is then as it was.
pub fn pull(
    entry: &Entry,
    order: &Order,
    progress: &mut Progress<'_>,
) -> Result<Pulled, PullError> {
    if entry.sha256.is_none() && !order.accept_unverified {
        return Err(PullError::Unverified(entry.name.clone()));
    }
    let folder = order.into.join(&entry.name);
    if folder.exists() {
        return there(entry, folder);
    }
    let work = Work::open(&order.into, &entry.name)?;
    let origin = match &order.from {
        Some(file) => {
            work.copy(file, progress)?;
            file.display().to_string()
        }
        None => {
            Download::new(entry, &work, order.retry_wait).run(progress)?;
            entry.url.to_string()
        }
    };
    let found = work.sha256()?;
    if let Some(expected) = entry.sha256.as_ref().filter(|expected| **expected != found) {
        work.discard()?;
        return Err(PullError::Hash {
            origin,
            found,
            expected: expected.clone(),
        });
    }
    work.finish(&entry.file, &entry.manifest(&found)?, &folder)?;
    Ok(Pulled {
        folder,
        sha256: found,
        already: false,
    })
}

/// A folder in the model's place: the model itself, or something that is not ours to touch.
fn there(entry: &Entry, folder: PathBuf) -> Result<Pulled, PullError> {
    let occupied = |why: String| PullError::Occupied {
        folder: folder.clone(),
        why,
    };
    let model = Model::load(&folder, None).map_err(|error| occupied(error.to_string()))?;
    let sha256 = model.manifest.sha256;
    if let Some(expected) = entry.sha256.as_ref().filter(|hash| **hash != sha256) {
        return Err(occupied(format!(
            "SHA-256 {sha256}, the registry says {expected}"
        )));
    }
    Ok(Pulled {
        folder,
        sha256,
        already: true,
    })
}
