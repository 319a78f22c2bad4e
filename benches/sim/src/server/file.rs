//! The server file: which cameras, and what goes wrong with them when.
//!
//! ```toml
//! [server]                            # all of it optional
//! listen = "127.0.0.1:8554"
//! control = "/tmp/server.sock"        # JSON lines, see the module `command`
//! stand_ins = true                  # make the pictures of `resolution` and `codec` at the start
//!
//! [[camera]]
//! mount = "yard"
//! file = "clips/yard.mp4"           # from this file's folder
//! count = 100                       # yard-1 … yard-100; without it one camera `yard`
//! spread = true                     # each at another place of the recording
//! start_seconds = 0                 # or all at this place
//! fps = 5                           # what differs from the recording is coded anew, once
//! bitrate_kbps = 300
//! gop_frames = 25
//! size = [640, 360]
//! codec = "h264"                    # or h265
//! user = "guard"                    # digest; these are passwords of a simulator
//! password = "open sesame"
//!
//! [[at]]                            # the script
//! seconds = 30
//! fault = "reboot=20"               # the words of `parapet sim control … fault`, or
//! clear = false                     # true ends every fault
//! cameras = ["yard-*"]              # at most one * each; without it all
//! count = 50                        # the first so many of them
//! for_seconds = 10                  # without it until cleared
//!
//! [chaos]                           # random faults, the same for the same seed
//! seed = 7
//! faults_per_minute = 10            # over the whole server
//! shortest_seconds = 5
//! longest_seconds = 30
//! faults = ["drop", "loss=5"]       # default: one of each
//! ```

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::coding::Coding;
use super::command::{Cameras, Command};
use super::config::{ServedCamera, ServerConfig};
use super::fault::Fault;
use super::plan::{ChaosConfig, Planned};
use super::recording::Codec;
use parapet::config::ConfigErrors;
use parapet::config::Problem;
use parapet::config::problem::{File, Report};
use parapet::config::reader::{Set, Table};
use parapet::model::geometry::Size;

/// Cameras that one table may stand for.
const MAX_COUNT: i64 = 10_000;
/// From one camera's place in a recording to the next one's, where they are spread: no common
/// length is a multiple of it.
const SPREAD: Duration = Duration::from_millis(9_973);

/// Reads a server file.
///
/// # Errors
/// Everything that is wrong, at once, with file and line.
pub fn load(path: &Path) -> Result<ServerConfig, ConfigErrors> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot be read ({error}): check that it exists and is readable");
        ConfigErrors::new(vec![Problem::of_file(path, message)])
    })?;
    parse(path, &text)
}

/// Checks a text that somebody else has read.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn parse(path: &Path, text: &str) -> Result<ServerConfig, ConfigErrors> {
    let report = Report::default();
    let mut config = ServerConfig::default();
    if let Some(file) = File::parse(path, text, &report) {
        let root = Table::root(&file, &report);
        read_server(&root, &mut config);
        let folder = path.parent().unwrap_or(Path::new("."));
        for table in root.tables("camera") {
            config.cameras.extend(camera(&table, folder));
        }
        if config.cameras.is_empty() && !root.has("camera") {
            root.missing("camera", "write at least one [[camera]]");
        }
        config.script = root.tables("at").iter().filter_map(planned).collect();
        config.chaos = root.table("chaos", "[chaos]").map(|table| chaos(&table));
        root.finish();
    }
    let (problems, _) = report.into_parts();
    if problems.is_empty() {
        Ok(config)
    } else {
        Err(ConfigErrors::new(problems))
    }
}

fn read_server(root: &Table<'_>, config: &mut ServerConfig) {
    config.port = 8_554;
    if root.has("wall") {
        let at = root.key_spot("wall");
        root.problem(at, "`[wall]` is called `[server]`: rename it");
        root.item("wall");
    }
    let Some(table) = root.table("server", "[server]") else {
        return;
    };
    if let Some(at) = table.name("listen", str::parse::<SocketAddr>) {
        (config.address, config.port) = (at.value.ip(), at.value.port());
    }
    config.control = table.text("control").map(|path| path.value.into());
    config.stand_ins = table.flag("stand_ins").is_some_and(|flag| flag.value);
    table.finish();
}

