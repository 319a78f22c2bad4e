//! What the work on pictures costs, in processor time of the threads that do it.
//!
//! Unlike the latency histograms these do not grow while a thread waits for a core, so that they
//! say the same on a busy machine as on an idle one. What stands in no stage here (the network,
//! parsing, the gate, the journal, the API) is told apart by the names of the threads; see
//! `parapet bench fleet`.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};

use super::labels::Labels;

/// Seconds of processor time that only grow.
#[derive(Clone, Debug, Default)]
pub struct CpuSeconds(Counter<f64, AtomicU64>);

impl CpuSeconds {
    /// Adds what a piece of work took.
    pub fn add(&self, spent: Duration) {
        self.0.inc_by(spent.as_secs_f64());
    }

    /// All of it, in seconds.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.0.get()
    }
}

/// `parapet_cpu_seconds_total` by `stage`, over all cameras.
#[derive(Clone, Debug, Default)]
pub struct CpuMetrics {
    /// `decode`: a coded picture in, a picture out, where the decoder works on its caller's thread.
    pub decode: CpuSeconds,
    /// `preprocess`: planes to tensor.
    pub preprocess: CpuSeconds,
    /// `inference`: the engine, on the worker's own thread.
    pub inference: CpuSeconds,
    /// `heads`: outputs to boxes, with NMS.
    pub heads: CpuSeconds,
    /// `analyse`: tracker and rules.
    pub analyse: CpuSeconds,
}

impl CpuMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let family = Family::<Labels, Counter<f64, AtomicU64>>::default();
        let help = "Processor time of the work on pictures, by stage";
        registry.register_with_unit("cpu", help, Unit::Seconds, family.clone());
        let stage = |name: &str| {
            let labels = vec![("stage", name.to_owned())];
            CpuSeconds(family.get_or_create(&labels).clone())
        };
        Self {
            decode: stage("decode"),
            preprocess: stage("preprocess"),
            inference: stage("inference"),
            heads: stage("heads"),
            analyse: stage("analyse"),
        }
    }
}
