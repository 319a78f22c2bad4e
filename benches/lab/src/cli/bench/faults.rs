//! `parapet bench faults`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args as ClapArgs;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::judge::{
    BACK_SECONDS, Look, OTHERS_LOST, Row, STORM_SECONDS, Shown, Span, judge, order_problems, row,
};
use super::stage::Stage;
use super::table::{Others, Table, tell};
use crate::cli::logging;
use parapet::api::client::Client;
use parapet::app::App;
use parapet::base::clock::{SharedClock, SystemClock};
use parapet::base::tasks::TaskSet;
use parapet::model::camera::CameraState;
use parapet::model::event::Record;
use parapet_sim::server::{
    Cameras, Command, Fault, Report, RtspServer, ServedCamera, ServerConfig, ServerHandle,
    spread_start,
};

/// Every fault of the table.
const ALL: &str = "drop,stall,refuse,not-found,mute,garbage,corrupt,codec,resolution,freeze,\
                   backwards,jitter=300,loss=1,loss=5,loss=20,clock=3600,clock=-3600";
/// From one look at the cameras to the next.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// All cameras must stream within this before anything is broken.
const START_TIMEOUT: Duration = Duration::from_secs(180);
/// How much longer than its limit a camera is waited for.
const EXTRA: Duration = Duration::from_secs(10);

#[derive(Debug, ClapArgs)]
pub(super) struct FaultsArgs {
    /// How many cameras.
    #[arg(long, default_value_t = 100, value_name = "N")]
    cameras: usize,
    /// Which faults, separated by commas; at most half of the cameras get one each at a time.
    #[arg(long, default_value = ALL, value_name = "FAULTS", value_delimiter = ',')]
    faults: Vec<Fault>,
    /// How long each lasts.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    seconds: u64,
    /// How long all cameras are gone in the reboot storm.
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    storm_seconds: u64,
    /// What receives the cameras; by default the built-in one.
    #[arg(long, value_parser = ["retina", "gstreamer"], value_name = "CLIENT")]
    client: Option<String>,
    /// Print the table as JSON.
    #[arg(long)]
    json: bool,
    /// Also write every event that was told to this file, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
}

/// The daemon under test and its camera server.
struct Trial {
    app: App,
    server: ServerHandle,
    clock: SharedClock,
    records: Arc<Mutex<Vec<Record>>>,
    looks: BTreeMap<String, Vec<Look>>,
}

fn mount(number: usize) -> String {
    format!("camera-{number}")
}

pub(super) async fn run(args: FaultsArgs) -> anyhow::Result<bool> {
    anyhow::ensure!(
        (2..=2_000).contains(&args.cameras),
        "--cameras must be 2 to 2000"
    );
    logging::quiet()?;
    let count = args.cameras;
    let client = args.client.clone();
    let (stage, server) = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
        let stage = Stage::new()?.with_client(client);
        let server = RtspServer::start(ServerConfig {
            cameras: (1..=count).map(|number| camera(&stage, number)).collect(),
            stand_ins: true,
            ..ServerConfig::default()
        })?;
        Ok((stage, server))
    })
    .await??;
    let clock = SystemClock::shared();
    let cameras: Vec<_> = (1..=count)
        .map(|number| (mount(number), server.url(&mount(number))))
        .collect();
    let app = App::start(stage.config(&cameras)?, Stage::ports(&clock)?).await?;
    let mut tasks = TaskSet::under(&CancellationToken::new());
    let records = follow(&app, &mut tasks).await?;
    let mut trial = Trial {
        app,
        server: server.handle(),
        clock,
        records,
        looks: BTreeMap::new(),
    };
    let table = trial.run(&args).await?;
    if let Some(path) = &args.events {
        let lines: Result<String, _> = trial
            .records
            .lock()
            .iter()
            .map(|record| serde_json::to_string(&record.event).map(|line| line + "\n"))
            .collect();
        std::fs::write(path, lines?).with_context(|| format!("{}", path.display()))?;
    }
    let clean = trial.app.stop().await;
    tasks.stop(Duration::from_secs(1)).await;
    tokio::task::spawn_blocking(move || server.stop()).await?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&table)?);
    } else {
        tell(&table);
    }
    anyhow::ensure!(clean, "the daemon did not stop cleanly");
    Ok(table.kept)
}

