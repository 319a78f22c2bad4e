//! Time is injected. This is the only file that reads the machine's clocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A point on a clock that never goes back: the time since that clock's own start.
///
/// Values of two different clocks do not compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(pub Duration);

impl Monotonic {
    /// Time from `earlier` to `self`, zero where `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The point `delay` after this one.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self(self.0 + delay)
    }
}

/// Where the time comes from: the machine in production, a test's hand in tests.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Time since this clock's start; never goes back.
    fn now(&self) -> Monotonic;
    /// Microseconds since 1970-01-01T00:00:00Z; may jump when the machine's clock is set.
    fn utc_micros(&self) -> i64;
}

/// A shared clock.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's own clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock that starts now.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// A clock that starts now, shared.
    #[must_use]
    pub fn shared() -> SharedClock {
        Arc::new(Self::new())
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    fn now(&self) -> Monotonic {
        Monotonic(Instant::now().saturating_duration_since(self.start))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    fn utc_micros(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
        }
    }
}

/// Processor time that the calling thread has used so far: what a piece of work costs, whoever else
/// keeps the machine busy meanwhile.
#[must_use]
pub fn thread_cpu() -> Duration {
    time_of(rustix::time::ClockId::ThreadCPUTime)
}

/// Processor time that the whole process has used so far, its threads and the kernel's work for it.
#[must_use]
pub fn process_cpu() -> Duration {
    time_of(rustix::time::ClockId::ProcessCPUTime)
}

/// Time in which the calling thread could have run and did not, because others had the processor; zero
/// where the kernel keeps no account of it. Source: the second number of Linux' `schedstat`, nanoseconds
/// (Documentation/scheduler/sched-stats.rst).
#[must_use]
pub fn thread_delayed() -> Duration {
    // No heap: this is read on hot paths.
    let mut text = [0; 96];
    let read = std::fs::File::open("/proc/thread-self/schedstat")
        .and_then(|mut file| std::io::Read::read(&mut file, &mut text));
    let words = read.ok().and_then(|length| text.get(..length));
    let delayed = words
        .and_then(|text| std::str::from_utf8(text).ok())
        .and_then(|text| text.split_whitespace().nth(1)?.parse().ok());
    Duration::from_nanos(delayed.unwrap_or(0))
}

/// Says how much processor time the process has used: [`process_cpu`], or a test's own account.
pub type CpuMeter = Arc<dyn Fn() -> Duration + Send + Sync>;

fn time_of(clock: rustix::time::ClockId) -> Duration {
    let used = rustix::time::clock_gettime(clock);
    let seconds = u64::try_from(used.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(used.tv_nsec).unwrap_or(0))
}

/// A clock that moves only when it is told to; for tests and for replay.
#[derive(Debug, Default)]
pub struct ManualClock {
    monotonic_nanos: AtomicU64,
    utc_micros: AtomicI64,
}

impl ManualClock {
    /// A clock standing at `utc_micros` since 1970.
    #[must_use]
    pub fn at(utc_micros: i64) -> Arc<Self> {
        Arc::new(Self {
            monotonic_nanos: AtomicU64::new(0),
            utc_micros: AtomicI64::new(utc_micros),
        })
    }

    /// Moves both clocks forward.
    pub fn advance(&self, by: Duration) {
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.monotonic_nanos.fetch_add(nanos, Ordering::SeqCst);
        self.utc_micros.fetch_add(
            i64::try_from(nanos / 1_000).unwrap_or(i64::MAX),
            Ordering::SeqCst,
        );
    }

    /// Sets the wall clock alone, as an operator or NTP would.
    pub fn set_utc_micros(&self, utc_micros: i64) {
        self.utc_micros.store(utc_micros, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Monotonic {
        Monotonic(Duration::from_nanos(
            self.monotonic_nanos.load(Ordering::SeqCst),
        ))
    }

    fn utc_micros(&self) -> i64 {
        self.utc_micros.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_clock_never_goes_back() {
        let clock = SystemClock::new();
        let first = clock.now();
        assert!(clock.now() >= first);
        assert!(clock.utc_micros() > 1_700_000_000_000_000);
    }

    #[test]
    fn a_thread_that_sleeps_uses_no_processor_time() {
        let before = thread_cpu();
        std::thread::sleep(Duration::from_millis(30));
        let asleep = thread_cpu() - before;
        assert!(asleep < Duration::from_millis(20), "{asleep:?}");
        assert!(thread_cpu() > before);
        assert!(process_cpu() >= thread_cpu());
    }

    #[test]
    fn a_thread_that_shares_a_processor_is_delayed() {
        let threads = 3 * std::thread::available_parallelism().map_or(1, usize::from);
        let work = || {
            let (before, own) = (thread_delayed(), thread_cpu());
            while thread_cpu() - own < Duration::from_millis(60) {
                std::hint::black_box((0..1_000_u64).sum::<u64>());
            }
            thread_delayed() - before
        };
        let delayed: Duration = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("no panic"))
                .sum()
        });
        // A kernel without the account says zero.
        if std::path::Path::new("/proc/thread-self/schedstat").exists() {
            assert!(delayed > Duration::from_millis(60), "{delayed:?}");
        }
    }

    #[test]
    fn work_of_a_thread_is_work_of_the_process() {
        let (before, own) = (process_cpu(), thread_cpu());
        while thread_cpu() - own < Duration::from_millis(5) {
            std::hint::black_box((0..1_000_u64).sum::<u64>());
        }
        assert!(process_cpu() - before >= Duration::from_millis(5));
    }

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let clock = ManualClock::at(5);
        let before = clock.now();
        assert_eq!(clock.now(), before);
        clock.advance(Duration::from_millis(3));
        assert_eq!(clock.now().since(before), Duration::from_millis(3));
        assert_eq!(clock.utc_micros(), 3_005);
        clock.set_utc_micros(-1);
        assert_eq!(clock.now().since(before), Duration::from_millis(3));
        assert_eq!(clock.utc_micros(), -1);
    }
}
