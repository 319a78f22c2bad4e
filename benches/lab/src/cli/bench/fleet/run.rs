//! One run: the processes, the cameras' coming and going, looking and listening.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::clips::Place;
use super::gaps::Gaps;
use super::outcome::{Moment, Outcome, Phase, PlaceReport, Seen, levels};
use super::probe::Snapshot;
use super::script::{self, Camera, Heard, Owed, Visit};
use super::setup::{config_text, head, places, priority, promise, server_tables};
use super::threads::{Usage, machine};
use super::{FleetKind, Mode};
use crate::cli::bench::processes::{DaemonProcess, ServerProcess, free_port};
use parapet::api::client::Client;
use parapet::base::clock::{SharedClock, SystemClock};
use parapet::base::tasks::TaskSet;
use parapet::model::event::Phase as EventPhase;
use parapet_sim::server::{Cameras, Command};

/// From one look at the daemon's metrics to the next.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Cameras that are added or taken away have so many seconds to be all streaming, or gone.
const JOIN_LIMIT: u64 = 60;
/// This share of the cameras must sleep for the fleet to be settled: something always moves.
const SETTLED_SHARE: f64 = 0.97;

/// So many cameras for so long.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    pub(super) name: &'static str,
    pub(super) cameras: usize,
    pub(super) seconds: f64,
}

/// Runs a fleet through its stretches.
///
/// # Errors
/// When a process does not start or the clips cannot be made.
pub(super) async fn measure(kind: &FleetKind, stretches: &[Stretch]) -> anyhow::Result<Outcome> {
    let chosen = kind.clone();
    let places = tokio::task::spawn_blocking(move || places(&chosen)).await??;
    let most = stretches.iter().map(|it| it.cameras).max().unwrap_or(1);
    let mut fleet = Fleet::start(kind, places, most, stretches[0].cameras).await?;
    let sleeps = kind.mode == Mode::Watch;
    let settled_seconds = fleet
        .settle(kind.warm_up, stretches[0].cameras, sleeps)
        .await?;
    let mut phases = Vec::new();
    let mut broken = Vec::new();
    let promise = promise(kind);
    for (number, stretch) in stretches.iter().enumerate() {
        if number > 0 {
            fleet.resize(stretch.cameras)?;
            let cameras = stretch.cameras;
            if let Some(seconds) = fleet.settle(JOIN_LIMIT, cameras, false).await? {
                eprintln!("{cameras} cameras after {seconds:.0} s");
            }
        }
        let phase = fleet.phase(kind, stretch).await?;
        broken.extend(phase.broken(&promise).into_iter().map(|word| {
            if stretch.name.is_empty() {
                word
            } else {
                format!("{}: {word}", stretch.name)
            }
        }));
        phases.push(phase);
    }
    let stopped_cleanly = fleet.stop().await?;
    Ok(Outcome {
        mode: kind.mode.name(),
        model: kind.model.display().to_string(),
        clips: fleet.places.iter().map(|it| it.name.clone()).collect(),
        seed: kind.seed,
        promise,
        settled_seconds,
        phases,
        broken,
        stopped_cleanly,
    })
}

/// The camera server, the daemon and its subscriber.
struct Fleet {
    folder: tempfile::TempDir,
    places: Vec<Place>,
    cameras: Vec<Camera>,
    /// Where in `cameras` an id stands.
    numbers: BTreeMap<String, usize>,
    server: ServerProcess,
    daemon: DaemonProcess,
    head: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    tasks: TaskSet,
    clock: SharedClock,
    random: fastrand::Rng,
}

impl Fleet {
    async fn start(
        kind: &FleetKind,
        places: Vec<Place>,
        most: usize,
        first: usize,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("parapet-fleet-")
            .tempdir()?;
        let cameras = script::cameras(&places, most);
        let tables = server_tables(&places, &cameras);
        let server = ServerProcess::start(folder.path(), &tables, most)?;
        let [api, ops] =
            [free_port()?, free_port()?].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let head = head(kind, folder.path(), [api, ops])?;
        let config = folder.path().join("parapet.toml");
        let begin = kind.ramp.map_or(first, |step| first.min(step as usize));
        std::fs::write(
            &config,
            config_text(&head, &places, &cameras, begin, &server.url),
        )?;
        let daemon = DaemonProcess::start(folder.path(), &config, ops).await?;
        let ids = cameras.iter().map(|camera| camera.id.clone());
        let mut fleet = Self {
            folder,
            numbers: ids.zip(0..).collect(),
            places,
            cameras,
            server,
            daemon,
            head,
            heard: Arc::default(),
            tasks: TaskSet::under(&CancellationToken::new()),
            clock: SystemClock::shared(),
            random: fastrand::Rng::with_seed(kind.seed),
        };
        fleet.listen(api).await?;
        if let Some(step) = kind.ramp {
            let mut reached = begin;
            while reached < first {
                tokio::time::sleep(Duration::from_secs(1)).await;
                reached = (reached + step as usize).min(first);
                fleet.resize(reached)?;
            }
        }
        Ok(fleet)
    }

