//! `[[camera]]`: one camera on top of its profile and the defaults.

use std::collections::BTreeMap;
use std::path::Path;

use url::Url;

use super::environment::Environment;
use super::reader::{Set, Table, did_you_mean};
use super::redact::redact_url;
use super::rule;
use super::settings::{FILE_ONLY, RTSP_ONLY, Settings};
use super::shapes::{self, Shapes};
use super::types::{
    Calibration, CameraConfig, Credentials, Mask, RtspClient, RuleConfig, SourceConfig, Transport,
};
use crate::model::geometry::Size;
use crate::model::ids::{CameraId, ModelName};

/// What a camera's table may refer to.
pub(super) struct Surroundings<'s, 'f> {
    pub(super) folder: &'s Path,
    pub(super) environment: &'s dyn Environment,
    pub(super) defaults: &'s Settings<'f>,
    pub(super) profiles: &'s BTreeMap<&'f str, Settings<'f>>,
    pub(super) models: &'s [ModelName],
}

/// A camera's id, its profile's name where it has one, and the camera where all is right.
pub(super) struct Read<'f> {
    pub(super) id: Option<Set<'f, CameraId>>,
    pub(super) profile: Option<&'f str>,
    pub(super) camera: Option<CameraConfig>,
}

/// Reads one `[[camera]]`.
pub(super) fn read<'f>(table: &mut Table<'f>, around: &Surroundings<'_, 'f>) -> Read<'f> {
    let id = table.name("id", CameraId::new);
    match &id {
        Some(id) => table.subject = format!("camera {}", id.value),
        None if !table.has("id") => table.missing("id", "give the camera a name of its own"),
        None => {}
    }
    let profile = table.text("profile");
    let below = profile.and_then(|name| {
        let found = around.profiles.get(name.value);
        if found.is_none() {
            let hint = did_you_mean(name.value, around.profiles.keys().copied());
            let hint = if hint.is_empty() {
                format!(": add [profiles.{}]", name.value)
            } else {
                hint
            };
            table.problem(
                name.at,
                format!("there is no profile `{}`{hint}", name.value),
            );
        }
        found
    });
    let mut settings = below.unwrap_or(around.defaults).clone();
    settings.take(table, around.folder, around.environment);
    let source = source(table, &settings, around.folder);
    let Watched {
        calibration,
        masks,
        rules,
    } = watched(table);
    let model = model(table, &settings, around.models);
    let backoff = settings.backoff(table);
    let tracker = settings.tracker(table);
    let (analysis_fps, analysis_fps_near) = settings.analysis_fps(table);
    table.finish();
    let watch = settings.watch(matches!(source, Some(SourceConfig::Rtsp { .. })));
    let keys = settings.keys;
    let camera = (|| {
        Some(CameraConfig {
            id: id.as_ref()?.value.clone(),
            watch,
            source: source?,
            model: model?,
            analysis_fps,
            analysis_fps_near,
            priority: keys.priority,
            decoders: keys.decoders,
            stall_after: keys.stall_after,
            connect_timeout: keys.connect_timeout,
            backoff,
            tracker,
            calibration,
            masks,
            rules,
        })
    })();
    Read {
        id,
        profile: profile.map(|name| name.value),
        camera,
    }
}

/// What is told of the picture's places.
#[derive(Default)]
struct Watched {
    calibration: Option<Calibration>,
    masks: Vec<Mask>,
    rules: Vec<RuleConfig>,
}

/// The calibration, the masks and the rules, with the lines and zones they use.
fn watched(table: &Table<'_>) -> Watched {
    let picture = table.pair("picture").and_then(|picture| {
        let sound = picture
            .value
            .iter()
            .all(|side| (1.0..=65_536.0).contains(side));
        if !sound {
            table.problem(
                picture.at,
                "`picture` is no picture's size: write [width, height] in pixels",
            );
        }
        sound.then_some(picture.value)
    });
    if picture.is_none() && table.has("picture") {
        // With a wrong `picture` every point would be blamed too.
        for key in ["calibration", "mask", "line", "zone", "rule"] {
            table.item(key);
        }
        return Watched::default();
    }
    let calibration = shapes::calibration(table, picture);
    let masks = shapes::masks(table, picture);
    let shapes = Shapes::read(table, picture);
    let mut used = Vec::new();
    let rules = rule::read_all(table, &shapes, &mut used);
    shapes.warn_unused(table, &used);
    shapes.warn_masked(table, &masks);
    Watched {
        calibration,
        masks,
        rules,
    }
}

fn model(table: &Table<'_>, settings: &Settings<'_>, models: &[ModelName]) -> Option<ModelName> {
    let Some(written) = &settings.keys.model else {
        return match models {
            [only] => Some(only.clone()),
            [] => None,
            _ => {
                table.missing(
                    "model",
                    "there are several models: name one here or in [defaults]",
                );
                None
            }
        };
    };
    let found = models.iter().find(|model| model.as_str() == written);
    if found.is_none()
        && let Some(at) = settings.place("model")
    {
        let hint = did_you_mean(written, models.iter().map(ModelName::as_str));
        let hint = if hint.is_empty() {
            format!(": add [models.{written}]")
        } else {
            hint
        };
        table.problem(at, format!("there is no model `{written}`{hint}"));
    }
    found.cloned()
}

