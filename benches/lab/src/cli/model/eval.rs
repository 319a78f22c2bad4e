//! `parapet model eval`.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};

use super::single_backend;
use crate::cli::args::EvalArgs;
use crate::eval::report::{Report, text};
use crate::eval::run::{measure, pictures_wanted, source};
use crate::eval::{Contender, Leniency, Set, open};
use parapet::base::clock::{SystemClock, thread_cpu};
use parapet::infer::Model;
use parapet::infer::model::weights_folder;

pub(super) fn run(args: &EvalArgs) -> anyhow::Result<bool> {
    anyhow::ensure!(
        (0.0..=1.0).contains(&args.threshold),
        "--threshold {}: 0 to 1",
        args.threshold
    );
    let leniency = Leniency {
        visible_share: args.min_visible,
        pixels: args.min_pixels,
    };
    let sets = open(&args.datasets, &args.empty, args.every, leniency)?;
    let mut contenders = contenders(args)?;
    let source = source(SystemClock::shared())?;
    let bar = bar(&sets, args.quiet)?;
    let mut shown = String::new();
    measure(
        &sets,
        &mut contenders,
        args.threshold,
        &source,
        &thread_cpu,
        &mut |set| {
            if shown != set {
                set.clone_into(&mut shown);
                bar.set_message(shown.clone());
            }
            bar.inc(1);
            // Nobody knows before how many pictures a video without a truth has.
            if bar.length().is_some_and(|length| length < bar.position()) {
                bar.set_length(bar.position());
            }
        },
    )?;
    bar.finish_and_clear();
    let report = Report::of(&sets, &contenders, args.threshold, leniency);
    println!("{}", text(&report).trim_end());
    if let Some(file) = &args.json {
        let json = serde_json::to_string_pretty(&report)?;
        std::fs::write(file, json)
            .with_context(|| format!("{}: cannot be written", file.display()))?;
    }
    Ok(true)
}

/// Opens all models; those of one name are told apart by their folders.
fn contenders(args: &EvalArgs) -> anyhow::Result<Vec<Contender>> {
    let weights = args.model.weights.clone().or_else(weights_folder);
    let folders: Vec<&PathBuf> = [&args.model.folder]
        .into_iter()
        .chain(&args.against)
        .collect();
    let models = folders
        .iter()
        .map(|folder| Ok(Arc::new(Model::load(folder, weights.as_deref())?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let backend = single_backend()?;
    let mut contenders = Vec::new();
    for (model, folder) in models.iter().zip(&folders) {
        let name = &model.manifest.name;
        let alike = models.iter().filter(|other| other.manifest.name == *name);
        let name = match alike.count() {
            1 => name.clone(),
            _ => format!("{name} ({})", folder.display()),
        };
        contenders.push(Contender::open(&name, model, &backend)?);
        if let Some(int8) = model.in_int8().map(Arc::new) {
            contenders.push(Contender::open(&format!("{name} int8"), &int8, &backend)?);
        }
    }
    Ok(contenders)
}

fn bar(sets: &[Set], quiet: bool) -> anyhow::Result<ProgressBar> {
    if quiet {
        return Ok(ProgressBar::hidden());
    }
    let bar = ProgressBar::new(pictures_wanted(sets));
    bar.set_style(ProgressStyle::with_template(
        "{wide_bar} {pos}/{len} pictures, {per_sec}, {eta} left  {msg}",
    )?);
    Ok(bar)
}