fn number<T: TryFrom<i64>>(set: Option<Set<'_, i64>>) -> Option<T> {
    T::try_from(set?.value).ok()
}

fn camera(table: &Table<'_>, folder: &Path) -> Vec<ServedCamera> {
    let (mount, file) = (table.text("mount"), table.text("file"));
    for key in ["mount", "file"] {
        if !table.has(key) {
            table.missing(key, "every camera has a mount and a recording");
        }
    }
    let count: Option<usize> = number(table.integer("count", 1..=MAX_COUNT));
    let spread = table.flag("spread").is_some_and(|flag| flag.value);
    let start = table.seconds("start_seconds", 0.0..=1e6);
    let coding = Coding {
        millihertz: table
            .number("fps", 0.1..=240.0)
            .map(|fps| (fps.value * 1_000.0).round() as u32),
        bitrate_kbps: number(table.integer("bitrate_kbps", 16..=100_000)),
        gop_frames: number(table.integer("gop_frames", 1..=10_000)),
        size: table
            .pair("size")
            .and_then(|size| picture_size(table, size)),
        codec: table
            .choice("codec", &[("h264", Codec::H264), ("h265", Codec::H265)])
            .map(|codec| codec.value),
        frames: None,
    };
    let (user, password) = (table.text("user"), table.text("password"));
    if user.is_some() != password.is_some() {
        table.problem(table.at, "`user` and `password` go together: write both");
    }
    table.finish();
    let (Some(mount), Some(file)) = (mount, file) else {
        return Vec::new();
    };
    let credentials = user
        .zip(password)
        .map(|(user, password)| (user.value.to_owned(), password.value.to_owned()));
    (0..count.unwrap_or(1))
        .map(|place| ServedCamera {
            mount: match count {
                Some(_) => format!("{}-{}", mount.value, place + 1),
                None => mount.value.to_owned(),
            },
            file: folder.join(file.value),
            credentials: credentials.clone(),
            coding,
            start: start.map_or(Duration::ZERO, |start| start.value)
                + if spread {
                    spread_start(place)
                } else {
                    Duration::ZERO
                },
        })
        .collect()
}

/// The place of the `place`-th of many cameras in the recording they share.
#[must_use]
pub fn spread_start(place: usize) -> Duration {
    SPREAD.saturating_mul(u32::try_from(place).unwrap_or(u32::MAX))
}

fn picture_size(table: &Table<'_>, size: Set<'_, [f64; 2]>) -> Option<Size> {
    let sound = |side: f64| (16.0..=8_192.0).contains(&side) && side % 2.0 == 0.0;
    let [width, height] = size.value;
    if !sound(width) || !sound(height) {
        table.problem(
            size.at,
            "`size` is no picture's size: write [width, height], both even, 16 to 8192",
        );
        return None;
    }
    Some(Size {
        width: width as u32,
        height: height as u32,
    })
}

fn planned(table: &Table<'_>) -> Option<Planned> {
    let seconds = table.seconds("seconds", 0.0..=1e7);
    if !table.has("seconds") {
        table.missing("seconds", "say when, counted from the server's start");
    }
    let fault = table.name("fault", str::parse::<Fault>);
    let clear = table.flag("clear").is_some_and(|flag| flag.value);
    let names = table.texts("cameras").map(|names| names.value);
    let at = Cameras {
        names: names
            .unwrap_or_default()
            .into_iter()
            .map(str::to_owned)
            .collect(),
        count: number(table.integer("count", 1..=MAX_COUNT)),
    };
    let for_seconds = table.number("for_seconds", 0.0..=1e6);
    if clear == table.has("fault") {
        table.problem(table.at, "write either `fault` or `clear = true`");
    }
    table.finish();
    let command = if clear {
        Command::Clear { at }
    } else {
        Command::Fault {
            fault: fault?.value,
            at,
            for_seconds: for_seconds.map(|seconds| seconds.value as f32),
        }
    };
    Some(Planned {
        at: seconds?.value,
        command,
    })
}

