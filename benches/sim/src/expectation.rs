//! What a clip must make the rules say: the expectation file `<clip's stem>.expect.toml`, which
//! lies beside the clip. The scene simulator and `parapet replay --record` write what
//! `parapet replay --expect` reads.
//!
//! ```toml
//! [clip]
//! seconds = 30.0            # how long the clip is
//! conditions = ["day"]      # words that the report groups by; any script
//! config = "stem.toml"      # rules, relative to this file; optional
//! camera = "stem"           # whose rules of that configuration; optional
//! fps = 10.0                # pictures a second and
//! picture = [1280, 720]     # their size, for detections that stand in for video; optional
//!
//! [[event]]                 # a rule must say this
//! kind = "zone_intrusion"   # as events name it
//! rule = "yard-entered"     # optional: without it any rule of the kind will do
//! start_seconds = 10.0      # of the clip
//! end_seconds = 15.0        # optional
//! before_seconds = 1.0      # the alarm may come this much before the start, optional
//! after_seconds = 10.0      # and this much after it, optional
//! note = "crawls"           # a word that the report groups by, optional
//!
//! [[later]]                 # scripted, but no rule for it exists yet: never scored
//! kind = "fight"            # a free word; the other keys as above, without `rule`
//! start_seconds = 20.0
//!
//! [[ignore]]                # alarms in here count neither way
//! start_seconds = 0.0
//! end_seconds = 2.0
//! rule = "yard-entered"     # optional: only this rule's
//! ```
//!
//! Times are kept in whole microseconds, so that what is written is what is read.

mod read;
#[cfg(test)]
mod tests;
mod types;
mod write;

use std::path::{Path, PathBuf};

use parapet::config::problem::{ConfigErrors, File, Problem, Report};

pub use types::{
    DEFAULT_AFTER, DEFAULT_BEFORE, Expectation, ExpectedClip, ExpectedEvent, IgnoredSpan,
    LaterEvent, MAX_SECONDS,
};

impl Expectation {
    /// Where the rules are, if the file says: its `config` starts at the folder of the file.
    #[must_use]
    pub fn config_path(&self, file: &Path) -> Option<PathBuf> {
        let config = self.clip.config.as_ref()?;
        Some(parapet::config::folder_of(file).join(config))
    }
}

/// Reads and checks an expectation file.
///
/// # Errors
/// Everything that is wrong, at once, with file and line.
pub fn load(path: &Path) -> Result<Expectation, ConfigErrors> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(path, &text),
        Err(error) => Err(ConfigErrors::new(vec![Problem::of_file(
            path,
            format!("cannot be read ({error}): check that it exists, is UTF-8 and readable"),
        )])),
    }
}

/// Checks a text that somebody else has read; `path` is for messages.
///
/// # Errors
/// Everything that is wrong, at once, with file and line.
pub fn parse(path: &Path, text: &str) -> Result<Expectation, ConfigErrors> {
    let report = Report::default();
    let file = File::parse(path, text, &report);
    let expectation = file.as_ref().and_then(|file| read::read(file, &report));
    drop(file);
    let (problems, _) = report.into_parts();
    match expectation {
        Some(expectation) if problems.is_empty() => Ok(expectation),
        _ => Err(ConfigErrors::new(problems)),
    }
}

/// What a clip is called without its endings: `a/yard.mp4` and `a/yard.mot.txt` are both `yard`.
#[must_use]
pub fn clip_stem(clip: &Path) -> String {
    let name = clip.file_name().unwrap_or_default().to_string_lossy();
    if let Some(stem) = name.strip_suffix(".mot.txt") {
        return stem.to_owned();
    }
    clip.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Where a clip's expectation file is looked for: `folder`, or beside the clip.
#[must_use]
pub fn expectation_path(clip: &Path, folder: Option<&Path>) -> PathBuf {
    let folder = folder.unwrap_or_else(|| parapet::config::folder_of(clip));
    folder.join(format!("{}.expect.toml", clip_stem(clip)))
}
