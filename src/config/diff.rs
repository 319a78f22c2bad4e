//! What a reload would change.

use std::sync::Arc;

use super::types::Config;
use crate::model::ids::CameraId;

/// What differs between two configurations; every list is sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Cameras only the new one has.
    pub added: Vec<CameraId>,
    /// Cameras only the old one has.
    pub removed: Vec<CameraId>,
    /// Cameras of both with different settings.
    pub changed: Vec<CameraId>,
    /// Sections a live reload cannot change, in the file's order.
    pub needs_restart: Vec<&'static str>,
}

impl Changes {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Compares two configurations.
#[must_use]
pub fn diff(old: &Config, new: &Config) -> Changes {
    let mut changes = Changes::default();
    for (id, camera) in &new.cameras {
        match old.cameras.get(id) {
            None => changes.added.push(id.clone()),
            Some(before) if Arc::ptr_eq(before, camera) || before == camera => {}
            Some(_) => changes.changed.push(id.clone()),
        }
    }
    let gone = |id: &&CameraId| !new.cameras.contains_key(*id);
    changes.removed = old.cameras.keys().filter(gone).cloned().collect();
    changes.needs_restart = [
        ("site", old.site != new.site),
        (
            "node",
            old.node != new.node || old.state_dir != new.state_dir,
        ),
        ("log", old.log != new.log),
        // Clients and limits are taken over live.
        (
            "api",
            (old.api.listen, &old.api.door) != (new.api.listen, &new.api.door),
        ),
        ("ops", old.ops != new.ops),
        ("journal", old.journal != new.journal),
        ("audit", old.audit != new.audit),
        ("uplink", old.uplink != new.uplink),
        ("inference", old.inference != new.inference),
        ("governor", old.governor != new.governor),
        ("models", old.models != new.models),
    ]
    .into_iter()
    .filter_map(|(section, differs)| differs.then_some(section))
    .collect();
    changes
}
