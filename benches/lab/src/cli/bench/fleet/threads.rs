//! Which part of a process uses how much of the processor, by the names of its threads.

use std::collections::BTreeMap;

use procfs::process::Process;

/// Parts of the daemon that have threads of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// Sockets, RTSP, RTP sessions and their timers.
    Receive,
    /// From the jitter buffer on: depacketising, parsing, the gate, decoding.
    Stream,
    /// Inference workers, and ONNX Runtime's own threads.
    Infer,
    /// Tracker and rules.
    Analyse,
    /// The event log.
    Journal,
    /// gRPC, camera drivers and everything else that is asynchronous.
    Control,
    /// `/metrics`, which this bench asks for.
    Ops,
    /// Whatever is none of these.
    Other,
}

/// By the name that the kernel keeps (15 bytes). GStreamer names its threads after the element that
/// they serve, `taskN` where that has no name of its own (the loop of `rtspsrc`); `rtsp` and `decode`
/// are threads of our own source.
pub(super) fn part(name: &str) -> Part {
    let begins = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
    if begins(&["infer-", "onnx"]) {
        Part::Infer
    } else if begins(&["rtpjitterbuffer", "decode"]) {
        Part::Stream
    } else if begins(&[
        "task",
        "rtsp",
        "rtpsession",
        "timer",
        "udpsrc",
        "gmain",
        "pool-",
    ]) {
        Part::Receive
    } else if begins(&["analysis"]) {
        Part::Analyse
    } else if begins(&["journal"]) {
        Part::Journal
    } else if begins(&["ops"]) {
        Part::Ops
    } else if begins(&["control"]) {
        Part::Control
    } else {
        Part::Other
    }
}

/// Processor seconds of one process until now.
#[derive(Clone, Debug, Default)]
pub(super) struct Usage {
    /// All of it, threads that have ended included.
    pub(super) total: f64,
    threads: BTreeMap<i32, (String, f64)>,
    pub(super) rss_mib: f64,
}

impl Usage {
    /// Of a running process.
    pub(super) fn of(id: u32) -> procfs::ProcResult<Self> {
        let process = Process::new(i32::try_from(id).unwrap_or(i32::MAX))?;
        let tick = 1.0 / procfs::ticks_per_second().max(1) as f64;
        let stat = process.stat()?;
        let mut threads = BTreeMap::new();
        for task in process.tasks()? {
            // A thread may end between its listing and its reading.
            let Ok(task) = task else { continue };
            if let Ok(stat) = task.stat() {
                let spent = (stat.utime + stat.stime) as f64 * tick;
                threads.insert(task.tid, (stat.comm, spent));
            }
        }
        Ok(Self {
            total: (stat.utime + stat.stime) as f64 * tick,
            threads,
            rss_mib: (stat.rss * procfs::page_size()) as f64 / f64::from(1 << 20),
        })
    }

    pub(super) fn thread_count(&self) -> usize {
        self.threads.len()
    }

    /// What each part used since `before`. Threads that ended in between are in no part but in the
    /// difference of the totals, which is [`Part::Other`]'s.
    pub(super) fn parts_since(&self, before: &Self) -> BTreeMap<Part, f64> {
        let mut parts = BTreeMap::new();
        let mut told = 0.0;
        for (id, (name, spent)) in &self.threads {
            let earlier = before.threads.get(id).map_or(0.0, |(_, spent)| *spent);
            let more = (spent - earlier).max(0.0);
            told += more;
            *parts.entry(part(name)).or_insert(0.0) += more;
        }
        let rest = (self.total - before.total - told).max(0.0);
        *parts.entry(Part::Other).or_insert(0.0) += rest;
        parts
    }
}

/// Seconds that the machine's cores have been busy until now, over all processes, and how many
/// cores it has.
pub(super) fn machine() -> procfs::ProcResult<(f64, usize)> {
    use procfs::CurrentSI as _;
    let stat = procfs::KernelStats::current()?;
    let tick = 1.0 / procfs::ticks_per_second().max(1) as f64;
    let all = &stat.total;
    let busy = all.user
        + all.nice
        + all.system
        + all.irq.unwrap_or(0)
        + all.softirq.unwrap_or(0)
        + all.steal.unwrap_or(0);
    Ok((busy as f64 * tick, stat.cpu_time.len().max(1)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use parapet::base::clock::thread_cpu;
    use parapet::base::tasks::named_thread;

    #[test]
    fn a_busy_thread_shows_under_its_part() {
        let before = Usage::of(std::process::id()).expect("this process");
        let (done, wait) = crossbeam_channel::bounded::<()>(0);
        let thread = named_thread("analysis", move || {
            while thread_cpu() < Duration::from_millis(200) {}
            // Lives until it has been seen.
            let _ = wait.recv();
        })
        .expect("a thread");
        let seen = (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            let now = Usage::of(std::process::id()).expect("this process");
            let parts = now.parts_since(&before);
            parts.get(&Part::Analyse).is_some_and(|it| *it >= 0.15)
        });
        drop(done);
        thread.join().expect("ended");
        assert!(seen, "the thread's time never showed");
    }

    #[test]
    fn gstreamers_and_our_names_are_told_apart() {
        for (name, wanted) in [
            ("rtpjitterbuffer", Part::Stream),
            ("rtpsession-rtcp", Part::Receive),
            ("task17", Part::Receive),
            ("decode", Part::Stream),
            ("infer-0", Part::Infer),
            ("control", Part::Control),
            ("parapet", Part::Other),
        ] {
            assert_eq!(part(name), wanted, "{name}");
        }
    }
}
