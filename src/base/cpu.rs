//! How much processor time this process uses, by a meter that can be replaced in tests.

use std::sync::Arc;
use std::time::Duration;

/// Says how much processor time the process has used since its start, over all its threads.
pub type CpuMeter = Arc<dyn Fn() -> Duration + Send + Sync>;

/// The operating system's account (`CLOCK_PROCESS_CPUTIME_ID`).
#[must_use]
pub fn process_cpu() -> CpuMeter {
    Arc::new(|| {
        let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let seconds = u64::try_from(used.tv_sec).unwrap_or(0);
        Duration::new(seconds, u32::try_from(used.tv_nsec).unwrap_or(0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::thread_cpu;

    #[test]
    fn work_of_a_thread_is_work_of_the_process() {
        let meter = process_cpu();
        let (before, own) = (meter(), thread_cpu());
        while thread_cpu() - own < Duration::from_millis(5) {
            std::hint::black_box((0..1_000_u64).sum::<u64>());
        }
        assert!(meter() - before >= Duration::from_millis(5));
    }
}
