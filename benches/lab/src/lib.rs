//! What proves Parapet and is not in the daemon's package: a test authority, recordings through the
//! daemon's own pipeline with their scores, the worth of detectors and trackers, bench drivers and the
//! demo. Scenes and the camera server are the crate `parapet-sim`.
//!
//! ```text
//! 0 authority  certificates for tests
//!   mot        the MOTChallenge scorer
//!   pull       public detectors from where their makers publish them
//! 1 replay     files through the daemon's pipeline; scoring against expected events
//!   eval       what a detector is worth on pictures whose truth is known
//!   realism    how well real detectors find the simulator's figures
//! 2 cli        the commands of the binary
//! ```

pub mod authority;
pub mod cli;
pub mod eval;
pub mod mot;
pub mod pull;
pub mod realism;
pub mod replay;
