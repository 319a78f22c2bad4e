//! What the configuration takes from outside its text; injected, so that tests need no process
//! environment.

use zeroize::Zeroizing;

use super::secret_file::{SecretFileError, SecretPath};

/// Where secrets lie and how big the machine is.
pub trait Environment {
    /// An environment variable; `None` where it is unset or not UTF-8.
    fn variable(&self, name: &str) -> Option<String>;
    /// The text of a secret's file, wiped when it goes.
    ///
    /// # Errors
    /// [`SecretFileError`]: unreadable, not text, or others may read it.
    fn secret(&self, path: &SecretPath) -> Result<Zeroizing<String>, SecretFileError>;
    /// Processor cores this process may use; at least 1.
    fn cores(&self) -> usize;
}

/// The process's own environment.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEnvironment;

impl Environment for SystemEnvironment {
    fn variable(&self, name: &str) -> Option<String> {
        // `std::env::var` panics on neither, but a name with `=` or NUL is no variable.
        if name.is_empty() || name.contains(['=', '\0']) {
            return None;
        }
        std::env::var(name).ok()
    }

    fn secret(&self, path: &SecretPath) -> Result<Zeroizing<String>, SecretFileError> {
        let bytes = path.read()?;
        // A copy, so that both are wiped whatever comes.
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(Zeroizing::new(text.to_owned())),
            Err(_) => Err(SecretFileError::Kind {
                path: path.path.clone(),
            }),
        }
    }

    fn cores(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }
}

/// No variables, no files, two cores: for fuzzing and for tests without secrets.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEnvironment;

impl Environment for NoEnvironment {
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }

    fn secret(&self, path: &SecretPath) -> Result<Zeroizing<String>, SecretFileError> {
        Err(SecretFileError::Io {
            path: path.path.clone(),
            source: std::io::ErrorKind::NotFound.into(),
        })
    }

    fn cores(&self) -> usize {
        2
    }
}
