//! What the configuration takes from outside its text; injected, so that tests need no process
//! environment.

use std::io;
use std::path::Path;

/// Where secrets lie and how big the machine is.
pub trait Environment {
    /// An environment variable; `None` where it is unset or not UTF-8.
    fn variable(&self, name: &str) -> Option<String>;
    /// The text of a secret's file.
    ///
    /// # Errors
    /// The operating system's.
    fn read(&self, path: &Path) -> io::Result<String>;
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

    fn read(&self, path: &Path) -> io::Result<String> {
        std::fs::read_to_string(path)
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

    fn read(&self, _path: &Path) -> io::Result<String> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn cores(&self) -> usize {
        2
    }
}