fn source(table: &Table<'_>, settings: &Settings<'_>, folder: &Path) -> Option<SourceConfig> {
    let (url, file) = (table.text("url"), table.text("file"));
    let test = table.table("test", "test").map(|test| {
        let size = test.pair("size");
        let fps = test.integer("fps", 1..=240);
        test.finish();
        (test, size, fps)
    });
    let written: Vec<_> = ["url", "file", "test"]
        .into_iter()
        .filter(|key| table.has(key))
        .collect();
    let kind = match written.as_slice() {
        [one] => *one,
        [] => {
            table.problem(
                table.at,
                "the camera has no source: write url, file or test",
            );
            return None;
        }
        several => {
            let second = several.get(1).copied().unwrap_or_default();
            table.problem(
                table.key_spot(second),
                format!(
                    "the camera has several sources (`{}`): keep one",
                    several.join("`, `")
                ),
            );
            return None;
        }
    };
    for (keys, wanted) in [(&RTSP_ONLY[..], "url"), (&FILE_ONLY[..], "file")] {
        for key in keys.iter().filter(|key| kind != wanted && table.has(key)) {
            table.problem(
                table.key_spot(key),
                format!("`{key}` means nothing for a `{kind}` source: drop it"),
            );
        }
    }
    match kind {
        "url" => rtsp(table, settings, url?),
        "file" => Some(SourceConfig::File {
            path: folder.join(file?.value),
            pace: settings.keys.pace,
            repeat: settings.keys.repeat,
        }),
        _ => {
            let (test, size, fps) = test?;
            let size_written = size.map_or([1920.0, 1080.0], |size| size.value);
            let sound = size_written
                .iter()
                .all(|side| (16.0..=8_192.0).contains(side) && side.fract() == 0.0);
            if !sound {
                test.problem(
                    test.key_spot("size"),
                    "`size` is no picture's size: write [width, height], each 16 to 8192",
                );
                return None;
            }
            let [width, height] = size_written.map(|side| side as u32);
            Some(SourceConfig::Test {
                size: Size { width, height },
                fps: fps.map_or(Some(25), |fps| u32::try_from(fps.value).ok())?,
            })
        }
    }
}

fn rtsp(table: &Table<'_>, settings: &Settings<'_>, url: Set<'_, &str>) -> Option<SourceConfig> {
    let credentials = credentials(table, settings);
    let url = address(table, url)?;
    let transport = settings.keys.transport;
    // What `retina` lacks is for the other one.
    let built_in = if url.scheme() == "rtsp" && transport == Transport::Tcp {
        RtspClient::Retina
    } else {
        RtspClient::Gstreamer
    };
    let client = settings.keys.client.unwrap_or(built_in);
    if let Some(at) = settings.place("client")
        && client == RtspClient::Retina
        && url.scheme() != "rtsp"
    {
        let text = "`retina` speaks no TLS: write client = \"gstreamer\", or rtsp://…";
        table.problem(at, text);
    }
    Some(SourceConfig::Rtsp {
        url,
        transport,
        client,
        credentials,
        latency: settings.keys.latency,
    })
}

fn credentials(table: &Table<'_>, settings: &Settings<'_>) -> Option<Credentials> {
    let user = settings.keys.user.as_ref();
    if let (Some(user), Some(password)) = (user, &settings.password) {
        return Some(Credentials {
            user: user.clone(),
            password: password.clone(),
        });
    }
    if let Some(at) = settings.place("user")
        && !table.has("password")
    {
        table.problem(at, "`user` stands without `password`: add password = { file = \"…\" } or { env = \"NAME\" }");
    }
    if let Some(at) = settings.place("password")
        && !table.has("user")
    {
        table.problem(at, "`password` stands without `user`: add user = \"…\"");
    }
    None
}

fn address(table: &Table<'_>, written: Set<'_, &str>) -> Option<Url> {
    let shown = redact_url(written.value);
    let parsed = Url::parse(written.value);
    if shown != written.value {
        table.problem(written.at, format!("`url` {shown} carries credentials: drop them and write user = \"…\" and password = {{ file = \"…\" }} or {{ env = \"NAME\" }} (an `@` of the path is written %40)"));
        return None;
    }
    let wrong = match &parsed {
        Err(error) => Some(format!("is no address ({error})")),
        Ok(url) if !["rtsp", "rtsps"].contains(&url.scheme()) => {
            Some(format!("begins with `{}:`", url.scheme()))
        }
        Ok(url) if url.host_str().is_none_or(str::is_empty) => Some("names no host".to_owned()),
        Ok(_) => None,
    };
    if let Some(wrong) = wrong {
        table.problem(
            written.at,
            format!("`url` {shown} {wrong}: write rtsp://host:port/path or rtsps://…"),
        );
        return None;
    }
    parsed.ok()
}
