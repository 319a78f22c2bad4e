//! What holds whatever comes.

use proptest::prelude::*;

use super::*;

proptest! {
    /// Whatever comes, at whatever level: a picture is decoded only where all since a decoded
    /// keyframe were decoded or are held.
    #[test]
    fn nothing_is_decoded_over_a_gap(
        steps in prop::collection::vec((0_u8..6, 0_usize..5, any::<bool>(), any::<bool>()), 0..400),
        gop in 1_usize..30,
        always in any::<bool>(),
    ) {
        let mode = if always { WatchMode::Always } else { WatchMode::Watch };
        let mut gate = Gate::new(WatchConfig { mode, ..policy() }, 0.0);
        let mut pts = Duration::ZERO;
        let mut level = CoverageLevel::Full;
        // Whether what is held goes on from the decoder's state or begins with a keyframe.
        let mut whole = true;
        for (number, (what, other, wanted, admits)) in steps.into_iter().enumerate() {
            pts += if what == 0 { Duration::from_secs(60) } else { STEP };
            if what == 1 {
                level = CoverageLevel::ALL[other];
            }
            let key = number.is_multiple_of(gop);
            let kind = if key { UnitKind::Key } else { UnitKind::Reference };
            let unit = Unit { kind, bytes: 4_000, qp: None, pts };
            let asleep_before = !gate.is_awake();
            match gate.unit(&unit, level, Answers { wanted, admits, plenty: true }) {
                Action::Follow => prop_assert!(whole && !asleep_before),
                Action::Skip => whole = false,
                Action::Hold => {
                    prop_assert!(whole);
                    if what == 2 && gate.overflows() {
                        whole = false;
                    }
                }
                Action::Look { .. } | Action::Sleep { .. } | Action::Keep => {
                    prop_assert!(key);
                    whole = true;
                    if what == 3 {
                        gate.put_off(Urgency::Due);
                    }
                }
                Action::CatchUp => prop_assert!(whole && !(always && level.is_sparse())),
                Action::Wake(reason, _) => {
                    prop_assert!(whole || key);
                    prop_assert!(!level.is_sparse() || (admits && !always));
                    prop_assert_eq!(reason == WakeReason::LoadRecovered, always);
                    whole = true;
                }
            }
        }
    }

    /// Whatever comes: nothing is followed while asleep, a wake comes only out of sleep, sleep
    /// only at a keyframe, and never while somebody is followed.
    #[test]
    fn sleep_and_wake_alternate(
        steps in prop::collection::vec(
            (0_u8..8, 1_usize..200_000, 0_u64..15_000, any::<bool>(), any::<bool>()),
            0..400,
        ),
        gop in 1_usize..40,
    ) {
        let full = CoverageLevel::Full;
        let mut gate = Gate::new(policy(), 0.0);
        let mut pts = Duration::ZERO;
        let mut awake = true;
        for (number, (what, bytes, jump, wanted, changed)) in steps.into_iter().enumerate() {
            pts = match what {
                0 => Duration::from_millis(jump),
                1 => pts + Duration::from_millis(jump),
                _ => pts + STEP,
            };
            let kind = match (number % gop, what) {
                (0, _) => UnitKind::Key,
                (_, 2) => UnitKind::NonReference,
                _ => UnitKind::Reference,
            };
            let action = gate.unit(&Unit { kind, bytes, qp: None, pts }, full, || wanted);
            match action {
                Action::Follow => prop_assert!(awake),
                Action::Hold | Action::CatchUp => prop_assert!(!awake && !wanted),
                Action::Skip => prop_assert!(false, "nothing is missing"),
                Action::Look { .. } | Action::Keep => prop_assert!(!awake && !wanted && kind == UnitKind::Key),
                Action::Sleep { .. } => {
                    prop_assert!(awake && !wanted && kind == UnitKind::Key);
                    awake = false;
                }
                Action::Wake(..) => {
                    prop_assert!(!awake);
                    awake = true;
                }
            }
            if matches!(action, Action::Look { .. } | Action::Sleep { .. }) && changed {
                if gate.looked(Change::Local, || false).is_some() {
                    awake = true;
                } else {
                    prop_assert!(gate.take_suppressed(), "a change is glanced at, at least");
                }
            }
            prop_assert_eq!(gate.is_awake(), awake);
        }
    }
}
