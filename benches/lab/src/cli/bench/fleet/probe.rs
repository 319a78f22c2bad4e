//! What the daemon's `/metrics` say, as far as the bench asks. Pure.

use std::collections::BTreeMap;

/// Counters and gauges of one camera, by metric name without `parapet_`.
pub(super) type Values = BTreeMap<String, f64>;

/// One look at all metrics.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Snapshot {
    /// By camera.
    pub(super) cameras: BTreeMap<String, Values>,
    /// Processor seconds by stage.
    pub(super) cpu: Values,
    /// Wakes of all cameras, by reason.
    pub(super) wakes: Values,
    /// What has no camera: the rest, summed over its labels; no histograms' buckets.
    pub(super) whole: Values,
}

impl Snapshot {
    /// Reads the OpenMetrics text.
    pub(super) fn parse(text: &str) -> Self {
        let mut snapshot = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else {
                continue;
            };
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let Some(name) = name.strip_prefix("parapet_") else {
                continue;
            };
            let Ok(value) = value.parse::<f64>() else {
                continue;
            };
            if name.ends_with("_bucket") {
                continue;
            }
            if let Some(reason) = label(labels, "reason").filter(|_| name == "camera_wakes_total") {
                *snapshot.wakes.entry(reason.to_owned()).or_default() += value;
            }
            let values = match (label(labels, "camera"), label(labels, "stage")) {
                (Some(camera), _) => match snapshot.cameras.get_mut(camera) {
                    Some(known) => known,
                    None => snapshot.cameras.entry(camera.to_owned()).or_default(),
                },
                (None, Some(stage)) if name == "cpu_seconds_total" => {
                    snapshot.cpu.insert(stage.to_owned(), value);
                    continue;
                }
                _ => &mut snapshot.whole,
            };
            *values.entry(name.to_owned()).or_default() += value;
        }
        snapshot
    }

    /// A counter's sum over the cameras.
    pub(super) fn sum(&self, name: &str) -> f64 {
        let values = self.cameras.values();
        values.filter_map(|values| values.get(name)).sum()
    }

    /// Cameras that stream.
    pub(super) fn streaming(&self) -> usize {
        self.count("camera_state", 2.0)
    }

    /// Cameras that sleep.
    pub(super) fn asleep(&self) -> usize {
        self.count("camera_asleep", 1.0)
    }

    /// How many cameras have a gauge at this value.
    pub(super) fn count(&self, name: &str, wanted: f64) -> usize {
        let values = self.cameras.values();
        values
            .filter(|values| values.get(name) == Some(&wanted))
            .count()
    }
}

/// A label's value; ours hold no quotes.
fn label<'l>(labels: &'l str, name: &str) -> Option<&'l str> {
    labels
        .trim_end_matches('}')
        .split(',')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix("=\""))
        .map(|value| value.trim_end_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use parapet::base::metrics::Metrics;

    #[test]
    fn the_daemons_own_text_is_read_back() {
        let metrics = Metrics::new();
        let (yard, gate) = (metrics.camera("yard-1"), metrics.camera("gate"));
        yard.analysed.inc_by(7);
        yard.state.set(2);
        yard.gap_seconds.set(0.25);
        gate.watch.woke("stream");
        gate.watch.woke("picture");
        gate.analysed.inc();
        metrics
            .cpu
            .decode
            .add(std::time::Duration::from_millis(1_500));
        metrics.events_lost.inc_by(3);
        let seen = Snapshot::parse(&metrics.render());
        assert_eq!(seen.cameras.len(), 2);
        assert_eq!(seen.sum("frames_analysed_total"), 8.0);
        assert_eq!((seen.count("camera_state", 2.0), seen.streaming()), (1, 1));
        assert_eq!(seen.cameras["yard-1"]["analysis_gap_seconds"], 0.25);
        assert_eq!(seen.cameras["gate"]["camera_wakes_total"], 2.0);
        assert_eq!((seen.wakes["stream"], seen.wakes["picture"]), (1.0, 1.0));
        assert_eq!(seen.cpu["decode"], 1.5);
        assert_eq!(seen.whole["events_lost_total"], 3.0);
    }
}
