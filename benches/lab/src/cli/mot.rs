//! `parapet mot`.

use std::path::Path;

use anyhow::Context as _;

use super::args::{MotArgs, MotCommand};
use crate::mot::{Entry, MotScore, mot15_config, parse, score, track_sequence};
use parapet::base::clock::{Clock as _, SystemClock};

pub(super) fn run(args: MotArgs) -> anyhow::Result<bool> {
    match args.command {
        MotCommand::Score { truth, output } => {
            println!("{}", words(&score(&read(&truth)?, &read(&output)?)));
        }
        MotCommand::Track { sequences } => {
            for folder in sequences {
                let clock = SystemClock::new();
                let run = track_sequence(&folder, mot15_config())?;
                let seconds = clock.now().0.as_secs_f64();
                let name = folder.file_name().unwrap_or_default().to_string_lossy();
                let speed = f64::from(run.frames) / seconds.max(1e-9);
                let scored = run.truth.map(|truth| words(&score(&truth, &run.output)));
                let scored = scored.unwrap_or_else(|| format!("{} boxes", run.output.len()));
                println!("{name:<16} {scored}  {speed:.0} frames/s");
            }
        }
    }
    Ok(true)
}

fn read(path: &Path) -> anyhow::Result<Vec<Entry>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(parse(&text, path)?)
}

fn words(score: &MotScore) -> String {
    format!(
        "MOTA {:.6} IDF1 {:.6} FP {} FN {} IDs {} Frag {} MOTP {:.4}",
        score.mota,
        score.idf1,
        score.false_positives,
        score.misses,
        score.switches,
        score.fragmentations,
        score.motp
    )
}
