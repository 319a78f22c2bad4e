//! What this machine gives against what the configured cameras need, looked at once at start.
//!
//! A camera of 1,042 that cannot get a thread or a descriptor fails somewhere in the middle of a
//! night, with words that tell nobody why. So the daemon counts before it begins: it raises its own
//! soft limit of descriptors to the hard one and says what is still short, where that is set and
//! to which value. It starts all the same: some cameras are better than none.

use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// One RTSP camera over UDP, the hungriest kind: 16 descriptors and 7 threads were measured
/// (`deploy/LIMITS.md`); a reconnecting one has for a moment those of two sessions.
const DESCRIPTORS_PER_CAMERA: u64 = 32;
const THREADS_PER_CAMERA: u64 = 14;
/// The daemon without cameras: runtime, blocking pool, workers, journal, API, ops endpoint.
const DESCRIPTORS_OF_ITS_OWN: u64 = 256;
const THREADS_OF_ITS_OWN: u64 = 160;
/// A thread's stack and its guard page are two mappings.
const MAPPINGS_PER_THREAD: u64 = 2;
const MAPPINGS_OF_ITS_OWN: u64 = 4_096;
/// Less than this is soon full of events and pictures.
const DISK_BYTES: u64 = 2 << 30;
/// Below this the next hour is in danger.
const DISK_BYTES_GRAVE: u64 = 256 << 20;

/// What the machine gives; `None` where it sets no limit or does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResourceLimits {
    /// Open files of this process (`RLIMIT_NOFILE`, the soft limit).
    pub descriptors: Option<u64>,
    /// `kernel.threads-max`
    pub threads_max: Option<u64>,
    /// `kernel.pid_max`; every thread takes one.
    pub pid_max: Option<u64>,
    /// `pids.max` of this process's control group: systemd's `TasksMax`.
    pub group_tasks: Option<u64>,
    /// `vm.max_map_count`
    pub mappings: Option<u64>,
    /// Bytes an ordinary user may still write in the state folder's file system.
    pub disk_bytes: Option<u64>,
}

/// Something there is too little of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insufficient {
    /// What, how much is needed, and what to do.
    pub words: String,
    /// Whether it will surely hurt, not only perhaps.
    pub grave: bool,
}

/// What is too small for so many cameras.
#[must_use]
pub fn insufficient(
    cameras: usize,
    limits: &ResourceLimits,
    state_dir: &Path,
) -> Vec<Insufficient> {
    let cameras = cameras as u64;
    let descriptors = DESCRIPTORS_OF_ITS_OWN + cameras * DESCRIPTORS_PER_CAMERA;
    let threads = THREADS_OF_ITS_OWN + cameras * THREADS_PER_CAMERA;
    let mappings = MAPPINGS_OF_ITS_OWN + threads * MAPPINGS_PER_THREAD;
    let sysctl = "/etc/sysctl.d/60-parapet.conf";
    let needs = [
        (
            limits.descriptors,
            descriptors,
            "open files (RLIMIT_NOFILE)",
            "LimitNOFILE= of parapet.service, or `ulimit -n`".to_owned(),
        ),
        (
            limits.group_tasks,
            threads,
            "threads of the service (pids.max)",
            "TasksMax= of parapet.service".to_owned(),
        ),
        (
            limits.threads_max,
            threads,
            "threads of the machine (kernel.threads-max)",
            format!("kernel.threads-max in {sysctl}"),
        ),
        (
            limits.pid_max,
            threads,
            "thread numbers (kernel.pid_max)",
            format!("kernel.pid_max in {sysctl}"),
        ),
        (
            limits.mappings,
            mappings,
            "memory mappings (vm.max_map_count)",
            format!("vm.max_map_count in {sysctl}"),
        ),
    ];
    let mut found = Vec::new();
    for (limit, needed, what, place) in needs {
        if let Some(limit) = limit.filter(|limit| *limit < needed) {
            found.push(Insufficient {
                words: format!(
                    "{cameras} cameras may need {needed} {what}, the limit is {limit}: \
                     raise {place}"
                ),
                // The needs are those of the hungriest cameras; half of them is surely too little.
                grave: limit < needed / 2,
            });
        }
    }
    if let Some(free) = limits.disk_bytes.filter(|free| *free < DISK_BYTES) {
        found.push(Insufficient {
            words: format!(
                "{} has {} MiB free, {} are wanted: make room, or set another state_dir in [node]",
                state_dir.display(),
                free >> 20,
                DISK_BYTES >> 20
            ),
            grave: free < DISK_BYTES_GRAVE,
        });
    }
    found
}

/// Looks at the machine.
#[must_use]
pub fn look(state_dir: &Path) -> ResourceLimits {
    let kernel = |file: &str| number(&std::fs::read_to_string(file).ok()?);
    ResourceLimits {
        descriptors: getrlimit(Resource::Nofile).current,
        threads_max: kernel("/proc/sys/kernel/threads-max"),
        pid_max: kernel("/proc/sys/kernel/pid_max"),
        group_tasks: std::fs::read_to_string("/proc/self/cgroup")
            .ok()
            .and_then(|text| kernel(&pids_file(&text)?)),
        mappings: kernel("/proc/sys/vm/max_map_count"),
        disk_bytes: existing(state_dir)
            .and_then(|folder| rustix::fs::statvfs(folder).ok())
            .map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
    }
}

