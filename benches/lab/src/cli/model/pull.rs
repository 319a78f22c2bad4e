//! `parapet model pull`.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::args::PullArgs;
use crate::pull::registry::{BUILT_IN, Registry};
use crate::pull::{Order, pull};

pub(super) fn run(args: &PullArgs) -> anyhow::Result<bool> {
    let registry = match &args.registry {
        Some(file) => {
            let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
            Registry::parse(&text, file)?
        }
        None => Registry::parse(BUILT_IN, Path::new("models/registry.toml"))?,
    };
    let Some(name) = &args.name else {
        list(&registry);
        return Ok(true);
    };
    let entry = registry.entry(name)?;
    let bar = bar(args.quiet)?;
    let order = Order {
        into: args.into.clone(),
        accept_unverified: args.accept_unverified,
        from: args.from.clone(),
        retry_wait: Duration::from_secs(1),
    };
    bar.set_message(name.clone());
    let pulled = pull(entry, &order, &mut |have, total| {
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(have);
    });
    bar.finish_and_clear();
    let pulled = pulled?;
    if pulled.already {
        println!("{}: is there already", pulled.folder.display());
        return Ok(true);
    }
    if entry.sha256.is_none() {
        println!(
            "nobody vouches for these bytes; compare and record: sha256 = \"{}\"",
            pulled.sha256
        );
    }
    println!(
        "{}: {} {}, licence {}, SHA-256 {}{}",
        pulled.folder.display(),
        entry.name,
        entry.version,
        entry.licence,
        pulled.sha256,
        if entry.sha256.is_some() {
            " as recorded"
        } else {
            ""
        }
    );
    Ok(true)
}

fn list(registry: &Registry) {
    for entry in &registry.entries {
        let size = entry
            .bytes
            .map(|bytes| format!("{:.1} MB", bytes as f64 / 1e6));
        println!(
            "{:<14} {:>9}  {}  {}{}",
            entry.name,
            size.unwrap_or_default(),
            entry.licence,
            entry.about,
            if entry.sha256.is_none() {
                "  (unverified)"
            } else {
                ""
            }
        );
    }
}

fn bar(quiet: bool) -> anyhow::Result<ProgressBar> {
    if quiet {
        return Ok(ProgressBar::hidden());
    }
    let bar = ProgressBar::no_length();
    bar.set_style(ProgressStyle::with_template(
        "{wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left  {msg}",
    )?);
    Ok(bar)
}
