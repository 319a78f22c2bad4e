//! What a server served, as the control socket and the final report tell it.

use serde::{Deserialize, Serialize};

use super::fault::Fault;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Seconds since it began to listen.
    pub seconds: f64,
    /// Viewers that are being sent pictures now.
    pub viewers: u64,
    /// Pictures sent, over all viewers.
    pub frames: u64,
    /// Bytes sent, RTP headers included.
    pub bytes: u64,
    pub process: Usage,
    /// How the recordings came to be, one line each.
    pub recordings: Vec<String>,
    /// One entry per camera asked for.
    pub cameras: Vec<CameraReport>,
}

/// What a process costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Processor time since its start, user and system.
    pub cpu_seconds: f64,
    /// Resident memory.
    pub rss_kib: u64,
    pub threads: u64,
    pub descriptors: u64,
    /// Context switches of the threads that run now, since each began.
    #[serde(default)]
    pub context_switches: u64,
}

impl Usage {
    /// This process's; zeroes where `/proc` does not tell.
    #[must_use]
    pub fn of_this_process() -> Self {
        let read = || -> procfs::ProcResult<Self> {
            let me = procfs::process::Process::myself()?;
            let stat = me.stat()?;
            let ticks = procfs::ticks_per_second().max(1) as f64;
            Ok(Self {
                cpu_seconds: (stat.utime + stat.stime) as f64 / ticks,
                rss_kib: stat.rss * procfs::page_size() / 1_024,
                threads: u64::try_from(stat.num_threads).unwrap_or(0),
                descriptors: me.fd_count()? as u64,
                context_switches: switches(&me),
            })
        };
        read().unwrap_or_default()
    }
}

/// The process's own counter tells of its first thread only.
fn switches(process: &procfs::process::Process) -> u64 {
    let tasks = process.tasks().into_iter().flatten().filter_map(Result::ok);
    let of = |task: procfs::process::Task| {
        let status = task.status().ok()?;
        Some(status.voluntary_ctxt_switches? + status.nonvoluntary_ctxt_switches?)
    };
    tasks.filter_map(of).sum()
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CameraReport {
    pub camera: String,
    /// Viewers that are being sent pictures now.
    pub viewers: u64,
    /// PLAY requests that were granted.
    pub sessions: u64,
    /// Pictures sent, over all viewers; a picture that lost a packet counts.
    pub frames: u64,
    /// RTP packets sent.
    pub packets: u64,
    /// Bytes sent, RTP headers included.
    pub bytes: u64,
    /// RTP packets left out by `loss`.
    pub packets_lost: u64,
    /// Pictures left out because a viewer did not read fast enough.
    pub frames_skipped: u64,
    /// Viewers hung up on, and requests that a fault refused.
    pub refused: u64,
    /// Requests with a wrong or missing password.
    pub unauthorized: u64,
    /// Faults ever put in force.
    pub faults_applied: u64,
    /// Faults in force now.
    pub faults: Vec<Fault>,
    /// When the first picture of each recording of a `play` command was sent, over all viewers:
    /// microseconds since 1970. The newest thousand.
    pub played: Vec<i64>,
}
