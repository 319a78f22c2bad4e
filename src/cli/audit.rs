//! `parapet audit`: the log's file, with or without a daemon.

use std::io::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use super::args::{AuditArgs, AuditCommand, AuditFile};
use super::load;
use crate::audit::{self, Written};
use crate::model::time::UtcMicros;

const PAGE: usize = 500;

/// One entry as a JSON line.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    pub(super) sequence: u64,
    pub(super) at: String,
    pub(super) who: &'a str,
    pub(super) what: &'a str,
    pub(super) target: &'a str,
    pub(super) result: &'a str,
    pub(super) detail: &'a str,
    pub(super) times: u64,
    pub(super) hash: String,
}

fn line(entry: &Written) -> Line<'_> {
    Line {
        sequence: entry.sequence,
        at: UtcMicros(entry.at_utc_micros).rfc3339(),
        who: &entry.who,
        what: &entry.what,
        target: &entry.target,
        result: &entry.result,
        detail: &entry.detail,
        times: entry.times,
        hash: hex::encode(entry.hash),
    }
}

fn path(file: AuditFile) -> anyhow::Result<PathBuf> {
    match file.file {
        Some(path) => Ok(path),
        None => Ok(crate::app::audit_path(&load(&file.config)?)),
    }
}

pub(super) fn run(args: AuditArgs) -> anyhow::Result<bool> {
    match args.command {
        AuditCommand::Verify(file) => verify(file),
        AuditCommand::Show { file, after } => show(file, after),
    }
}

fn verify(file: AuditFile) -> anyhow::Result<bool> {
    let path = path(file)?;
    let verdict = audit::verify_file(&path)?;
    for problem in &verdict.problems {
        eprintln!("{}: {problem}", path.display());
    }
    println!(
        "{}: {} entries, {} to {}, head {}: {}",
        path.display(),
        verdict.entries,
        verdict.first,
        verdict.last,
        hex::encode(verdict.head),
        if verdict.problems.is_empty() {
            "the chain holds"
        } else {
            "the chain is broken"
        }
    );
    Ok(verdict.problems.is_empty())
}

fn show(file: AuditFile, after: u64) -> anyhow::Result<bool> {
    let path = path(file)?;
    let mut after = after;
    let mut out = std::io::stdout().lock();
    loop {
        let page = audit::read_file(&path, after, PAGE)?;
        let Some(last) = page.last() else {
            return Ok(true);
        };
        after = last.sequence;
        for entry in &page {
            writeln!(out, "{}", serde_json::to_string(&line(entry))?)?;
        }
    }
}