fn camera(stage: &Stage, number: usize) -> ServedCamera {
    ServedCamera {
        mount: mount(number),
        file: stage.clip.clone(),
        start: spread_start(number),
        ..ServedCamera::default()
    }
}

/// Keeps every event that the daemon's own API tells.
async fn follow(app: &App, tasks: &mut TaskSet) -> anyhow::Result<Arc<Mutex<Vec<Record>>>> {
    let mut client = Client::connect(&format!("http://{}", app.api_address())).await?;
    let mut events = client.subscribe_after(0).await?;
    let records = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&records);
    tasks.spawn("bench subscriber", async move {
        while let Some(Ok(record)) = events.next().await {
            kept.lock().push(record);
        }
    });
    Ok(records)
}

impl Trial {
    async fn run(&mut self, args: &FaultsArgs) -> anyhow::Result<Table> {
        let all_stream = self
            .until(START_TIMEOUT, |trial| trial.streaming() == args.cameras)
            .await;
        anyhow::ensure!(
            all_stream,
            "only {} of {} cameras stream after {START_TIMEOUT:?}",
            self.streaming(),
            args.cameras
        );
        eprintln!(
            "{} cameras stream; {} faults, one after the other's camera",
            args.cameras,
            args.faults.len()
        );
        // Sender reports and trackers settle.
        self.look_for(Duration::from_secs(3)).await;
        let (mut rows, mut others) = (Vec::new(), Others::default());
        let room = (args.cameras / 2).max(1);
        for faults in args.faults.chunks(room) {
            let each = (room / faults.len()).clamp(1, 2);
            let (some, rest) = self.round(faults, each, args).await?;
            rows.extend(some);
            others.add(&rest);
        }
        let storm = self.storm(args).await?;
        let records = self.records.lock();
        let order_problems = order_problems(&records);
        let kept = storm.missed.is_empty()
            && rows.iter().all(|row| row.missed.is_empty())
            && others.lost_share <= OTHERS_LOST
            && others.outages == 0
            && order_problems.is_empty();
        Ok(Table {
            cameras: args.cameras,
            fault_seconds: args.seconds,
            rows,
            storm,
            others,
            events: records.len(),
            order_problems,
            kept,
        })
    }

    /// Breaks cameras, `each` per fault, mends them, and waits until they are back.
    async fn round(
        &mut self,
        faults: &[Fault],
        each: usize,
        args: &FaultsArgs,
    ) -> anyhow::Result<(Vec<Row>, Others)> {
        let victims: Vec<(Fault, Vec<String>)> = faults
            .iter()
            .enumerate()
            .map(|(place, fault)| {
                let first = place * each + 1;
                (*fault, (first..first + each).map(mount).collect())
            })
            .collect();
        let broken = faults.len() * each;
        let healthy: Vec<_> = (broken + 1..=args.cameras).map(mount).collect();
        self.looks.clear();
        self.look();
        let before = self.healthy(&healthy).await?;
        let from = self.clock.utc_micros();
        for (fault, cameras) in &victims {
            self.command(Command::Fault {
                fault: *fault,
                at: Cameras::named(cameras.iter().cloned()),
                for_seconds: None,
            })
            .await?;
        }
        self.look_for(Duration::from_secs(args.seconds)).await;
        self.command(Command::Clear {
            at: Cameras::default(),
        })
        .await?;
        let to = self.clock.utc_micros();
        let patience = Duration::from_secs_f64(BACK_SECONDS) + EXTRA;
        let names: Vec<_> = victims
            .iter()
            .flat_map(|(_, names)| names.clone())
            .collect();
        self.until(patience, |trial| {
            names.iter().all(|name| trial.is_back(name, to))
        })
        .await;
        // The word that a camera is back is given when it has streamed for a while.
        self.look_for(Duration::from_secs(4)).await;
        let after = self.healthy(&healthy).await?;
        let end = self.clock.utc_micros();
        let rows = victims
            .iter()
            .map(|(fault, cameras)| {
                // A hang-up is over at once.
                let to = if *fault == Fault::Drop { from } else { to };
                let span = Span {
                    from_micros: from,
                    to_micros: to,
                    end_micros: end,
                };
                let shown: Vec<_> = cameras.iter().map(|name| self.judge(name, span)).collect();
                row(*fault, &shown, BACK_SECONDS)
            })
            .collect();
        Ok((rows, Others::between(&before, &after)))
    }

