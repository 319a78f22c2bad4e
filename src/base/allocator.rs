//! How glibc's allocator keeps what is freed: left to itself, a daemon whose cameras come and go
//! grows for hours though nothing leaks.
//!
//! Each reconnecting camera ends a handful of threads and starts as many, and a new thread takes
//! whichever of glibc's arenas (eight a core) is free, where it has no use of what the last one
//! left in another. And once a frame was freed, glibc carves later frames of that size out of its
//! heaps, whose ends then seldom come free. So: two arenas for the process, and frames always in
//! mappings of their own, which go back when they are freed.
//!
//! Measured with `parapet bench soak --cameras 40 --faults-per-minute 240` over the minutes 1 to 4:
//! 224 to 253 MiB by default, 187 to 205 with two arenas, 143 to 155 and flat with both.

/// Arenas of the whole process: what is allocated often is small and quick, so nobody queues.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const ARENAS: libc::c_int = 2;

/// Bytes from which an allocation is a mapping of its own; glibc's default, but kept from rising.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAPPED: libc::c_int = 128 * 1024;

/// Tells glibc, unless its environment variables do; to be called before any thread is started.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "mallopt(3) is the only way to say it from inside"
)]
pub fn configure() {
    let says = |name: &str| std::env::var_os(name).is_some();
    for (name, parameter, value) in [
        ("MALLOC_ARENA_MAX", libc::M_ARENA_MAX, ARENAS),
        ("MALLOC_MMAP_THRESHOLD_", libc::M_MMAP_THRESHOLD, MAPPED),
    ] {
        if !says(name) {
            // SAFETY: takes two integers and no pointer, and the process has one thread yet. It
            // can only refuse, and then everything works as before.
            unsafe { libc::mallopt(parameter, value) };
        }
    }
}

/// Other allocators have no such settings.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn configure() {}