/// Raises the soft limit of open files to the hard one, as every process may.
pub fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the soft limit of open files cannot be raised to the hard one");
    }
}

/// Raises what can be raised and tells the log what is short.
pub fn check(cameras: usize, state_dir: &Path) {
    raise_descriptors();
    for short in insufficient(cameras, &look(state_dir), state_dir) {
        if short.grave {
            tracing::error!("{}", short.words);
        } else {
            tracing::warn!("{}", short.words);
        }
    }
}

/// The folder, or the nearest one above it that exists.
fn existing(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|folder| folder.is_dir())
}

/// A kernel file's one number; `max` is none.
fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// Where the limit of this control group stands, from the text of `/proc/self/cgroup` (cgroups(7):
/// `number:controllers:path`; the unified hierarchy is number 0 without controllers).
fn pids_file(groups: &str) -> Option<String> {
    let mut unified = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let path = path.trim_end_matches('/');
        if controllers.split(',').any(|name| name == "pids") {
            return Some(format!("/sys/fs/cgroup/pids{path}/pids.max"));
        }
        if controllers.is_empty() {
            unified = Some(format!("/sys/fs/cgroup{path}/pids.max"));
        }
    }
    unified
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A server with 24 GiB and Debian 12's own settings.
    const DEBIAN_12: ResourceLimits = ResourceLimits {
        descriptors: Some(65_536),
        threads_max: Some(190_000),
        pid_max: Some(4_194_304),
        group_tasks: Some(32_768),
        mappings: Some(65_530),
        disk_bytes: Some(500 << 30),
    };

    /// The value of `key=` in a file of `deploy/`.
    fn set(text: &str, key: &str) -> Option<u64> {
        let mut lines = text.lines().filter_map(|line| line.split_once('='));
        let (_, value) = lines.find(|(name, _)| name.trim() == key)?;
        number(value)
    }

    #[test]
    fn the_unit_and_the_sysctl_file_have_room_for_the_whole_site() {
        let unit = include_str!("../../deploy/parapet.service");
        let sysctl = include_str!("../../deploy/parapet.sysctl");
        let limits = ResourceLimits {
            descriptors: set(unit, "LimitNOFILE"),
            group_tasks: set(unit, "TasksMax"),
            mappings: set(sysctl, "vm.max_map_count"),
            ..DEBIAN_12
        };
        assert!(limits.descriptors.is_some() && limits.group_tasks.is_some());
        assert!(limits.mappings > DEBIAN_12.mappings);
        assert_eq!(
            insufficient(1_042, &limits, Path::new("/var/lib/parapet")),
            []
        );
    }

    #[test]
    fn a_shell_has_too_few_descriptors_and_the_words_say_where_to_raise_them() {
        let limits = ResourceLimits {
            descriptors: Some(1_024),
            mappings: Some(30_000),
            disk_bytes: Some(100 << 20),
            ..DEBIAN_12
        };
        let found = insufficient(1_042, &limits, Path::new("/srv/parapet"));
        let words: Vec<&str> = found.iter().map(|found| found.words.as_str()).collect();
        assert_eq!(words.len(), 3, "{words:?}");
        assert!(words[0].contains("LimitNOFILE=") && words[0].contains("the limit is 1024"));
        assert!(words[1].contains("vm.max_map_count in /etc/sysctl.d/60-parapet.conf"));
        assert!(words[2].contains("/srv/parapet has 100 MiB free"));
        let grave: Vec<bool> = found.iter().map(|found| found.grave).collect();
        assert_eq!(grave, [true, false, true]);
        assert_eq!(insufficient(8, &limits, Path::new("/srv/parapet")).len(), 1);
    }

    #[test]
    fn this_machine_can_be_looked_at() {
        let limits = look(Path::new("/var/lib/no/such/folder"));
        assert!(limits.descriptors.is_some_and(|limit| limit > 0));
        assert!(
            limits.threads_max.is_some() && limits.pid_max.is_some() && limits.mappings.is_some()
        );
        assert!(limits.disk_bytes.is_some());
    }

    #[test]
    fn the_control_group_is_found_in_both_hierarchies() {
        let unified = "0::/system.slice/parapet.service\n";
        let legacy = "9:memory:/a\n7:pids:/system.slice/parapet.service\n0::/b\n";
        let expected = "/system.slice/parapet.service/pids.max";
        assert_eq!(
            pids_file(unified),
            Some(format!("/sys/fs/cgroup{expected}"))
        );
        assert_eq!(
            pids_file(legacy),
            Some(format!("/sys/fs/cgroup/pids{expected}"))
        );
        assert_eq!(pids_file(""), None);
        assert_eq!(number("max\n"), None);
    }

    proptest! {
        #[test]
        fn more_cameras_never_need_less(
            few in 0..2_000_usize,
            more in 0..2_000_usize,
            limit in 0..100_000_u64,
        ) {
            let limits = ResourceLimits {
                descriptors: Some(limit),
                threads_max: Some(limit),
                ..ResourceLimits::default()
            };
            let count = |cameras| insufficient(cameras, &limits, Path::new("/")).len();
            prop_assert!(count(few) <= count(few + more));
        }
    }
}
