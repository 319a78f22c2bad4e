//! The sections of the main file and the cameras of all files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::camera::{self, Surroundings};
use super::door;
use super::environment::Environment;
use super::journal;
use super::problem::{File, Report, Spot};
use super::reader::Table;
use super::section::Section as _;
use super::settings::Settings;
use super::types::{
    AuditConfig, CameraConfig, Config, GovernorConfig, InferenceConfig, LogConfig, ModelConfig,
};
use crate::model::ids::{CameraId, ModelName, NodeName, SiteName};

/// Reads everything; `files` begins with the main file. `None` where something mandatory is
/// missing, which the report then says.
pub(super) fn read<'f>(
    files: &'f [File<'f>],
    folder: &Path,
    environment: &dyn Environment,
    report: &'f Report,
) -> Option<Config> {
    let (main, extra) = files.split_first()?;
    let root = Table::root(main, report);
    let site = root.table("site", "[site]");
    let node = root.table("node", "[node]");
    for (section, found) in [("site", &site), ("node", &node)] {
        if found.is_none() && !root.has(section) {
            root.missing(section, &format!("write [{section}] with name = \"…\""));
        }
    }
    let site = site.and_then(|table| {
        let name = required_name(&table, SiteName::new);
        table.finish();
        name
    });
    let node = node.map(|table| {
        let name = required_name(&table, NodeName::new);
        let state_dir = table.text("state_dir").map(|path| folder.join(path.value));
        table.finish();
        (name, state_dir)
    });
    let (node, state_dir) = node.unwrap_or_default();
    let state_dir = state_dir.unwrap_or_else(|| PathBuf::from("/var/lib/parapet"));
    let log = log(&root);
    let api = door::api(&root, folder, environment);
    let ops = door::ops(&root, api.as_ref());
    let journal = journal::read(&root, &state_dir, folder, site.as_ref().zip(node.as_ref()));
    let audit = audit(&root, folder);
    let uplink = journal::uplink(&root, folder, environment);
    let inference = inference(&root, folder, environment);
    let governor = root.section("governor", GovernorConfig::of_cores(environment.cores()));
    let models = models(&root, folder);
    let names: Vec<ModelName> = models.keys().cloned().collect();
    let cameras = cameras(&root, extra, folder, environment, &names);
    root.finish();
    Some(Config {
        site: site?,
        node: node?,
        state_dir,
        log,
        api: api?,
        ops,
        journal: journal?,
        audit,
        uplink,
        inference,
        governor,
        models,
        cameras,
    })
}

fn required_name<T, E: std::fmt::Display>(
    table: &Table<'_>,
    check: impl FnOnce(&str) -> Result<T, E>,
) -> Option<T> {
    if !table.has("name") {
        table.missing("name", "events carry it");
    }
    table.name("name", check).map(|set| set.value)
}

fn log(root: &Table<'_>) -> LogConfig {
    let mut log = LogConfig::default();
    let Some(table) = root.table("log", "[log]") else {
        return log;
    };
    log.take(&table);
    if let Some(at) = table.places().get("filter")
        && let Err(error) = tracing_subscriber::EnvFilter::try_new(&log.filter)
    {
        table.problem(
            *at,
            format!(
                "`filter` is no filter ({error}): write one such as info,parapet::ingest=debug"
            ),
        );
    }
    table.finish();
    log
}

fn audit(root: &Table<'_>, folder: &Path) -> AuditConfig {
    let mut audit = root.section("audit", AuditConfig::default());
    audit.path = audit.path.map(|path| folder.join(path));
    audit
}

fn inference(root: &Table<'_>, folder: &Path, environment: &dyn Environment) -> InferenceConfig {
    let built_in = InferenceConfig {
        // The other half of the cores decodes. Two share better with the decoders than one, which
        // is late whenever a decoder is at work.
        workers: (environment.cores() / 2).max(environment.cores().min(2)),
        threads_per_worker: None,
        max_batch: None,
        ..InferenceConfig::default()
    };
    let mut inference = root.section("inference", built_in);
    let library = inference.runtime_library.take();
    inference.runtime_library = library.map(|path| folder.join(path));
    inference
}

fn models(root: &Table<'_>, folder: &Path) -> BTreeMap<ModelName, ModelConfig> {
    let mut models = BTreeMap::new();
    let tables = root.named_tables("models");
    if tables.is_empty() && (!root.has("models") || root.key_is_empty_table("models")) {
        root.missing("models", "write [models.NAME] with folder = \"…\"");
    }
    for (name, table) in tables {
        let checked = ModelName::new(name.value);
        if let Err(error) = &checked {
            table.problem(name.at, error.to_string());
        }
        if !table.has("folder") {
            table.missing("folder", "name the folder that holds model.toml");
        }
        // A model with a wrong folder still has its name, so that its cameras are not blamed.
        let path = table.text("folder").map_or("", |path| path.value);
        table.finish();
        if let Ok(checked) = checked {
            let folder = folder.join(path);
            models.insert(checked, ModelConfig { folder });
        }
    }
    models
}

fn cameras<'f>(
    root: &Table<'f>,
    extra: &'f [File<'f>],
    folder: &Path,
    environment: &dyn Environment,
    models: &[ModelName],
) -> BTreeMap<CameraId, Arc<CameraConfig>> {
    let mut defaults = Settings::default();
    if let Some(table) = root.table("defaults", "[defaults]") {
        defaults.take(&table, folder, environment);
        table.finish();
    }
    let mut profiles = BTreeMap::new();
    let mut profile_places = Vec::new();
    for (name, table) in root.named_tables("profiles") {
        let mut profile = defaults.clone();
        profile.take(&table, folder, environment);
        table.finish();
        profiles.insert(name.value, profile);
        profile_places.push(name);
    }
    let around = Surroundings {
        folder,
        environment,
        defaults: &defaults,
        profiles: &profiles,
        models,
    };
    let mut tables = root.tables("camera");
    for file in extra {
        let file_root = Table::root(file, root.report);
        tables.extend(file_root.tables("camera"));
        file_root.finish();
    }
    let mut cameras = BTreeMap::new();
    let mut places: BTreeMap<CameraId, Spot<'f>> = BTreeMap::new();
    let mut used = BTreeSet::new();
    for mut table in tables {
        let read = camera::read(&mut table, &around);
        used.extend(read.profile);
        let Some(id) = read.id else { continue };
        if let Some(first) = places.get(&id.value) {
            table.problem(
                id.at,
                format!(
                    "`{}` is already a camera at {}: give it another id",
                    id.value,
                    first.short()
                ),
            );
            continue;
        }
        places.insert(id.value.clone(), id.at);
        if let Some(camera) = read.camera {
            cameras.insert(id.value, Arc::new(camera));
        }
    }
    for name in profile_places
        .iter()
        .filter(|name| !used.contains(name.value))
    {
        let subject = format!("[profiles.{}]", name.value);
        root.report
            .warning(name.at, &subject, "no camera uses this profile");
    }
    cameras
}