fn chaos(table: &Table<'_>) -> ChaosConfig {
    let mut chaos = ChaosConfig::seeded(0);
    match table.integer("seed", 0..=i64::MAX) {
        Some(seed) => chaos.seed = seed.value.unsigned_abs(),
        None if !table.has("seed") => table.missing("seed", "any whole number; it repeats a run"),
        None => {}
    }
    if let Some(rate) = table.number("faults_per_minute", 0.0..=60_000.0) {
        chaos.faults_per_minute = rate.value;
    }
    let shortest = table.seconds("shortest_seconds", 0.0..=86_400.0);
    let longest = table.seconds("longest_seconds", 0.0..=86_400.0);
    if let Some(shortest) = &shortest {
        chaos.shortest = shortest.value;
    }
    if let Some(longest) = &longest {
        chaos.longest = longest.value;
    }
    if let Some(at) = shortest.or(longest)
        && chaos.shortest > chaos.longest
    {
        table.problem(
            at.at,
            "`shortest_seconds` is above `longest_seconds`: make it smaller",
        );
    }
    if let Some(faults) = table.texts("faults") {
        let read = |word: &&str| match word.parse() {
            Ok(fault) => Some(fault),
            Err(error) => {
                table.problem(faults.at, format!("`faults`: {error}"));
                None
            }
        };
        chaos.faults = faults.value.iter().filter_map(read).collect();
    }
    table.finish();
    chaos
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ServerConfig, ConfigErrors> {
        parse(Path::new("/site/server.toml"), text)
    }

    #[test]
    fn the_documented_file_is_read_as_it_stands() {
        let documented: String = include_str!("file.rs")
            .lines()
            .skip_while(|line| *line != "//! ```toml")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .map(|line| line.trim_start_matches("//!").to_owned() + "\n")
            .collect();
        let config = read(&documented).map_err(|errors| errors.to_string());
        let config = config.expect("good");
        assert_eq!(config.cameras.len(), 100);
        let last = &config.cameras[99];
        assert_eq!(last.mount, "yard-100");
        assert_eq!(last.file, Path::new("/site/clips/yard.mp4"));
        assert_eq!(last.coding.millihertz, Some(5_000));
        assert_eq!(last.start, SPREAD * 99);
        assert_eq!(config.script.len(), 1);
        let chaos = config.chaos.expect("chaos");
        assert_eq!((chaos.seed, chaos.faults.len()), (7, 2));
        assert!(config.stand_ins && config.control.is_some());
    }

    #[test]
    fn everything_wrong_is_told_at_once_with_its_line() {
        let wrong = "[[camera]]\nmount = \"a\"\nfsp = 5\ncodec = \"vp9\"\nsize = [641, 360]\n\
                     [[at]]\nseconds = 1\nfault = \"explode\"\n[chaos]\nshortest_seconds = 40\n";
        let errors = read(wrong).expect_err("wrong");
        let text = errors.to_string();
        for expected in [
            "server.toml:1:1: `file` is missing",
            "server.toml:3:1: unknown key `fsp`",
            "server.toml:4:9: `codec` is `vp9`",
            "server.toml:5:8: `size` is no picture's size",
            "server.toml:8:9: `fault`: `explode` is no fault",
            "`seed` is missing",
            "server.toml:10:20: `shortest_seconds` is above",
        ] {
            let place = expected.split(": ").next().unwrap_or_default();
            let words = expected.rsplit(": ").next().unwrap_or_default();
            assert!(
                text.lines()
                    .any(|line| line.contains(place) && line.contains(words)),
                "{expected} is not in\n{text}"
            );
        }
    }

    #[test]
    fn the_table_of_older_files_is_refused_with_its_new_name() {
        let old = "[wall]\nlisten = \"127.0.0.1:0\"\n[[camera]]\nmount = \"a\"\nfile = \"a.mp4\"\n";
        let errors = read(old).expect_err("the old name").to_string();
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert!(
            errors.contains("server.toml:1:") && errors.contains("`[server]`"),
            "{errors}"
        );
        assert!(read(&old.replace("[wall]", "[server]")).is_ok());
    }
}
