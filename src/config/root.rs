//! The sections of the main file and the cameras of all files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::camera::{self, Surroundings};
use super::door;
use super::environment::Environment;
use super::governor;
use super::journal;
use super::problem::{File, Report, Spot};
use super::reader::Table;
use super::settings::{Settings, value};
use super::types::{
    AuditConfig, CameraConfig, Config, ExecutionProvider, InferenceConfig, LogConfig, LogFormat,
    ModelConfig, Precision,
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
    let console = door::console(&root, api.as_ref());
    let journal = journal::read(&root, &state_dir, folder);
    let audit = audit(&root, folder);
    let uplink = journal::uplink(&root, folder, environment);
    let inference = inference(&root, folder, environment);
    let governor = governor::read(&root, environment);
    let models = models(&root, folder);
    let names: Vec<ModelName> = models.keys().cloned().collect();
    let cameras = cameras(&root, extra, folder, environment, &names);
    root.finish();
    let (site, node, api) = (site?, node?, api?);
    let journal = journal(site.clone(), node.clone());
    Some(Config {
        site,
        node,
        state_dir,
        log,
        api,
        console,
        journal,
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
    let table = root.table("log", "[log]");
    let formats = [("human", LogFormat::Human), ("json", LogFormat::Json)];
    let format = table
        .as_ref()
        .and_then(|table| table.choice("format", &formats));
    let filter = table.as_ref().and_then(|table| {
        let filter = table.text("filter")?;
        let checked = tracing_subscriber::EnvFilter::try_new(filter.value);
        if let Err(error) = checked {
            table.problem(
                filter.at,
                format!(
                    "`filter` is no filter ({error}): write one such as info,parapet::ingest=debug"
                ),
            );
        }
        Some(filter.value)
    });
    finish(table);
    LogConfig {
        format: value(&format, LogFormat::Human),
        filter: filter.unwrap_or("info").to_owned(),
    }
}

fn finish(table: Option<Table<'_>>) {
    if let Some(table) = table {
        table.finish();
    }
}

fn audit(root: &Table<'_>, folder: &Path) -> AuditConfig {
    let table = root.table("audit", "[audit]");
    let path = table.as_ref().and_then(|table| table.text("path"));
    let days = table
        .as_ref()
        .and_then(|table| table.integer("keep_days", 180..=36_500));
    finish(table);
    let days = days.map_or(180, |set| set.value.unsigned_abs());
    AuditConfig {
        path: path.map(|path| folder.join(path.value)),
        keep: Duration::from_secs(days * 86_400),
    }
}

fn count(
    table: &Table<'_>,
    key: &'static str,
    range: std::ops::RangeInclusive<i64>,
    built_in: usize,
) -> usize {
    let written = table.integer(key, range);
    written
        .and_then(|set| usize::try_from(set.value).ok())
        .unwrap_or(built_in)
}

fn count_or_auto(table: &Table<'_>, key: &'static str, built_in: Option<usize>) -> Option<usize> {
    let written = table.integer_or_auto(key, 1..=256);
    written.map_or(built_in, |set| {
        set.value.and_then(|count| usize::try_from(count).ok())
    })
}

fn inference(root: &Table<'_>, folder: &Path, environment: &dyn Environment) -> InferenceConfig {
    let mut inference = InferenceConfig {
        // The other half of the cores decodes. Two share better with the decoders than one, which
        // is late whenever a decoder is at work.
        workers: (environment.cores() / 2).max(environment.cores().min(2)),
        threads_per_worker: None,
        max_batch: None,
        ..InferenceConfig::default()
    };
    if let Some(table) = root.table("inference", "[inference]") {
        inference.runtime_library = table
            .text("runtime_library")
            .map(|path| folder.join(path.value));
        inference.workers = count(&table, "workers", 1..=256, inference.workers);
        inference.threads_per_worker =
            count_or_auto(&table, "threads_per_worker", inference.threads_per_worker);
        inference.max_batch = count_or_auto(&table, "max_batch", inference.max_batch);
        inference.max_wait = value(
            &table.millis("max_wait_millis", 0..=10_000),
            inference.max_wait,
        );
        inference.max_age = value(
            &table.millis("max_age_millis", 10..=600_000),
            inference.max_age,
        );
        let provider = table.choice("execution_provider", &ExecutionProvider::NAMES);
        inference.execution_provider = value(&provider, inference.execution_provider);
        let precisions = [
            ("auto", Precision::Auto),
            ("float", Precision::Float),
            ("int8", Precision::Int8),
        ];
        let precision = table.choice("precision", &precisions);
        inference.precision = value(&precision, inference.precision);
        table.finish();
    }
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
    let defaults = root
        .table("defaults", "[defaults]")
        .map_or_else(Settings::default, |table| {
            let settings = Settings::read(&table, folder, environment);
            table.finish();
            settings
        });
    let mut profiles = BTreeMap::new();
    let mut profile_places = Vec::new();
    for (name, table) in root.named_tables("profiles") {
        let own = Settings::read(&table, folder, environment);
        table.finish();
        profiles.insert(name.value, own.over(&defaults));
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
