//! Floor 2: configuration. Text ▸ check (all errors at once, with file and line) ▸ [`Config`] ▸ diff.

pub mod secret;
pub mod types;

pub use types::Config;