    /// Reboots every camera at once.
    async fn storm(&mut self, args: &FaultsArgs) -> anyhow::Result<Row> {
        let fault = Fault::Reboot {
            seconds: args.storm_seconds as f32,
        };
        self.looks.clear();
        self.look();
        let from = self.clock.utc_micros();
        self.command(Command::Fault {
            fault,
            at: Cameras::default(),
            for_seconds: None,
        })
        .await?;
        self.look_for(Duration::from_secs(args.storm_seconds)).await;
        let to = from + i64::try_from(args.storm_seconds * 1_000_000)?;
        let names: Vec<_> = (1..=args.cameras).map(mount).collect();
        let patience = Duration::from_secs_f64(STORM_SECONDS) + EXTRA;
        self.until(patience, |trial| {
            names.iter().all(|name| trial.is_back(name, to))
        })
        .await;
        self.look_for(Duration::from_secs(4)).await;
        let span = Span {
            from_micros: from,
            to_micros: to,
            end_micros: self.clock.utc_micros(),
        };
        let shown: Vec<_> = names.iter().map(|name| self.judge(name, span)).collect();
        Ok(row(fault, &shown, STORM_SECONDS))
    }

    async fn command(&self, command: Command) -> anyhow::Result<Option<Box<Report>>> {
        let reply = self.server.command(command).await;
        match reply.error {
            Some(error) => anyhow::bail!("the camera server refuses: {error}"),
            None => Ok(reply.status),
        }
    }

    fn streaming(&self) -> usize {
        let streaming = |state: CameraState| state == CameraState::Streaming;
        let cameras = self.app.cameras();
        cameras
            .iter()
            .filter(|camera| streaming(camera.state))
            .count()
    }

    fn look(&mut self) {
        let at_micros = self.clock.utc_micros();
        for camera in self.app.cameras() {
            let look = Look {
                at_micros,
                state: camera.state,
                decoded: camera.decoded,
            };
            let name = camera.camera.as_str().to_owned();
            self.looks.entry(name).or_default().push(look);
        }
    }

    async fn look_for(&mut self, time: Duration) {
        self.until(time, |_| false).await;
    }

    /// Looks at the cameras until `done` or the time is over; whether it was done.
    async fn until(&mut self, time: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let over = self.clock.now().after(time);
        while self.clock.now() < over {
            tokio::time::sleep(LOOK_EVERY).await;
            self.look();
            if done(self) {
                return true;
            }
        }
        false
    }

    fn is_back(&self, name: &str, when: i64) -> bool {
        let span = Span {
            from_micros: when,
            to_micros: when,
            end_micros: when,
        };
        let looks = self.looks.get(name).map_or(&[][..], Vec::as_slice);
        judge(looks, std::iter::empty(), span)
            .back_seconds
            .is_some()
    }

    fn judge(&self, name: &str, span: Span) -> Shown {
        let looks = self.looks.get(name).map_or(&[][..], Vec::as_slice);
        let records = self.records.lock();
        let own = records
            .iter()
            .filter(|record| record.event.camera.as_str() == name);
        judge(looks, own, span)
    }

    /// What the camera server sent and the daemon decoded of each of these cameras, and its failures.
    async fn healthy(&self, names: &[String]) -> anyhow::Result<Vec<(u64, u64, u32)>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let at = Cameras::named(names.iter().cloned());
        let report = self.command(Command::Status { at }).await?;
        let sent: BTreeMap<_, _> = report
            .iter()
            .flat_map(|report| &report.cameras)
            .map(|camera| (camera.camera.clone(), camera.frames))
            .collect();
        let cameras = self.app.cameras();
        let of = |name: &String| {
            let camera = cameras.iter().find(|camera| camera.camera.as_str() == name);
            let (decoded, failures) =
                camera.map_or((0, 0), |camera| (camera.decoded, camera.failures));
            (sent.get(name).copied().unwrap_or(0), decoded, failures)
        };
        Ok(names.iter().map(of).collect())
    }
}
