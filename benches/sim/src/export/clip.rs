//! The files of a clip.

use std::path::{Path, PathBuf};

#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// `<stem>.mp4`; none where only the truth was wanted.
    pub video: Option<PathBuf>,
    /// `<stem>.toml`.
    pub config: PathBuf,
    /// `<stem>.expect.toml`.
    pub expect: PathBuf,
    /// `<stem>.truth.jsonl`.
    pub truth: PathBuf,
    /// `<stem>.mot.txt`.
    pub mot: PathBuf,
}

impl Clip {
    /// The files of a clip in a folder, whether they are there or not.
    #[must_use]
    pub fn of(folder: &Path, stem: &str, truth_only: bool) -> Self {
        let file = |ending: &str| folder.join(format!("{stem}{ending}"));
        Self {
            video: (!truth_only).then(|| file(".mp4")),
            config: file(".toml"),
            expect: file(".expect.toml"),
            truth: file(".truth.jsonl"),
            mot: file(".mot.txt"),
        }
    }

    /// Whether all of its files are there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let files = [&self.config, &self.expect, &self.truth, &self.mot];
        files.into_iter().chain(&self.video).all(|f| f.is_file())
    }
}