    /// Follows the daemon's events like any subscriber.
    async fn listen(&mut self, api: SocketAddr) -> anyhow::Result<()> {
        let mut client = Client::connect(&format!("http://{api}")).await?;
        let mut events = client.subscribe_after(0).await?;
        let (heard, clock) = (Arc::clone(&self.heard), Arc::clone(&self.clock));
        self.tasks.spawn("fleet subscriber", async move {
            while let Some(Ok(record)) = events.next().await {
                if record.event.phase == EventPhase::Started {
                    heard.lock().push(Heard {
                        camera: record.event.camera.to_string(),
                        kind: record.event.kind,
                        received: clock.utc_micros(),
                    });
                }
            }
        });
        Ok(())
    }

    /// The daemon gets the first so many cameras.
    fn resize(&self, cameras: usize) -> anyhow::Result<()> {
        let text = config_text(
            &self.head,
            &self.places,
            &self.cameras,
            cameras,
            &self.server.url,
        );
        let config = self.folder.path().join("parapet.toml");
        // Whole or not at all: the daemon may read at any time.
        let beside = config.with_extension("new");
        std::fs::write(&beside, text)?;
        std::fs::rename(&beside, &config)?;
        self.daemon.reload()
    }

    /// Waits until so many cameras stream and, if `sleeping`, sleep; how long that took, or none
    /// where it was not reached in time.
    async fn settle(
        &self,
        limit_seconds: u64,
        cameras: usize,
        sleeping: bool,
    ) -> anyhow::Result<Option<f64>> {
        let begun = self.clock.now();
        let mut told = 0;
        loop {
            let seconds = self.clock.now().since(begun).as_secs();
            let now = self.look().await?;
            let (streaming, asleep) = (now.streaming(), now.asleep());
            let wanted = (cameras as f64 * SETTLED_SHARE) as usize;
            if streaming == cameras && (!sleeping || asleep >= wanted) {
                return Ok(Some(self.clock.now().since(begun).as_secs_f64()));
            }
            if seconds >= told + 10 {
                told = seconds;
                eprintln!("{seconds:>4} s: {streaming} of {cameras} stream, {asleep} sleep");
            }
            if seconds >= limit_seconds {
                return Ok(None);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// The daemon's metrics.
    async fn look(&self) -> anyhow::Result<Snapshot> {
        match self.daemon.get("metrics").await {
            Ok(text) => Ok(Snapshot::parse(&text)),
            Err(error) => {
                let words = self.daemon.last_words();
                anyhow::bail!("the daemon does not answer ({error}); its last words: {words}")
            }
        }
    }

    async fn moment(&self) -> anyhow::Result<Moment> {
        let metrics = self.look().await?;
        let served = self.server.report().await?;
        Ok(Moment {
            seconds: self.clock.now().0.as_secs_f64(),
            metrics,
            daemon: Usage::of(self.daemon.id())?,
            server: Usage::of(self.server.id())?,
            bench: Usage::of(std::process::id())?,
            machine: machine()?,
            frames_sent: served.frames,
            frames_skipped: served.cameras.iter().map(|it| it.frames_skipped).sum(),
        })
    }

    /// Measures one stretch.
    async fn phase(&mut self, kind: &FleetKind, stretch: &Stretch) -> anyhow::Result<Phase> {
        let length = Duration::from_secs_f64(stretch.seconds);
        let cameras = &self.cameras[..stretch.cameras];
        let count = (kind.intrusions, length);
        let visits = script::plan(&self.places, cameras, count, &mut self.random);
        let begun_utc = self.clock.utc_micros();
        self.heard.lock().clear();
        let before = self.moment().await?;
        let mut watched = self.watch(stretch.cameras, &visits, length).await?;
        let after = self.moment().await?;
        for place in &mut watched.governor.places {
            place.levels = levels(&after.metrics, |camera| {
                self.place_of(camera, stretch.cameras) == Some(&place.name)
            });
        }
        let owed = self.owed(&visits, begun_utc).await?;
        let heard = self.heard.lock().clone();
        let seen = Seen {
            events: script::judge(&owed, &heard),
            ..watched
        };
        let name = (stretch.name, stretch.cameras);
        Ok(Phase::between(name, &before, &after, seen))
    }

    /// Looks at the metrics and sends the visitors until the time is over.
    async fn watch(
        &self,
        cameras: usize,
        visits: &[Visit],
        length: Duration,
    ) -> anyhow::Result<Seen> {
        let mut gaps = Gaps::default();
        let mut by_place: BTreeMap<&str, Gaps> = BTreeMap::new();
        let mut watched = Seen {
            connected_least: usize::MAX,
            ..Seen::default()
        };
        let begun = self.clock.now();
        let mut visits = visits.iter().peekable();
        let mut next_look = Duration::ZERO;
        loop {
            let now = self.clock.now().since(begun);
            if now >= length {
                watched.gaps = gaps.report(now);
                let places = self.places.iter().enumerate();
                watched.governor.places = places
                    .filter_map(|(number, place)| {
                        let gaps = by_place.get(place.name.as_str())?;
                        Some(PlaceReport {
                            name: place.name.clone(),
                            priority: priority(number),
                            levels: Vec::new(),
                            gaps: gaps.report(now).all,
                        })
                    })
                    .collect();
                return Ok(watched);
            }
            if now >= next_look {
                next_look = now + LOOK_EVERY;
                let seen = self.look().await?;
                let now = self.clock.now().since(begun);
                for (camera, values) in &seen.cameras {
                    if let Some(place) = self.place_of(camera, cameras) {
                        let read = |name| values.get(name).copied().unwrap_or(0.0);
                        let analysed = read("frames_analysed_total") as u64;
                        let gap = read("analysis_gap_seconds");
                        for gaps in [&mut gaps, by_place.entry(place).or_default()] {
                            gaps.look(camera, now, analysed, gap);
                        }
                    }
                }
                let least = &mut watched.connected_least;
                *least = (*least).min(seen.streaming());
                let unkept = &mut watched.governor.unkept_most;
                *unkept = (*unkept).max(seen.count("coverage_kept", 0.0));
            }
            while let Some(visit) = visits.next_if(|visit| visit.at <= now) {
                self.send(visit).await?;
            }
            let next = visits
                .peek()
                .map_or(length, |visit| visit.at)
                .min(next_look)
                .min(length);
            let now = self.clock.now().since(begun);
            tokio::time::sleep(next.saturating_sub(now).max(Duration::from_millis(5))).await;
        }
    }

    /// The place of one of the first so many cameras.
    fn place_of(&self, camera: &str, cameras: usize) -> Option<&str> {
        let number = *self.numbers.get(camera)?;
        (number < cameras).then(|| self.places[self.cameras[number].place].name.as_str())
    }

    async fn send(&self, visit: &Visit) -> anyhow::Result<()> {
        let camera = &self.cameras[visit.camera];
        let Some(intrusion) = &self.places[camera.place].intrusion else {
            return Ok(());
        };
        let command = Command::Play {
            file: intrusion.clip.clone(),
            at: Cameras::named([&camera.id]),
        };
        self.server.command(&command).await.map(|_| ())
    }

    /// What the visits owe, from when the camera server showed them. One that nobody was shown is owed from
    /// the phase's begin on, where no word can stand for it.
    async fn owed(&self, visits: &[Visit], begun_utc: i64) -> anyhow::Result<Vec<Owed>> {
        let served = self.server.report().await?;
        let mut owed = Vec::new();
        for visit in visits {
            let camera = &self.cameras[visit.camera];
            let Some(intrusion) = &self.places[camera.place].intrusion else {
                continue;
            };
            let report = served.cameras.iter().find(|it| it.camera == camera.id);
            let shown = report
                .and_then(|it| it.played.iter().find(|at| **at >= begun_utc))
                .copied();
            for event in intrusion.owed() {
                let start = i64::try_from(event.start.as_micros())?;
                owed.push(Owed {
                    camera: camera.id.clone(),
                    kind: event.kind,
                    truth: shown.map_or(i64::MIN / 2, |at| at + start),
                });
            }
        }
        Ok(owed)
    }

    async fn stop(&mut self) -> anyhow::Result<bool> {
        let clean = self.daemon.stop().await?;
        self.server.stop().await;
        Ok(clean)
    }
}
