//! The report as JUnit XML, for build servers: a suite per clip; in it a case for the clip itself
//! (it was played, and there is no false alarm) and one per expected event.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use super::{ClipEntry, EventEntry, Report};

/// The XML text.
///
/// # Errors
/// The XML writer's.
pub fn junit(report: &Report) -> Result<String, quick_junit::SerializeError> {
    let mut junit = Junit::new("parapet replay --expect");
    for clip in &report.clips {
        let mut suite = TestSuite::new(clip.name.as_str());
        suite.add_test_case(whole_clip(clip));
        for (number, event) in clip.events.iter().enumerate() {
            suite.add_test_case(one_event(clip, number, event));
        }
        junit.add_test_suite(suite);
    }
    let mut limits = TestCase::new("limits", TestCaseStatus::success());
    if !report.passed {
        limits.status = failed(NonSuccessKind::Failure, &report.reasons.join("\n"));
    }
    let mut suite = TestSuite::new("the whole");
    suite.add_test_case(limits);
    junit.add_test_suite(suite);
    junit.to_string()
}

fn failed(kind: NonSuccessKind, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(message.to_owned());
    status
}

fn whole_clip(clip: &ClipEntry) -> TestCase {
    let wrong: Vec<String> = clip
        .alarms
        .iter()
        .filter(|alarm| alarm.outcome.is_wrong())
        .map(|alarm| {
            let rule = alarm.rule.as_deref().unwrap_or(&alarm.kind);
            format!(
                "{rule} at {:.2} s is {}",
                alarm.at_seconds,
                alarm.outcome.word()
            )
        })
        .collect();
    let status = match &clip.failure {
        Some(failure) => failed(NonSuccessKind::Error, failure),
        None if wrong.is_empty() => TestCaseStatus::success(),
        None => failed(NonSuccessKind::Failure, &wrong.join("\n")),
    };
    let mut case = TestCase::new("no false alarm", status);
    case.set_classname(clip.name.as_str());
    case
}

fn one_event(clip: &ClipEntry, number: usize, event: &EventEntry) -> TestCase {
    let rule = event.rule.as_deref().unwrap_or("any rule");
    let note = event.note.as_ref().map(|note| format!(" ({note})"));
    // Numbered, because two at once may be alike in everything else.
    let name = format!(
        "{}. {} by {rule} at {:.2} s{}",
        number + 1,
        event.kind,
        event.start_seconds,
        note.unwrap_or_default()
    );
    let status = match (&clip.failure, event.alarm) {
        (Some(_), _) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message("the clip could not be played");
            status
        }
        (None, Some(_)) => TestCaseStatus::success(),
        (None, None) => failed(
            NonSuccessKind::Failure,
            &format!(
                "no alarm from {:.2} s to {:.2} s",
                event.from_seconds, event.until_seconds
            ),
        ),
    };
    let mut case = TestCase::new(name, status);
    case.set_classname(clip.name.as_str());
    // A build server shows a case's time: here that is how long the alarm took.
    if let Some(latency) = event.latency_seconds {
        case.set_time(Duration::from_secs_f64(latency.max(0.0)));
    }
    case
}
