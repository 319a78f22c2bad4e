//! `parapet events` and `parapet cameras`: a running daemon over gRPC.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::args::{CamerasArgs, EventsArgs, EventsCommand, SeverityArg};
use super::logging;
use crate::api::client::{SubscribeFrom, Told};
use crate::journal::Filter;
use crate::journal::verify::verify;
use crate::model::coverage::Coverage;
use crate::model::event::{Event, EventKind, Record, Severity};
use crate::model::ids::{CameraId, ConsumerName, Sequence};

/// One event as a JSON line.
#[derive(Serialize)]
pub struct Line<'a> {
    sequence: u64,
    occurred_at: String,
    committed_at: String,
    #[serde(flatten)]
    event: &'a Event,
}

/// The line of a record.
#[must_use]
pub fn line(record: &Record) -> Line<'_> {
    Line {
        sequence: record.sequence.0,
        occurred_at: record.event.occurred.utc.rfc3339(),
        committed_at: record.committed.rfc3339(),
        event: &record.event,
    }
}

fn filter(args: &EventsArgs) -> anyhow::Result<Filter> {
    let kind = |name: &String| {
        name.parse::<EventKind>().ok().with_context(|| {
            format!(
                "--kind `{name}` is not known; there are {}",
                EventKind::ALL.map(EventKind::name).join(", ")
            )
        })
    };
    Ok(Filter {
        cameras: args
            .camera
            .iter()
            .map(|id| CameraId::new(id))
            .collect::<Result<_, _>>()?,
        kinds: args.kind.iter().map(kind).collect::<anyhow::Result<_>>()?,
        min_severity: args.min_severity.map(|severity| match severity {
            SeverityArg::Info => Severity::Info,
            SeverityArg::Warning => Severity::Warning,
            SeverityArg::Alarm => Severity::Alarm,
            SeverityArg::Critical => Severity::Critical,
        }),
        ..Filter::default()
    })
}

pub(super) async fn run(args: EventsArgs) -> anyhow::Result<bool> {
    logging::quiet()?;
    if let Some(EventsCommand::Verify { file, config }) = args.command {
        let file = match file {
            Some(file) => file,
            None => super::load(&config)?.journal.path,
        };
        return tokio::task::spawn_blocking(move || check(&file)).await?;
    }
    let filter = filter(&args)?;
    let consumer = args
        .consumer
        .as_deref()
        .map(ConsumerName::new)
        .transpose()?;
    let from = consumer.clone().map_or(
        SubscribeFrom::After(Sequence(args.after)),
        SubscribeFrom::Consumer,
    );
    let mut client = args.connect.client().await?;
    let mut subscription = client.subscribe(from, &filter).await?;
    let mut printed = 0;
    while args.limit.is_none_or(|limit| printed < limit) {
        let told = tokio::select! {
            told = subscription.told() => told,
            _ = tokio::signal::ctrl_c() => return Ok(true),
        };
        let Some(told) = told else {
            anyhow::bail!("the daemon ended the stream")
        };
        let reached = match told? {
            Told::Record(record) => {
                let text = serde_json::to_string(&line(&record))?;
                // Acknowledged only after it was really written.
                let mut out = std::io::stdout().lock();
                writeln!(out, "{text}").and_then(|()| out.flush())?;
                printed += 1;
                record.sequence
            }
            Told::Position(sequence) => sequence,
            Told::Gap(gap) => {
                eprintln!(
                    "gap: {} to {}, {} events ({}) {}",
                    gap.first.0,
                    gap.last.0,
                    gap.count,
                    gap.reason.name(),
                    gap.note
                );
                gap.last
            }
            Told::Provisional(event) => {
                eprintln!("not stored yet: {}", serde_json::to_string(&event)?);
                continue;
            }
        };
        if let Some(consumer) = &consumer {
            client.acknowledge(consumer, reached).await?;
        }
    }
    Ok(true)
}

/// Prints what an auditor wants to know; false when anything is wrong.
pub(super) fn check(file: &Path) -> anyhow::Result<bool> {
    let verdict = verify(file)?;
    for damage in &verdict.damages {
        match damage.sequence {
            0 => println!("the file: {}", damage.what),
            sequence => println!("record {sequence}: {}", damage.what),
        }
    }
    println!(
        "{}: {} events and {} gap records up to {} (hash {}), {} events declared missing, dropped up to {}: {}",
        file.display(),
        verdict.events,
        verdict.gaps,
        verdict.last,
        hex::encode(verdict.last_hash),
        verdict.declared_missing,
        verdict.dropped_through,
        match verdict.damaged {
            0 => "whole".to_owned(),
            damaged => format!("DAMAGED in {damaged} places"),
        }
    );
    Ok(verdict.is_whole())
}

pub(super) async fn cameras(args: CamerasArgs) -> anyhow::Result<bool> {
    logging::quiet()?;
    let cameras = args.connect.client().await?.cameras().await?;
    println!(
        "{:<24} {:<12} {:>9} {:>9} {:>9}  {:<28} source",
        "camera", "state", "decoded", "analysed", "superseded", "gap of promised, level"
    );
    for camera in cameras {
        println!(
            "{:<24} {:<12} {:>9} {:>9} {:>9}  {:<28} {} {}",
            camera.camera.as_str(),
            camera.state.name(),
            camera.decoded,
            camera.analysed,
            camera.superseded,
            camera.coverage.map(coverage).unwrap_or_default(),
            camera.source,
            camera.reason
        );
    }
    Ok(true)
}

fn coverage(coverage: Coverage) -> String {
    format!(
        "{:.1} of {:.1} s, {}{}",
        coverage.largest_gap.as_secs_f64(),
        coverage.promised_gap.as_secs_f64(),
        coverage.level.name(),
        if coverage.kept { "" } else { ", BROKEN" }
    )
}
