//! A model folder that has been read and whose weights are the ones the manifest means.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::InferError;
use super::manifest::{MANIFEST, Manifest, WeightsFile};
use crate::model::detection::ModelRef;

/// A checked model.
#[derive(Clone, Debug)]
pub struct Model {
    /// What the integrator says of it.
    pub manifest: Manifest,
    /// Its weights, in floating point unless it comes from [`Model::in_int8`].
    pub weights: PathBuf,
    /// The weights of the same network in 8-bit integers, where there are any.
    pub int8: Option<PathBuf>,
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
        let find = |file: &WeightsFile| verified(file, folder, weights);
        let int8 = manifest.int8.as_ref().map(find).transpose()?;
        let weights = find(&manifest.float())?;
        Ok(Self {
            int8,
            ..Self::of(manifest, weights)
        })
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
            int8: None,
            reference,
            classes,
        }
    }

    /// The same model by its weights in 8-bit integers, where it has any. Its version says so, as
    /// build metadata (`1+int8`), so that an event tells which weights saw it.
    #[must_use]
    pub fn in_int8(&self) -> Option<Self> {
        let mut manifest = self.manifest.clone();
        let WeightsFile { file, sha256 } = manifest.int8.take()?;
        (manifest.file, manifest.sha256) = (file, sha256);
        manifest.version.push_str("+int8");
        Some(Self::of(manifest, self.int8.clone()?))
    }

    /// Values of one picture in the input tensor.
    #[must_use]
    pub fn input_len(&self) -> usize {
        self.manifest.input.width as usize * self.manifest.input.height as usize * 3
    }
}

/// Finds a file of weights and checks that it is the one meant.
fn verified(
    meant: &WeightsFile,
    folder: &Path,
    weights: Option<&Path>,
) -> Result<PathBuf, InferError> {
    let file = meant.find(folder, weights)?;
    let wrong = |what: String| InferError::Manifest {
        path: folder.join(MANIFEST),
        what: format!("{}{what}", file.display()),
    };
    let bytes = std::fs::read(&file).map_err(|error| wrong(format!(": {error}")))?;
    let found = hex::encode(Sha256::digest(&bytes));
    if found != meant.sha256 {
        return Err(wrong(format!(
            " has SHA-256 {found}, the manifest says {}: the file is not the one meant",
            meant.sha256
        )));
    }
    Ok(file)
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
