//! Floor 2: configuration. Text ▸ check (all errors at once, with file and line) ▸ [`Config`] ▸ diff.
//!
//! One TOML file and the files `cameras.d/*.toml` beside it, in the order of their names; those
//! hold `[[camera]]` tables only. Relative paths, wherever written, start at the folder of the
//! main file. A camera's setting is looked for in its own table, then in its profile, then in
//! `[defaults]`, then comes the built-in value. `deploy/parapet.example.toml` names every key.

mod camera;
mod diff;
mod door;
mod environment;
mod journal;
pub mod problem;
pub mod reader;
mod redact;
mod reference;
mod root;
pub mod rule;
pub mod secret;
pub mod secret_file;
pub(crate) mod section;
mod settings;
mod shapes;
#[cfg(test)]
mod tests;
pub mod types;

use std::path::{Path, PathBuf};

pub use diff::{Changes, diff};
pub use environment::{Environment, NoEnvironment, SystemEnvironment};
pub use problem::{ConfigErrors, Problem};
pub use redact::redact_url;
pub use types::Config;

use problem::{File, Report};

/// One file's text and the name it goes by in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    /// Where it was read; relative paths inside start at the main file's folder.
    pub path: PathBuf,
    /// Its TOML.
    pub text: String,
}

/// A configuration that may be run, and what is odd about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// What to run.
    pub config: Config,
    /// Nothing wrong, but probably not meant, such as a profile that no camera uses.
    pub warnings: Vec<Problem>,
}

/// Reads and checks the main file and its `cameras.d/*.toml`.
///
/// # Errors
/// Everything that is wrong, at once: unreadable files, syntax, types, ranges, unknown keys and
/// names, duplicates, missing secrets.
pub fn load(path: &Path, environment: &dyn Environment) -> Result<Loaded, ConfigErrors> {
    let mut unreadable = Vec::new();
    let mut read = |path: &Path| match std::fs::read_to_string(path) {
        Ok(text) => Some(SourceText {
            path: path.to_owned(),
            text,
        }),
        Err(error) => {
            unreadable.push(Problem::of_file(
                path,
                format!("cannot be read ({error}): check that it exists, is UTF-8 and readable"),
            ));
            None
        }
    };
    let main = read(path);
    let folder = folder_of(path).join("cameras.d");
    let mut extra = Vec::new();
    match toml_files(&folder) {
        Ok(paths) => extra.extend(paths.iter().filter_map(|path| read(path))),
        Err(error) => unreadable.push(Problem::of_file(
            &folder,
            format!("cannot be listed ({error}): check its permissions"),
        )),
    }
    let Some(main) = main else {
        return Err(ConfigErrors::new(unreadable));
    };
    match parse(&main, &extra, environment) {
        Ok(loaded) if unreadable.is_empty() => Ok(loaded),
        Ok(_) => Err(ConfigErrors::new(unreadable)),
        Err(errors) => {
            unreadable.extend(errors.into_problems());
            Err(ConfigErrors::new(unreadable))
        }
    }
}

/// Checks texts that somebody else has read. Only secrets are looked up in the environment.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn parse(
    main: &SourceText,
    extra: &[SourceText],
    environment: &dyn Environment,
) -> Result<Loaded, ConfigErrors> {
    let report = Report::default();
    let folder = folder_of(&main.path);
    let files: Vec<File<'_>> = std::iter::once(main)
        .chain(extra)
        .filter_map(|source| File::parse(&source.path, &source.text, &report))
        .collect();
    // With one file unreadable, names may be missing that it declares: say only what is sure.
    let config = (files.len() == extra.len() + 1)
        .then(|| root::read(&files, folder, environment, &report))
        .flatten();
    let (problems, warnings) = report.into_parts();
    match config {
        Some(config) if problems.is_empty() => Ok(Loaded { config, warnings }),
        _ => Err(ConfigErrors::new(problems)),
    }
}

/// The folder that a file lies in; `.` for a bare name.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn toml_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let listing = match std::fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = Vec::new();
    for entry in listing {
        let path = entry?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && path.extension().is_some_and(|e| e == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
