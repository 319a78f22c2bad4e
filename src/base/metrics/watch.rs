//! What watch mode does, by camera.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::Labels;

/// The metrics of one camera in watch mode; in always mode they stay at zero.
#[derive(Clone, Debug)]
pub struct WatchMetrics {
    /// `parapet_camera_asleep`: 1 while only keyframes are decoded.
    pub asleep: Gauge,
    /// `parapet_pictures_undecoded_total`: coded pictures that went by undecoded.
    pub undecoded: Counter,
    /// `parapet_frames_unused_total`: decoded to be compared, or for the sake of those after them.
    pub unused: Counter,
    /// `parapet_frames_probed_total`: pictures of a sleeping camera that the detector was given.
    pub probed: Counter,
    /// `parapet_gop_spills_total`: groups of pictures that did not fit and were decoded instead.
    pub spills: Counter,
    /// `parapet_probes_taken_total`: probes of a sleeping camera that had waited for a decoder and took
    /// place.
    pub probes_taken: Counter,
    /// `parapet_probes_deferred_total`: likewise, and nobody had the time until the next keyframe came.
    pub probes_deferred: Counter,
    /// `parapet_pictures_late_total`: pictures of an awake camera that went by undecoded because it
    /// had fallen behind.
    pub late: Counter,
    wakes: Family<Labels, Counter>,
    camera: String,
}

impl WatchMetrics {
    /// Counts a wake: `parapet_camera_wakes_total` by `reason`.
    pub fn woke(&self, reason: &str) {
        self.wakes
            .get_or_create(&labels(&self.camera, reason))
            .inc();
    }

    /// How often it woke for this reason.
    #[must_use]
    pub fn wakes(&self, reason: &str) -> u64 {
        let labels = labels(&self.camera, reason);
        self.wakes.get(&labels).map_or(0, |count| count.get())
    }
}

fn labels(camera: &str, reason: &str) -> Labels {
    vec![("camera", camera.to_owned()), ("reason", reason.to_owned())]
}

/// The families that the cameras' series belong to.
#[derive(Debug, Default)]
pub(super) struct WatchFamilies {
    asleep: Family<Labels, Gauge>,
    undecoded: Family<Labels, Counter>,
    unused: Family<Labels, Counter>,
    probed: Family<Labels, Counter>,
    spills: Family<Labels, Counter>,
    probes_taken: Family<Labels, Counter>,
    probes_deferred: Family<Labels, Counter>,
    late: Family<Labels, Counter>,
    wakes: Family<Labels, Counter>,
}

/// The values of `reason`; a removed camera's series are found by them.
const REASONS: [&str; 6] = [
    "start",
    "stream",
    "picture",
    "detector",
    "discontinuity",
    "load_recovered",
];

impl WatchFamilies {
    pub(super) fn register(r: &mut Registry) -> Self {
        let all = Self::default();
        let asleep = "1 while only keyframes are decoded";
        r.register("camera_asleep", asleep, all.asleep.clone());
        for (name, help, family) in [
            (
                "pictures_undecoded",
                "Coded pictures that went by undecoded",
                &all.undecoded,
            ),
            (
                "frames_unused",
                "Frames decoded to be compared or for those after them",
                &all.unused,
            ),
            (
                "frames_probed",
                "Frames of a sleeping camera that the detector was given",
                &all.probed,
            ),
            (
                "gop_spills",
                "Groups of pictures too large to hold, decoded instead",
                &all.spills,
            ),
            (
                "probes_taken",
                "Probes of a sleeping camera that had waited for a decoder and took place",
                &all.probes_taken,
            ),
            (
                "probes_deferred",
                "Probes of a sleeping camera that nobody had the time for",
                &all.probes_deferred,
            ),
            (
                "pictures_late",
                "Pictures of an awake camera undecoded because it had fallen behind",
                &all.late,
            ),
            ("camera_wakes", "Wakes by reason", &all.wakes),
        ] {
            r.register(name, help, family.clone());
        }
        all
    }

    pub(super) fn camera(&self, camera: &str) -> WatchMetrics {
        let labels = vec![("camera", camera.to_owned())];
        WatchMetrics {
            asleep: self.asleep.get_or_create(&labels).clone(),
            undecoded: self.undecoded.get_or_create(&labels).clone(),
            unused: self.unused.get_or_create(&labels).clone(),
            probed: self.probed.get_or_create(&labels).clone(),
            spills: self.spills.get_or_create(&labels).clone(),
            probes_taken: self.probes_taken.get_or_create(&labels).clone(),
            probes_deferred: self.probes_deferred.get_or_create(&labels).clone(),
            late: self.late.get_or_create(&labels).clone(),
            wakes: self.wakes.clone(),
            camera: camera.to_owned(),
        }
    }

    pub(super) fn forget(&self, camera: &str) {
        let own = vec![("camera", camera.to_owned())];
        self.asleep.remove(&own);
        let by_camera = [
            &self.undecoded,
            &self.unused,
            &self.probed,
            &self.spills,
            &self.probes_taken,
            &self.probes_deferred,
            &self.late,
        ];
        for family in by_camera {
            family.remove(&own);
        }
        for reason in REASONS {
            self.wakes.remove(&labels(camera, reason));
        }
    }
}
