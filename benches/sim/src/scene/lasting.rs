//! What holds for long enough, step by step.

/// How finely feet are followed.
pub(super) const STEP_SECONDS: f64 = 0.02;

/// A time in which something held long enough.
pub(super) struct Span {
    pub(super) since: f64,
    pub(super) due: f64,
    pub(super) until: f64,
}

/// When what `looks` says has held for `hold` seconds. `forgiving` lets it stop for at most
/// `clear` meanwhile; once due, that is the same event in either case.
pub(super) fn spans(looks: &[bool], hold: f64, clear: f64, forgiving: bool) -> Vec<Span> {
    let mut found: Vec<Span> = Vec::new();
    // The stretch that may still become due: since when, and when it last held.
    let mut open: Option<(f64, f64)> = None;
    for (since, until) in stretches(looks) {
        if let Some(last) = found.last_mut()
            && since - last.until <= clear
        {
            last.until = until;
            continue;
        }
        let began = match open {
            Some((began, held)) if forgiving && since - held <= clear => began,
            _ => since,
        };
        if until - began >= hold {
            found.push(Span {
                since: began,
                due: since.max(began + hold),
                until,
            });
            open = None;
        } else {
            open = Some((began, until));
        }
    }
    found
}

/// From when to when something holds without a break, seconds.
pub(super) fn stretches(looks: &[bool]) -> Vec<(f64, f64)> {
    let mut found = Vec::new();
    let mut since = None;
    for (step, holds) in looks.iter().chain([&false]).enumerate() {
        let second = step as f64 * STEP_SECONDS;
        match (holds, since) {
            (true, None) => since = Some(second),
            (false, Some(begun)) => {
                found.push((begun, second - STEP_SECONDS));
                since = None;
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_due_when_it_has_held_and_a_short_break_is_the_same_event() {
        let looks: Vec<bool> = (0..1000)
            .map(|step| {
                let second = f64::from(step) * STEP_SECONDS;
                (1.0..4.0).contains(&second) || (5.0..6.0).contains(&second) || second > 12.0
            })
            .collect();
        let strict = spans(&looks, 2.0, 3.0, false);
        assert_eq!(strict.len(), 2);
        assert!((strict[0].due - 3.0).abs() < 0.05 && (strict[0].until - 6.0).abs() < 0.05);
        assert!((strict[1].due - 14.0).abs() < 0.05);
        assert_eq!(spans(&looks, 4.5, 3.0, false).len(), 1, "only the last one");
        let forgiving = spans(&looks, 4.5, 3.0, true);
        assert!((forgiving[0].due - 5.5).abs() < 0.05);
    }
}
