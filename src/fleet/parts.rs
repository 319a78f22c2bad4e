//! What a fleet stands on.

use std::sync::Arc;

use super::emitted::AnalysedSink;
use crate::base::clock::{CpuMeter, SharedClock};
use crate::base::metrics::Metrics;
use crate::config::types::GovernorConfig;
use crate::infer::InferencePool;
use crate::ingest::Source;

/// What the fleet stands on.
pub struct FleetParts {
    /// Opens cameras.
    pub source: Arc<dyn Source>,
    /// Looks at pictures.
    pub pool: Arc<InferencePool>,
    /// Tells the time.
    pub clock: SharedClock,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Sees what was analysed, where somebody wants to.
    pub analysed: Option<AnalysedSink>,
    /// Who gets less when there is not enough for all; none where every frame is to be looked at,
    /// however long it takes.
    pub governor: Option<GovernorParts>,
}

/// What the governor needs besides the fleet.
#[derive(Clone)]
pub struct GovernorParts {
    /// Its settings.
    pub config: GovernorConfig,
    /// Says how much processor time the process has used.
    pub cpu: CpuMeter,
}
