//! `models/registry.toml`: which public detectors there are, and what is known of them.
//!
//! ```toml
//! [labels]                          # lists of class names that entries refer to
//! coco80 = ["person", "bicycle"]
//!
//! [[model]]
//! name = "yolox_nano"               # its folder's name
//! version = "0.1.1rc0"
//! about = "0.9 M parameters"        # a few words for the list
//! url = "https://…/yolox_nano.onnx" # always the same bytes: a release, a commit, no branch
//! bytes = 3659407                   # optional
//! sha256 = "…"                      # optional: without it a pull asks for --accept-unverified
//! licence = "Apache-2.0"
//! source = "https://…"              # the project
//! file = "yolox_nano.onnx"          # what it is called in the folder
//! labels = "coco80"
//!
//! [model.manifest]                  # the rest of model.toml, as `infer::manifest` describes it:
//! keep = ["person"]                 # keep, score_threshold, nms_iou, [input], [output]
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml_edit::{Array, DocumentMut, Item, Table, value};
use url::{Host, Url};

use super::PullError;
use parapet::infer::manifest::{MANIFEST, Manifest};

/// The registry that comes with the program.
pub const BUILT_IN: &str = include_str!("../../../../models/registry.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    labels: BTreeMap<String, Vec<String>>,
    model: Vec<Model>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    name: String,
    version: String,
    about: String,
    url: String,
    bytes: Option<u64>,
    sha256: Option<String>,
    licence: String,
    source: String,
    file: String,
    labels: String,
    #[serde(rename = "manifest")]
    _manifest: serde::de::IgnoredAny,
}

/// A model that can be pulled.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name, and its folder's.
    pub name: String,
    /// The maker's version.
    pub version: String,
    /// A few words.
    pub about: String,
    /// Where its weights are.
    pub url: Url,
    /// How many bytes they have, where it is known.
    pub bytes: Option<u64>,
    /// Their SHA-256, lower-case hex, where somebody vouches for it.
    pub sha256: Option<String>,
    /// SPDX identifier.
    pub licence: String,
    /// The project.
    pub source: String,
    /// What the weights are called in the folder.
    pub file: String,
    labels: Vec<String>,
    template: Table,
}

/// All that can be pulled.
#[derive(Clone, Debug)]
pub struct Registry {
    /// In the file's order.
    pub entries: Vec<Entry>,
}

impl Registry {
    /// Parses and checks a registry's text; `path` is for the error.
    ///
    /// # Errors
    /// [`PullError::Registry`] with all mistakes.
    pub fn parse(text: &str, path: &Path) -> Result<Self, PullError> {
        let place = path.display();
        let wrong = |what: String| PullError::Registry(format!("{place}: {}", what.trim_end()));
        let file: File = toml_edit::de::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let document: DocumentMut = text
            .parse()
            .map_err(|error: toml_edit::TomlError| wrong(error.to_string()))?;
        let tables = document.get("model").and_then(Item::as_array_of_tables);
        let templates: Vec<Table> = tables
            .into_iter()
            .flatten()
            .map(|table| table.get("manifest").and_then(Item::as_table).cloned())
            .map(Option::unwrap_or_default)
            .collect();
        let mut mistakes = Vec::new();
        let mut entries: Vec<Entry> = Vec::new();
        for (model, template) in file.model.into_iter().zip(templates) {
            let name = model.name.clone();
            let entry = Entry::of(model, &file.labels, template)
                .and_then(|entry| entry.check().map(|()| entry));
            match entry {
                Ok(entry) if entries.iter().any(|other| other.name == entry.name) => {
                    mistakes.push(format!(
                        "{place}: model `{name}`: there are two of that name"
                    ));
                }
                Ok(entry) => entries.push(entry),
                Err(what) => mistakes.push(format!("{place}: model `{name}`: {what}")),
            }
        }
        if mistakes.is_empty() {
            return Ok(Self { entries });
        }
        Err(PullError::Registry(mistakes.join("\n")))
    }

    /// The entry of that name.
    ///
    /// # Errors
    /// [`PullError::Unknown`] with the names that there are.
    pub fn entry(&self, name: &str) -> Result<&Entry, PullError> {
        let found = self.entries.iter().find(|entry| entry.name == name);
        found.ok_or_else(|| {
            let known: Vec<&str> = self.entries.iter().map(|e| e.name.as_str()).collect();
            PullError::Unknown {
                name: name.to_owned(),
                known: known.join(", "),
            }
        })
    }
}

impl Entry {
    fn of(
        model: Model,
        labels: &BTreeMap<String, Vec<String>>,
        template: Table,
    ) -> Result<Self, String> {
        let list = labels.get(&model.labels);
        let labels = list.ok_or_else(|| format!("no labels are called `{}`", model.labels))?;
        let url = Url::parse(&model.url);
        Ok(Self {
            name: model.name,
            version: model.version,
            about: model.about,
            url: url.map_err(|error| format!("url `{}`: {error}", model.url))?,
            bytes: model.bytes,
            sha256: model.sha256,
            licence: model.licence,
            source: model.source,
            file: model.file,
            labels: labels.clone(),
            template,
        })
    }

    fn check(&self) -> Result<(), String> {
        let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if self.name.is_empty() || self.name.starts_with('.') || !self.name.chars().all(good) {
            return Err("name: letters, digits, `-`, `_` and `.` only".to_owned());
        }
        let is_here = match self.url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(_)) | None => false,
        };
        if self.url.scheme() != "https" && !(self.url.scheme() == "http" && is_here) {
            return Err(format!("url `{}`: https is needed", self.url));
        }
        // With any SHA-256 at all the manifest must be a good one.
        let sha256 = self.sha256.clone().unwrap_or_else(|| "0".repeat(64));
        self.manifest(&sha256)
            .map(|_| ())
            .map_err(|error| error.to_string())
    }

    /// The text of `model.toml` for weights of this SHA-256.
    ///
    /// # Errors
    /// [`PullError::Manifest`] where the template is no good one.
    pub fn manifest(&self, sha256: &str) -> Result<String, PullError> {
        let mut document = DocumentMut::new();
        let table = document.as_table_mut();
        table.insert("name", value(&self.name));
        table.insert("version", value(&self.version));
        table.insert("file", value(&self.file));
        table.insert("sha256", value(sha256));
        table.insert("licence", value(&self.licence));
        table.insert("source", value(&self.source));
        table.insert("labels", value(self.labels.iter().collect::<Array>()));
        for (key, item) in self.template.iter().filter(|(_, item)| !item.is_table()) {
            table.insert(key, item.clone());
        }
        for (key, item) in self.template.iter() {
            let Some(inner) = item.as_table() else {
                continue;
            };
            let mut fresh = Table::new();
            for (key, item) in inner.iter() {
                fresh.insert(key, item.clone());
            }
            fresh.decor_mut().set_prefix("\n");
            table.insert(key, Item::Table(fresh));
        }
        let text = format!("# From {}\n{document}", self.url);
        Manifest::parse(&text, Path::new(MANIFEST))?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests;
