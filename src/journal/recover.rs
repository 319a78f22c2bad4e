//! The committing thread's other half: opening, starting over, and keeping to the quota. It and
//! `commit.rs` call each other's methods on the one state, which is why they are two files of one
//! type and not two types.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::commit::Committer;
use super::error::JournalError;
use super::format::refuse_newer;
use super::head;
use super::prune::Step;
use super::record::Tail;
use super::rescue::{self, LEFT_OUT};
use super::schema;
use super::store::{Fit, Store};
use crate::base::clock::Monotonic;
use crate::model::event::{EventKind, Phase};
use crate::model::ids::Sequence;

/// A new file must have lived this long before it may be found damaged itself.
const SETTLED_AFTER: Duration = Duration::from_secs(60);

impl Committer {
    /// Opens the file, or what takes its place when it is damaged.
    pub(super) fn open_store(&mut self) -> Result<(), JournalError> {
        let path = self.config.path.clone();
        if self.lock.is_none() {
            self.lock = Some(schema::lock(&path)?);
        }
        refuse_newer(&path)?;
        if !path.exists() {
            // Where a move was interrupted, this is the journal.
            refuse_newer(&rescue::new_file(&path))?;
        }
        rescue::finish_move(&path).map_err(|source| JournalError::Io {
            path: path.clone(),
            doing: "completing an interrupted move",
            source,
        })?;
        let at_start = self.tail.is_none();
        let known = self.tail.or_else(|| head::read(&path));
        let opened = Store::open(&path).and_then(|store| {
            let fit = store.fit(known, self.attempted.as_ref())?;
            Ok((store, fit))
        });
        match opened {
            Ok((store, Fit::Whole)) => self.adopt(store),
            Ok((store, Fit::Durable)) => {
                self.adopt(store)?;
                if let Some((tail, sequences)) = self.attempted.take() {
                    self.settle(&sequences, tail);
                }
                Ok(())
            }
            Ok((store, Fit::Short(known))) => self.declare(store, known, at_start),
            Err(error) if error.is_damage() => self.start_over(known, &error),
            Err(error) => Err(error),
        }
    }

    fn adopt(&mut self, store: Store) -> Result<(), JournalError> {
        let cursors = store.cursors()?;
        for (name, position) in &cursors {
            self.show_cursor(name.as_str(), *position);
        }
        *self.shared.cursors.lock() = cursors.into_iter().collect();
        store.write_head();
        let tail = store.tail;
        self.tail = Some(tail);
        self.store = Some(store);
        self.shared.generation.fetch_add(1, Ordering::AcqRel);
        self.publish(tail);
        Ok(())
    }

    /// The file's end is missing: a gap stands for it, above all that was known.
    fn declare(
        &mut self,
        mut store: Store,
        known: Tail,
        at_start: bool,
    ) -> Result<(), JournalError> {
        let utc_micros = self.clock.utc_micros();
        let (end, missing) = (
            store.tail.sequence.0,
            known.sequence.0 - store.tail.sequence.0,
        );
        let note = format!(
            "the file ends at record {end}, but record {} with hash {} had been committed",
            known.sequence.0,
            hex::encode(known.hash)
        );
        tracing::error!(path = %self.config.path.display(), %note, "the journal's end is missing; a gap record stands for it");
        let mut last = known.sequence;
        if at_start {
            rescue::keep_log(&self.config.path, utc_micros);
            last.0 += LEFT_OUT;
        }
        store.write_gap(last, missing, &note, utc_micros)?;
        self.metrics.journal.damages.inc();
        let incident = self.notices.incident();
        let reason = format!("journal damaged: {note}");
        let (kind, phase) = (EventKind::STORAGE_FAULT, Phase::Started);
        self.raise(kind, phase, incident, reason, Some(missing));
        self.adopt(store)
    }

    /// Sets the damaged file aside and goes on with a new one.
    pub(super) fn start_over(
        &mut self,
        known: Option<Tail>,
        error: &JournalError,
    ) -> Result<(), JournalError> {
        let (why, now) = (error.in_full(), self.clock.now());
        let soon = |before: Monotonic| now.since(before) < SETTLED_AFTER;
        if self.started_over.is_some_and(soon) {
            // A new file that is damaged at once is a failing disk: no file after file for it.
            return Err(JournalError::Io {
                path: self.config.path.clone(),
                doing: "starting a second new file within a minute",
                source: std::io::Error::other(why),
            });
        }
        tracing::error!(error = %why, "the journal is damaged; a new file takes its place");
        let path = self.config.path.clone();
        let utc_micros = self.clock.utc_micros();
        let (incident, notices) = (self.notices.incident(), &mut self.notices);
        let say = |last: Option<Tail>, rescued: usize| {
            let last = last.map_or("no known record".to_owned(), |last| {
                let (sequence, hash) = (last.sequence.0, hex::encode(last.hash));
                format!("last known record {sequence} with hash {hash}")
            });
            notices.event(super::notice::Notice {
                kind: EventKind::STORAGE_FAULT,
                phase: Phase::Started,
                incident,
                reason: format!("journal damaged: {why}; {last}; {rescued} events brought over"),
                count: None,
            })
        };
        let rescue = rescue::start_over(&path, known, utc_micros, say)?;
        self.metrics.journal.damages.inc();
        tracing::error!(
            set_aside = %rescue.set_aside.display(),
            rescued = rescue.rescued,
            "the damaged journal was set aside"
        );
        self.attempted = None;
        self.started_over = Some(now);
        self.adopt(Store::open(&path)?)
    }

    /// A reader met damage after `after`: looks for itself, and starts over if it is so.
    pub(super) fn look_again(&mut self, after: Sequence) {
        let Some(store) = &self.store else { return };
        let Err(error) = store.check_after(after) else {
            return;
        };
        if error.is_damage() {
            self.store = None;
            if let Err(error) = self.start_over(self.tail, &error) {
                self.failed(&error);
            }
        }
    }

    /// Keeps to the quota; at most one small step a call, and only while commits work.
    pub(super) fn housekeep(&mut self) {
        if self.trouble.is_some() || !self.held.is_empty() {
            return;
        }
        let Some(store) = self.store.as_mut() else {
            return;
        };
        let lowest = self.shared.cursors.lock().values().min().copied();
        let times = (self.clock.now(), self.clock.utc_micros());
        let step = match self.pruner.step(&mut store.connection, times, lowest) {
            Ok(step) => step,
            Err(error) => {
                // Commits go on; a disk that takes no deletion now may take one later.
                tracing::error!(%error, "the journal could not keep to its quota; trying again in a minute");
                return self.pruner.postpone(self.clock.now());
            }
        };
        if let Some((bytes, oldest)) = self.pruner.measured() {
            self.metrics.journal.bytes.set(bytes);
            self.metrics.journal.oldest.set(oldest);
        }
        let (kind, started) = (EventKind::STORAGE_LOW, Phase::Started);
        match step {
            Step::Nothing => {}
            Step::Begins(words) => {
                let incident = self.notices.incident();
                self.pruner.announced(incident);
                tracing::error!(%words, "the journal drops records before their time");
                self.raise(kind, started, incident, words, None);
            }
            Step::Dropped(cause, count) => {
                let labels = vec![("reason", cause.name().to_owned())];
                let dropped = self.metrics.journal.dropped.get_or_create(&labels);
                dropped.inc_by(count);
            }
            Step::Ends(incident, words, count) => {
                tracing::error!(%words, "the journal has dropped records before their time");
                self.raise(kind, Phase::Ended, incident, words, Some(count));
            }
        }
    }
}
