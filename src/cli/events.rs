//! `parapet events` and `parapet cameras`: a running daemon over gRPC.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use anyhow::Context as _;

use super::args::{CamerasArgs, EventsArgs, EventsCommand, SeverityArg};
use super::event_line::EventLines;
use super::logging;
use crate::api::client::{SubscribeFrom, Told};
use crate::journal::Filter;
use crate::journal::verify::verify;
use crate::model::coverage::Coverage;
use crate::model::event::{EventKind, Severity};
use crate::model::ids::{CameraId, ConsumerName, Sequence};

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
    let mut lines = lines(args.json, args.readable, std::io::stdout().is_terminal());
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
                let text = lines.record(&record)?;
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
                eprintln!("not stored yet: {}", lines.provisional(&event)?);
                continue;
            }
        };
        if let Some(consumer) = &consumer {
            client.acknowledge(consumer, reached).await?;
        }
    }
    Ok(true)
}

/// A person reads a terminal, a program everything else, unless the arguments say otherwise.
fn lines(json: bool, readable: bool, terminal: bool) -> EventLines {
    if readable || (terminal && !json) {
        EventLines::readable()
    } else {
        EventLines::Json
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_gets_json_and_a_terminal_lines_for_people_unless_told_otherwise() {
        let is_json =
            |json, readable, terminal| matches!(lines(json, readable, terminal), EventLines::Json);
        assert!(is_json(false, false, false) && !is_json(false, false, true));
        assert!(is_json(true, false, true) && !is_json(false, true, false));
    }
}
