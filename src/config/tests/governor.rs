//! The governor's keys and the analysis rates.

use std::time::Duration;

use super::super::types::GovernorConfig;
use super::{CAMERA, good, one};

#[test]
fn the_governor_is_on_and_leaves_a_tenth_of_the_machine() {
    let governor = good(CAMERA).governor;
    assert!(governor.enabled);
    assert_eq!(governor.recover_after, Duration::from_secs(15));
    let all = "[governor]\nenabled = false\nbudget_cores = 1.5\nevery_millis = 500\n\
               recover_after_seconds = 20\nupdate_every_seconds = 60\n";
    let wanted = GovernorConfig {
        enabled: false,
        budget_cores: 1.5,
        every: Duration::from_millis(500),
        recover_after: Duration::from_secs(20),
        update_every: Duration::from_secs(60),
    };
    assert_eq!(good(&format!("{all}{CAMERA}")).governor, wanted);
}

#[test]
fn what_the_governor_cannot_be_is_told_with_its_place() {
    one(
        &format!("[governor]\nbudget_cores = 0\n{CAMERA}"),
        "2:16: [governor]: `budget_cores`",
    );
    one(
        &format!("[governor]\nbudget = 2\n{CAMERA}"),
        "2:1: [governor]: unknown key `budget`",
    );
}

#[test]
fn the_rate_near_a_line_is_never_below_the_usual_one() {
    let rates = |text: &str| {
        let config = good(&format!("{CAMERA}{text}"));
        let camera = config.cameras.values().next().expect("camera");
        (camera.analysis_fps, camera.analysis_fps_near)
    };
    assert_eq!(rates(""), (5.0, 10.0));
    assert_eq!(rates("analysis_fps = 13\n"), (13.0, 13.0));
    assert_eq!(
        rates("analysis_fps = 2\nanalysis_fps_near = 4\n"),
        (2.0, 4.0)
    );
    one(
        &format!("{CAMERA}analysis_fps_near = 4"),
        "4:21: camera c: `analysis_fps_near` (4) is below `analysis_fps` (5)",
    );
}
