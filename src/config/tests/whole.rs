//! Whole files: warnings, inheritance, differences, the folder and the example.

use std::fmt::Write as _;
use std::path::Path;

use super::super::types::{Pace, RtspClient, SourceConfig, Transport};
use super::super::{NoEnvironment, diff, load};
use super::{CAMERA, HEAD, ZONE_AND_LINE, check, good};

#[test]
fn unused_things_are_warned_of() {
    let loaded = check(&format!("{HEAD}[profiles.a]\n{CAMERA}{ZONE_AND_LINE}")).expect("sound");
    let warnings: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "etc/p.toml:5:1: [profiles.a]: no camera uses this profile",
            "etc/p.toml:10:8: camera c: no rule uses `z`",
            "etc/p.toml:13:8: camera c: no rule uses `l`",
        ]
    );
}

#[test]
fn a_thousand_cameras_inherit_profile_over_defaults() {
    let mut text = String::from(
        "[defaults]\nanalysis_fps = 2\ntransport = \"udp\"\ndecoders = [\"nvh264dec\"]\ntracker = { high_score = 0.4, new_track_score = 0.6 }\n[profiles.yard]\nanalysis_fps = 8\ntracker = { match_iou = 0.3 }\n",
    );
    for n in 0..1_000 {
        let profile = if n % 2 == 0 {
            "profile = \"yard\"\n"
        } else {
            ""
        };
        writeln!(
            text,
            "[[camera]]\nid = \"c{n}\"\nurl = \"rtsp://h/{n}\"\n{profile}"
        )
        .expect("text");
    }
    let config = good(&text);
    assert_eq!(config.cameras.len(), 1_000);
    let camera =
        |id: &str| config.cameras[&crate::model::ids::CameraId::new(id).expect("id")].clone();
    let (yard, other) = (camera("c10"), camera("c11"));
    assert_eq!((yard.analysis_fps, other.analysis_fps), (8.0, 2.0));
    assert_eq!(
        (yard.tracker.high_score, yard.tracker.match_iou),
        (0.4, 0.3)
    );
    assert_eq!(
        (other.tracker.high_score, other.tracker.match_iou),
        (0.4, 0.2)
    );
    assert!(
        config
            .cameras
            .values()
            .all(|camera| camera.decoders == ["nvh264dec"]
                && matches!(
                    camera.source,
                    SourceConfig::Rtsp {
                        transport: Transport::Udp,
                        ..
                    }
                ))
    );
}

#[test]
fn a_camera_is_received_by_what_can_unless_it_says_otherwise() {
    let client = |keys: &str| {
        let config = good(&format!("[[camera]]\nid = \"c\"\n{keys}\n"));
        let camera = config.cameras.values().next().cloned();
        match camera.map(|camera| camera.source.clone()) {
            Some(SourceConfig::Rtsp { client, .. }) => client,
            other => panic!("{keys}: {other:?}"),
        }
    };
    use RtspClient::{Gstreamer, Retina};
    assert_eq!(client("url = \"rtsp://h/1\""), Retina);
    assert_eq!(client("url = \"rtsps://h/1\""), Gstreamer);
    assert_eq!(
        client("url = \"rtsp://h/1\"\ntransport = \"udp\""),
        Gstreamer
    );
    assert_eq!(
        client("url = \"rtsp://h/1\"\ntransport = \"udp\"\nclient = \"retina\""),
        Retina
    );
    assert_eq!(
        client("url = \"rtsps://h/1\"\nclient = \"gstreamer\""),
        Gstreamer
    );
}

#[test]
fn a_difference_names_cameras_and_sections() {
    let old = good(
        "[[camera]]\nid = \"a\"\nfile = \"a\"\n[[camera]]\nid = \"b\"\nfile = \"b\"\n[[camera]]\nid = \"c\"\nfile = \"c\"\n",
    );
    let new = good(
        "[inference]\nmax_batch = 2\n[[camera]]\nid = \"b\"\nfile = \"b\"\n[[camera]]\nid = \"c\"\nfile = \"c\"\npace = \"fast\"\n[[camera]]\nid = \"d\"\nfile = \"d\"\n",
    );
    assert!(diff(&old, &old.clone()).is_empty());
    let changes = diff(&old, &new);
    let text = |ids: &[crate::model::ids::CameraId]| {
        ids.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(text(&changes.added), ["d"]);
    assert_eq!(text(&changes.removed), ["a"]);
    assert_eq!(text(&changes.changed), ["c"]);
    assert_eq!(changes.needs_restart, ["inference"]);
}

#[test]
fn a_folder_of_cameras_is_read_in_order_and_duplicates_name_both_files() {
    let folder = tempfile::tempdir().expect("folder");
    let main = folder.path().join("parapet.toml");
    let cameras = folder.path().join("cameras.d");
    std::fs::create_dir(&cameras).expect("folder");
    std::fs::write(&main, HEAD).expect("file");
    std::fs::write(
        cameras.join("1.toml"),
        "[[camera]]\nid = \"a\"\nfile = \"a.mp4\"\npace = \"fast\"\n",
    )
    .expect("file");
    std::fs::write(cameras.join("note.txt"), "no TOML").expect("file");
    let loaded = load(&main, &NoEnvironment).expect("sound");
    let camera = loaded.config.cameras.values().next().expect("camera");
    let expected = SourceConfig::File {
        path: folder.path().join("a.mp4"),
        pace: Pace::Fast,
        repeat: false,
    };
    assert_eq!(camera.source, expected);
    std::fs::write(
        cameras.join("2.toml"),
        "[[camera]]\nid = \"a\"\nfile = \"b.mp4\"\n[log]\n",
    )
    .expect("file");
    let errors = load(&main, &NoEnvironment).expect_err("twice");
    let text = errors.to_string();
    assert_eq!(errors.problems().len(), 2, "{text}");
    assert!(
        text.contains("2.toml:2:6: camera a: `a` is already a camera at"),
        "{text}"
    );
    assert!(
        text.contains("1.toml:2: give") && text.contains("2.toml:4:2: unknown key `log`"),
        "{text}"
    );
    std::fs::write(cameras.join("3.toml"), "[[").expect("file");
    let text = load(&main, &NoEnvironment).expect_err("syntax").to_string();
    assert!(text.contains("3.toml:1:"), "{text}");
    let text = load(Path::new("no/such.toml"), &NoEnvironment)
        .expect_err("nothing")
        .to_string();
    assert!(text.starts_with("no/such.toml: cannot be read"), "{text}");
}
