//! Drafts an expectation file from what was told, for a person to confirm.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::matching::Alarm;
use parapet_sim::expectation::{Expectation, ExpectedClip, ExpectedEvent};

/// The note of every drafted event.
pub const DRAFT_NOTE: &str = "draft";

/// What stands above a draft.
pub const DRAFT_HEADER: &str = "\
DRAFT: written from what the rules said, not from what happens in the clip. Whoever confirms it
watches the clip: take out what is wrong, add what is missing, set each start to when it really
begins, and take out `note = \"draft\"` and these lines.";

/// An expectation that each of these alarms hits at once.
#[must_use]
pub fn draft(clip: ExpectedClip, alarms: &[Alarm]) -> Expectation {
    let whole_millis = |at: Duration| Duration::from_millis(at.as_millis() as u64);
    let mut events: Vec<ExpectedEvent> = alarms
        .iter()
        .map(|alarm| ExpectedEvent {
            kind: alarm.kind,
            rule: alarm.rule.clone(),
            start: whole_millis(alarm.at).min(clip.length),
            end: alarm.ended.map(whole_millis),
            before: None,
            after: None,
            note: Some(DRAFT_NOTE.to_owned()),
        })
        .collect();
    events.sort_by_key(|event| event.start);
    Expectation {
        clip,
        events,
        later: Vec::new(),
        ignore: Vec::new(),
    }
}

/// How `file` is called from `folder`; both absolute, without `.` and `..`.
#[must_use]
pub fn relative(file: &Path, folder: &Path) -> PathBuf {
    let (file, folder): (Vec<_>, Vec<_>) =
        (file.components().collect(), folder.components().collect());
    let shared = file.iter().zip(&folder).take_while(|(a, b)| a == b).count();
    let up = folder[shared..].iter().map(|_| Component::ParentDir);
    up.chain(file[shared..].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::matching::match_alarms;
    use parapet::model::event::EventKind;

    #[test]
    fn a_draft_expects_exactly_what_was_told() {
        let alarm = |at: u64, ended| Alarm {
            kind: EventKind::RUNNING,
            rule: None,
            at: Duration::from_micros(at),
            ended,
        };
        let alarms = [
            alarm(9_000_900, Some(Duration::from_secs(30))),
            alarm(1_234_567, None),
            alarm(1_234_567, None),
        ];
        let clip = ExpectedClip {
            length: Duration::from_secs(20),
            ..ExpectedClip::default()
        };
        let drafted = draft(clip, &alarms);
        assert_eq!(drafted.events[0].start, Duration::from_millis(1_234));
        assert!(
            drafted
                .events
                .iter()
                .all(|e| e.note.as_deref() == Some(DRAFT_NOTE))
        );
        let matched = match_alarms(&drafted, &alarms);
        assert!(matched.hits.iter().all(Option::is_some), "{matched:?}");
        let text = drafted.to_toml(DRAFT_HEADER);
        assert!(text.starts_with("# DRAFT: "), "{text}");
        let read = parapet_sim::expectation::parse(Path::new("a"), &text);
        assert_eq!(read, Ok(drafted));
    }

    #[test]
    fn a_configuration_is_named_from_the_drafts_folder() {
        let named = |file, folder| relative(Path::new(file), Path::new(folder));
        assert_eq!(named("/a/b/c.toml", "/a/b"), Path::new("c.toml"));
        assert_eq!(named("/a/c.toml", "/a/b/d"), Path::new("../../c.toml"));
        assert_eq!(named("/c.toml", "/"), Path::new("c.toml"));
    }
}
