//! Lines, zones, calibrations and the rules that use them.

use std::time::Duration;

use super::super::rule::Loitering;
use super::super::types::RuleKind;
use super::{CAMERA, HEAD, ZONE_AND_LINE, check, good, one};

fn shaped(rest: &str) -> String {
    format!("{CAMERA}{rest}")
}

#[test]
fn lines_and_zones_are_checked() {
    let zone = |points: &str| {
        shaped(&format!(
            "[[camera.zone]]\nname = \"z\"\npoints = {points}\n"
        ))
    };
    one(
        &zone("[[0, 0], [1, 1]]"),
        "6:1: camera c: zone: a zone needs at least three points",
    );
    one(
        &zone("[[0, 0], [1, 1], [1, 0], [0, 1]]"),
        "6:1: camera c: zone: the zone crosses itself (side 1 meets side 3)",
    );
    one(
        &zone("[[0, 0], [0.5, 0.5], [1, 1]]"),
        "6:1: camera c: zone: the zone has no area",
    );
    one(
        &zone("[[0, 0], [1, 0], [0.5, 0], [0.5, 1]]"),
        "6:1: camera c: zone: the zone crosses itself",
    );
    one(
        &zone("[[0, 0], [9, 0], [0, 1]]"),
        "6:10: camera c: zone: point [9, 0] of `points` is outside the picture: write 0 to 1, or",
    );
    one(
        &zone("[[0, 0, 0]]"),
        "6:10: camera c: zone: `points` is array: write a list of points",
    );
    let line = |points: &str| {
        shaped(&format!(
            "[[camera.line]]\nname = \"l\"\npoints = {points}\n"
        ))
    };
    one(
        &line("[[0, 0]]"),
        "6:1: camera c: line: a line needs at least two points",
    );
    one(
        &line("[[0, 0], [0, 0], [1, 1]]"),
        "6:1: camera c: line: a point of the line follows itself",
    );
    one(
        &shaped("[[camera.line]]\npoints = [[0, 0], [1, 1]]\n"),
        "4:1: camera c: line: `name` is missing",
    );
    let twice = format!(
        "{}[[camera.zone]]\nname = \"l\"\npoints = [[0, 0], [1, 0], [0, 1]]\n",
        line("[[0, 0], [1, 1]]")
    );
    one(
        &twice,
        "8:8: camera c: zone: `l` is already a line or zone at etc/p.toml:9",
    );
}

#[test]
fn masks_are_checked_as_zones_are_and_need_no_name() {
    let mask = |points: &str| shaped(&format!("[[camera.mask]]\npoints = {points}\n"));
    one(
        &mask("[[0, 0], [1, 1]]"),
        "5:1: camera c: mask: a mask needs at least three points",
    );
    one(
        &mask("[[0, 0], [1, 1], [1, 0], [0, 1]]"),
        "5:1: camera c: mask: the mask crosses itself (side 1 meets side 3)",
    );
    one(
        &mask("[[0, 0], [9, 0], [0, 1]]"),
        "5:10: camera c: mask: point [9, 0] of `points` is outside the picture",
    );
    one(
        &shaped("[[camera.mask]]\n"),
        "4:1: camera c: mask: `points` is missing",
    );
    let config = good(&shaped(
        "picture = [200, 100]\n[[camera.mask]]\npoints = [[0, 0], [100, 0], [100, 50], [0, 0]]\n",
    ));
    let camera = config.cameras.values().next().expect("camera");
    let points: Vec<_> = camera.masks[0].points.iter().map(|p| (p.x, p.y)).collect();
    assert_eq!(points, [(0.0, 0.0), (0.5, 0.0), (0.5, 0.5)]);
}

#[test]
fn a_sliver_of_a_zone_far_from_every_mask_is_not_said_to_be_covered() {
    let text = format!(
        "{HEAD}{CAMERA}[[camera.mask]]\npoints = [[0.9, 0.0], [1.0, 0.0], [1.0, 0.1]]\n[[camera.zone]]\nname = \"z\"\npoints = [[0.1, 0.1], [0.5, 0.9], [0.9, 0.1], [0.5, 0.899]]\n[[camera.rule]]\nname = \"r\"\nkind = \"loitering\"\nzone = \"z\"\n"
    );
    let loaded = check(&text).expect("sound");
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
}

#[test]
fn a_zone_that_a_mask_covers_whole_is_warned_of_and_one_that_is_partly_seen_is_not() {
    let warnings = |mask: &str| -> Vec<String> {
        let text = format!(
            "{HEAD}{CAMERA}[[camera.mask]]\npoints = {mask}\n[[camera.zone]]\nname = \"z\"\npoints = [[0.2, 0.2], [0.4, 0.2], [0.4, 0.4]]\n[[camera.rule]]\nname = \"r\"\nkind = \"loitering\"\nzone = \"z\"\n"
        );
        let loaded = check(&text).expect("sound");
        loaded.warnings.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        warnings("[[0.1, 0.1], [0.5, 0.1], [0.5, 0.5], [0.1, 0.5]]"),
        ["etc/p.toml:11:8: camera c: the masks cover the whole of `z`: nobody is seen there"]
    );
    assert!(warnings("[[0.1, 0.1], [0.5, 0.1], [0.5, 0.3], [0.1, 0.3]]").is_empty());
}

