//! A model folder that has been read and whose weights are the ones the manifest means.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::InferError;
use super::manifest::{MANIFEST, Manifest};
use crate::model::detection::ModelRef;

/// A checked model.
#[derive(Clone, Debug)]
pub struct Model {
    /// What the integrator says of it.
    pub manifest: Manifest,
    /// Its weights.
    pub weights: PathBuf,
    /// Its name and version for events.
    pub reference: ModelRef,
    /// Class names in the model's order; `None` for those that do not matter.
    pub classes: Arc<[Option<Arc<str>>]>,
}

impl Model {
    /// Reads the folder's manifest, finds the weights in the folder or in `weights`, and checks
    /// their SHA-256.
    ///
    /// # Errors
    /// [`InferError::Manifest`] that says where and what.
    pub fn load(folder: &Path, weights: Option<&Path>) -> Result<Self, InferError> {
        let manifest = Manifest::load(folder)?;
        let weights = manifest.weights(folder, weights)?;
        let wrong = |what: String| InferError::Manifest {
            path: folder.join(MANIFEST),
            what,
        };
        let bytes = std::fs::read(&weights)
            .map_err(|error| wrong(format!("{}: {error}", weights.display())))?;
        let found = hex::encode(Sha256::digest(&bytes));
        if found != manifest.sha256 {
            return Err(wrong(format!(
                "{} has SHA-256 {found}, the manifest says {}: the file is not the one meant",
                weights.display(),
                manifest.sha256
            )));
        }
        Ok(Self::of(manifest, weights))
    }

    /// A model whose weights nobody checks; for fakes.
    #[must_use]
    pub fn of(manifest: Manifest, weights: PathBuf) -> Self {
        let reference = ModelRef {
            name: manifest.name.as_str().into(),
            version: manifest.version.as_str().into(),
        };
        let classes = manifest
            .labels
            .iter()
            .map(|label| {
                manifest
                    .keep
                    .contains(label)
                    .then(|| Arc::from(label.as_str()))
            })
            .collect();
        Self {
            manifest,
            weights,
            reference,
            classes,
        }
    }

    /// Values of one picture in the input tensor.
    #[must_use]
    pub fn input_len(&self) -> usize {
        self.manifest.input.width as usize * self.manifest.input.height as usize * 3
    }
}

/// Where weights lie that are not in their model's folder: `PARAPET_WEIGHTS`, else the `models`
/// folder of `PARAPET_DATA` (default `../shared/data`), where it exists.
#[must_use]
pub fn weights_folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("PARAPET_WEIGHTS") {
        return Some(folder.into());
    }
    let data =
        std::env::var_os("PARAPET_DATA").map_or_else(|| "../shared/data".into(), PathBuf::from);
    Some(data.join("models")).filter(|folder| folder.is_dir())
}
