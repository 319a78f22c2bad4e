//! Owner of each consumer name: a consumer belongs to the identity that named it first, and nobody
//! else reads from its position or moves it. One small SQLite file, read into memory at the start, or as
//! soon as it can be read: until then nobody can use a named consumer, for it might be somebody
//! else's, but cameras are watched and subscribers without a name are served.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};
use rusqlite::{Connection, params};

use crate::model::ids::ConsumerName;

/// Consumers of one identity, so that nobody fills the disk with names.
pub const MAX_CONSUMERS_EACH: usize = 32;

/// Why a consumer may not be used.
#[derive(Debug, thiserror::Error)]
pub enum OwnerError {
    /// It is somebody else's.
    #[error("this consumer belongs to somebody else; choose another name")]
    Others,
    /// Too many of its own.
    #[error(
        "there are {MAX_CONSUMERS_EACH} consumers of yours already; have an operator delete one"
    )]
    TooMany,
    /// The file cannot be read or written.
    #[error(
        "who owns which consumer cannot be kept in {path} ({source}); \
         see that the disk works and the file is the daemon's to write"
    )]
    Store {
        /// The file.
        path: PathBuf,
        /// SQLite's words.
        source: rusqlite::Error,
    },
}

struct Inner {
    connection: Connection,
    owners: BTreeMap<String, String>,
}

/// Consumers and their owners. Methods that write block on the disk.
pub struct Owners {
    path: PathBuf,
    inner: Mutex<Option<Inner>>,
}

impl Inner {
    fn load(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(1))?;
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        connection.execute_batch(
            "PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS owners (
               consumer TEXT PRIMARY KEY, identity TEXT NOT NULL
             ) WITHOUT ROWID;",
        )?;
        let owners = connection
            .prepare("SELECT consumer, identity FROM owners")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Self { connection, owners })
    }
}

impl Owners {
    /// Opens or creates the file; where that fails it is logged, and tried again at each use.
    #[must_use]
    pub fn open(path: &Path) -> Self {
        let owners = Self {
            path: path.to_owned(),
            inner: Mutex::new(None),
        };
        if let Err(error) = owners.inner() {
            tracing::error!(%error, "named consumers are refused until this works");
        }
        owners
    }

    fn inner(&self) -> Result<MappedMutexGuard<'_, Inner>, OwnerError> {
        let mut guard = self.inner.lock();
        let inner = match guard.take() {
            Some(inner) => inner,
            None => Inner::load(&self.path).map_err(|source| self.failed(source))?,
        };
        Ok(MutexGuard::map(guard, |slot| slot.insert(inner)))
    }

    /// Makes sure that a consumer is this identity's; one that is nobody's becomes it.
    ///
    /// # Errors
    /// [`OwnerError`].
    pub fn claim(&self, consumer: &ConsumerName, identity: &str) -> Result<(), OwnerError> {
        let mut inner = self.inner()?;
        if let Some(owner) = inner.owners.get(consumer.as_str()) {
            return if owner == identity {
                Ok(())
            } else {
                Err(OwnerError::Others)
            };
        }
        let own = inner.owners.values().filter(|owner| *owner == identity);
        if own.count() >= MAX_CONSUMERS_EACH {
            return Err(OwnerError::TooMany);
        }
        inner
            .connection
            .execute(
                "INSERT INTO owners (consumer, identity) VALUES (?1, ?2)",
                params![consumer.as_str(), identity],
            )
            .map_err(|source| self.failed(source))?;
        inner
            .owners
            .insert(consumer.to_string(), identity.to_owned());
        Ok(())
    }

    /// Every consumer that somebody named, with its owner.
    ///
    /// # Errors
    /// [`OwnerError::Store`].
    pub fn all(&self) -> Result<BTreeMap<String, String>, OwnerError> {
        Ok(self.inner()?.owners.clone())
    }

    /// Lets a consumer go; whether there was one.
    ///
    /// # Errors
    /// [`OwnerError::Store`].
    pub fn forget(&self, consumer: &ConsumerName) -> Result<bool, OwnerError> {
        let mut inner = self.inner()?;
        inner
            .connection
            .execute(
                "DELETE FROM owners WHERE consumer = ?1",
                [consumer.as_str()],
            )
            .map_err(|source| self.failed(source))?;
        Ok(inner.owners.remove(consumer.as_str()).is_some())
    }

    fn failed(&self, source: rusqlite::Error) -> OwnerError {
        OwnerError::Store {
            path: self.path.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ConsumerName {
        ConsumerName::new(text).expect("name")
    }

    #[test]
    fn a_consumer_stays_its_first_users_even_over_a_restart() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("owners.sqlite3");
        let owners = Owners::open(&path);
        owners.claim(&name("north"), "a").expect("free");
        owners.claim(&name("north"), "a").expect("its own");
        drop(owners);
        let owners = Owners::open(&path);
        assert!(matches!(
            owners.claim(&name("north"), "b"),
            Err(OwnerError::Others)
        ));
        assert_eq!(owners.all().expect("all")["north"], "a");
        assert!(owners.forget(&name("north")).expect("forgotten"));
        assert!(!owners.forget(&name("north")).expect("nothing"));
        owners.claim(&name("north"), "b").expect("free again");
    }

    #[test]
    fn a_file_that_cannot_be_opened_refuses_names_until_it_can_be() {
        let folder = tempfile::tempdir().expect("folder");
        let missing = folder.path().join("later");
        let owners = Owners::open(&missing.join("owners.sqlite3"));
        let refused = owners.claim(&name("north"), "a").expect_err("no folder");
        assert!(refused.to_string().contains("later/owners.sqlite3"));
        std::fs::create_dir(&missing).expect("folder");
        owners.claim(&name("north"), "a").expect("it is there now");
        assert_eq!(owners.all().expect("all").len(), 1);
    }

    #[test]
    fn one_identity_cannot_name_consumers_without_end() {
        let folder = tempfile::tempdir().expect("folder");
        let owners = Owners::open(&folder.path().join("o"));
        for n in 0..MAX_CONSUMERS_EACH {
            owners.claim(&name(&format!("c{n}")), "a").expect("room");
        }
        assert!(matches!(
            owners.claim(&name("more"), "a"),
            Err(OwnerError::TooMany)
        ));
        owners.claim(&name("more"), "b").expect("somebody else");
    }
}