#[test]
fn points_may_be_pixels_and_a_zone_may_be_closed_twice() {
    let config = good(&shaped(
        "picture = [768, 432]\n[[camera.zone]]\nname = \"z\"\npoints = [[0, 0], [768, 0], [384, 216], [0, 0]]\n[[camera.rule]]\nname = \"r\"\nkind = \"loitering\"\nzone = \"z\"\n",
    ));
    let camera = config.cameras.values().next().expect("camera");
    let RuleKind::Loitering(Loitering { zone, after }) = &camera.rules[0].kind else {
        panic!()
    };
    let points: Vec<_> = zone.points.iter().map(|p| (p.x, p.y)).collect();
    assert_eq!(points, [(0.0, 0.0), (1.0, 0.0), (0.5, 0.5)]);
    assert_eq!(*after, Duration::from_secs(60));
}

#[test]
fn calibrations_that_fix_no_plane_are_refused() {
    let with = |picture: &str, ground: &str| {
        shaped(&format!(
            "calibration = {{ picture = {picture}, ground_metres = {ground} }}\n"
        ))
    };
    let (square, metres) = (
        "[[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]",
        "[[0, 0], [8, 0], [8, 8], [0, 8]]",
    );
    let config = good(&with(square, metres));
    assert!(
        config
            .cameras
            .values()
            .all(|camera| camera.calibration.is_some())
    );
    // A ground plane whose y axis points the other way is as good.
    good(&with(square, "[[0, 0], [8, 0], [8, -8], [0, -8]]"));
    one(
        &with(square, "[[0, 0], [8, 0], [4, 0], [0, 8]]"),
        "4:77: camera c: calibration: three points of `ground_metres` lie on one line",
    );
    one(
        &with("[[0.1, 0.1], [0.5, 0.5], [0.9, 0.9], [0.1, 0.9]]", metres),
        "4:17: camera c: calibration: three points of `picture`",
    );
    one(
        &with(square, "[[0, 0], [8, 8], [8, 0], [0, 8]]"),
        "4:15: camera c: calibration: the ground points are in another order",
    );
    one(
        &with(square, "[[0, 0]]"),
        "4:77: camera c: calibration: `ground_metres` has 1 points",
    );
}

#[test]
fn rules_are_checked() {
    let rule = |text: &str| shaped(&format!("{ZONE_AND_LINE}[[camera.rule]]\n{text}"));
    one(
        &rule("kind = \"running\"\n"),
        "10:1: camera c: rule: `name` is missing",
    );
    one(
        &rule("name = \"r\"\n"),
        "10:1: camera c: rule r: `kind` is missing",
    );
    one(
        &rule("name = \"r\"\nkind = \"loitring\"\n"),
        "12:8: camera c: rule r: `kind` is `loitring`",
    );
    one(
        &rule("name = \"r\"\nkind = \"line_crossing\"\n"),
        "10:1: camera c: rule r: `line` is missing",
    );
    one(
        &rule("name = \"r\"\nkind = \"line_crossing\"\nline = \"z\"\n"),
        "13:8: camera c: rule r: the camera has no line `z`",
    );
    one(
        &rule("name = \"r\"\nkind = \"crowding\"\nzone = \"z\"\n"),
        "10:1: camera c: rule r: `count` is missing",
    );
    one(
        &rule("name = \"r\"\nkind = \"line_crossing\"\nline = \"l\"\ncount = 3\n"),
        "14:1: camera c: rule r: unknown key `count`",
    );
    one(
        &rule("name = \"r\"\nkind = \"running\"\nclasses = []\n"),
        "13:11: camera c: rule r: `classes` is empty",
    );
    one(
        &rule("name = \"r\"\nkind = \"running\"\nseverity = \"bad\"\n"),
        "13:12: camera c: rule r: `severity` is `bad`",
    );
    one(
        &rule(
            "name = \"r\"\nkind = \"running\"\n[[camera.rule]]\nname = \"r\"\nkind = \"running\"\n",
        ),
        "14:8: camera c: rule r: the camera already has a rule `r` at etc/p.toml:15",
    );
}

#[test]
fn a_wrong_shape_is_not_blamed_on_its_rules() {
    one(
        &shaped(
            "[[camera.line]]\nname = \"l\"\npoints = [[0, 0]]\n[[camera.rule]]\nname = \"r\"\nkind = \"line_crossing\"\nline = \"l\"\n",
        ),
        "6:1: camera c: line: a line needs",
    );
}
