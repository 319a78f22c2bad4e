//! Floor 0: what everything else stands on. Nothing here knows of cameras.

pub mod allocator;
pub mod backoff;
pub mod clock;
pub mod locks;
pub mod metrics;
pub mod pulse;
pub mod slot;
pub mod tasks;
