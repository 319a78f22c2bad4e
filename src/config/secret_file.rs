//! Files that hold secrets: read only where nobody else can.
//!
//! A secret's file must belong to root or to the daemon's own user, and neither its group nor the
//! world may read, write or run it. A systemd credential is guarded by systemd itself
//! (systemd.exec(5), "Credentials": a folder only the service may enter), so only its name is
//! checked here.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// A key or password is never larger; a device or a log file in its place is refused.
const MAX_BYTES: u64 = 1 << 20;

/// Why a secret's file was not read.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// The operating system refused.
    #[error("{path} cannot be read ({source}): check path and permissions")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// Others may read or change it.
    #[error(
        "{path} has mode {mode:04o}: others may use it; run `chmod 0600 {path}` and change the secret"
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It belongs to somebody else.
    #[error("{path} belongs to user {owner}, not to root or to user {ours}: chown it")]
    Owner {
        /// The file.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
        /// The daemon's own.
        ours: u32,
    },
    /// It is no plain file, or far too large for a secret.
    #[error("{path} is no secret's file: it must be a plain file below 1 MiB")]
    Kind {
        /// The file.
        path: PathBuf,
    },
}

/// Where a secret lies that is read again while the daemon runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretPath {
    /// The file.
    pub path: PathBuf,
    /// Whether systemd guards it, and its permission bits say nothing.
    pub credential: bool,
}

impl SecretPath {
    /// The secret's bytes, wiped when they go.
    ///
    /// # Errors
    /// [`SecretFileError`].
    pub fn read(&self) -> Result<Zeroizing<Vec<u8>>, SecretFileError> {
        read(&self.path, !self.credential)
    }
}

/// Reads a secret's file; `guarded` asks for its owner and permission bits.
///
/// # Errors
/// [`SecretFileError`] says which file and what to do.
pub fn read(path: &Path, guarded: bool) -> Result<Zeroizing<Vec<u8>>, SecretFileError> {
    let io = |source| SecretFileError::Io {
        path: path.to_owned(),
        source,
    };
    // Looked at before it is opened, for opening a pipe waits; and again after, for what is
    // checked must be what is read.
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        return Err(SecretFileError::Kind {
            path: path.to_owned(),
        });
    }
    let file = File::open(path).map_err(io)?;
    let about = file.metadata().map_err(io)?;
    if !about.is_file() || about.len() > MAX_BYTES {
        return Err(SecretFileError::Kind {
            path: path.to_owned(),
        });
    }
    if guarded {
        let ours = rustix::process::geteuid().as_raw();
        if about.uid() != 0 && about.uid() != ours {
            return Err(SecretFileError::Owner {
                path: path.to_owned(),
                owner: about.uid(),
                ours,
            });
        }
        if about.mode() & 0o077 != 0 {
            return Err(SecretFileError::Open {
                path: path.to_owned(),
                mode: about.mode() & 0o7777,
            });
        }
    }
    // Room for all of it at once: a vector that grows leaves copies behind.
    let room = usize::try_from(about.len()).unwrap_or(0) + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(about.len()).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn file(mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("key");
        std::fs::write(&path, "hunter2\n").expect("write");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("chmod");
        (folder, path)
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused_by_name_and_without_its_text() {
        for mode in [0o640, 0o604, 0o660, 0o601] {
            let (_folder, path) = file(mode);
            let error = read(&path, true).expect_err("open to others").to_string();
            assert!(
                error.contains(&path.display().to_string())
                    && error.contains(&format!("{mode:04o}"))
                    && !error.contains("hunter2"),
                "{error}"
            );
            assert_eq!(*read(&path, false).expect("a credential"), b"hunter2\n");
        }
        for mode in [0o600, 0o400] {
            let (_folder, path) = file(mode);
            assert_eq!(*read(&path, true).expect("ours alone"), b"hunter2\n");
        }
    }

    #[test]
    fn what_is_no_plain_file_is_refused() {
        let folder = tempfile::tempdir().expect("folder");
        for path in [folder.path(), Path::new("/dev/zero")] {
            let refused = read(path, true).expect_err("no file");
            assert!(matches!(refused, SecretFileError::Kind { .. }), "{refused}");
        }
        let refused = read(&folder.path().join("none"), true).expect_err("nothing");
        assert!(matches!(refused, SecretFileError::Io { .. }), "{refused}");
    }
}
