//! What `bench kill` kills: a journal with its API, and threads that write to it as fast as it
//! takes events. Every event is announced on standard output before it is given to the journal
//! (`e NUMBER`) and again once its commit is known (`c NUMBER SEQUENCE`); one write a line, so
//! that a kill never leaves half a word to a reader that looks for whole lines.

use std::io::Write as _;
use std::time::Duration;

use super::NodeArgs;
use super::load::{Node, event};
use parapet::base::tasks::named_thread;
use parapet::journal::JournalWriter;
use parapet::model::time::UtcMicros;

/// Threads that wait for each commit, so that several share one.
const WAITING: u64 = 16;
/// Numbers of one thread.
const SPAN: u64 = 1_000_000;

pub(super) async fn run(args: NodeArgs) -> anyhow::Result<bool> {
    let node = Node::start(args.folder.join("journal.sqlite")).await?;
    say(&format!("listening {}\n", node.url));
    let mut threads = Vec::new();
    if !args.quiet {
        for thread in 0..=WAITING {
            let writer = node.journal.writer();
            let random = fastrand::Rng::with_seed(args.seed ^ (thread << 32) ^ args.run);
            let run = args.run;
            threads.push(named_thread(&format!("load {thread}"), move || {
                if thread < WAITING {
                    wait_for_each(&writer, run, thread * SPAN, random)
                } else {
                    in_bursts(&writer, run, thread * SPAN, random)
                }
            })?);
        }
    }
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    terminate.recv().await;
    node.stop().await
}

/// One line to the parent, all at once.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let said = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    if said.is_err() {
        // The parent is gone, and with it whoever could account for more.
        std::process::exit(1);
    }
}

fn wait_for_each(
    writer: &JournalWriter,
    run: u64,
    first: u64,
    mut random: fastrand::Rng,
) -> anyhow::Result<()> {
    for number in first..first + SPAN {
        say(&format!("e {number}\n"));
        let sequence = writer.append_wait(event(run, number, UtcMicros(0))?, None)?;
        say(&format!("c {number} {}\n", sequence.0));
        if random.u8(..) < 64 {
            std::thread::sleep(Duration::from_micros(random.u64(..3_000)));
        }
    }
    Ok(())
}

fn in_bursts(
    writer: &JournalWriter,
    run: u64,
    first: u64,
    mut random: fastrand::Rng,
) -> anyhow::Result<()> {
    let mut number = first;
    while number < first + SPAN {
        for _ in 0..random.u64(1..30) {
            say(&format!("e {number}\n"));
            writer.append(event(run, number, UtcMicros(0))?, None)?;
            number += 1;
        }
        std::thread::sleep(Duration::from_micros(random.u64(..8_000)));
    }
    Ok(())
}
