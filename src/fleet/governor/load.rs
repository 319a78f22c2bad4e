//! What there is too little of: loads by resource, each as a share of all that there is.

/// What was measured since the last time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in super::super) struct Load {
    /// Processor time used, as a share of the budget.
    pub(in super::super) cpu: f64,
    /// Frames offered to inference, as a share of those that it can look at.
    pub(in super::super) inference: f64,
    /// How long coded pictures of awake cameras wait for a decoder, as a share of what is bearable, or
    /// how many probes of sleeping ones are asked for, as a share of those that can be taken.
    pub(in super::super) decoding: f64,
}

impl Load {
    /// The scarcest resource decides.
    pub(super) fn pressure(self) -> f64 {
        let most = self.cpu.max(self.inference).max(self.decoding);
        if most.is_finite() { most } else { 0.0 }
    }
}

/// What inference did between two evaluations; frames of live cameras.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) struct Inference {
    /// The workers' time in batches, as a share of their time.
    pub(in super::super) busy: f64,
    /// Frames looked at.
    pub(in super::super) analysed: u64,
    /// Frames that were wanted and not looked at: replaced by newer ones or too old.
    pub(in super::super) missed: u64,
}

impl Inference {
    /// Demand over capacity. While all frames are looked at that is how busy the workers are;
    /// a worker that is busy all the time and misses as many as it looks at is asked for twice
    /// what it can do. One that misses many although it is not busy has not enough of the processor.
    pub(in super::super) fn load(self) -> f64 {
        let work = self.busy * (1.0 + self.missed as f64 / self.analysed.max(1) as f64);
        work.max(demand(self.analysed, self.missed))
    }
}

/// So much of what is asked for may be missed: the next picture comes soon.
const MAX_MISSED: f64 = 0.05;
/// Of fewer than this, one that is missed tells nothing.
const MIN_SAMPLES: u64 = 40;

/// What is asked for, as a share of what can be had, by what was had of it: below [`MAX_MISSED`] of
/// that, above it as far as what was had tells.
pub(in super::super) fn demand(had: u64, missed: u64) -> f64 {
    let share = missed as f64 / (had + missed).max(MIN_SAMPLES) as f64;
    if share <= MAX_MISSED {
        share / MAX_MISSED
    } else {
        1.0 / (1.0 + MAX_MISSED - share)
    }
}
