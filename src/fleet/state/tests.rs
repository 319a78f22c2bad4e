use proptest::prelude::*;

use super::*;

const POLICY: StatePolicy = StatePolicy {
    stall_after: Duration::from_secs(3),
    answer_timeout: Duration::from_secs(5),
    connect_timeout: Duration::from_secs(10),
    steady_after: Duration::from_secs(2),
    backoff: BackoffPolicy {
        first: Duration::from_millis(500),
        ceiling: Duration::from_secs(5),
    },
    end_is_final: false,
};

fn at(millis: u64) -> Monotonic {
    Monotonic(Duration::from_millis(millis))
}

fn machine(policy: StatePolicy) -> Machine {
    Machine::new(policy, Backoff::seeded(policy.backoff, 1))
}

#[test]
fn a_silent_stall_is_named_then_closed_and_retried_and_told_once() {
    let mut camera = machine(POLICY);
    assert_eq!(camera.on(Input::Start, at(0)), [Effect::Open]);
    assert_eq!(camera.on(Input::Frame(at(100)), at(100)), []);
    assert_eq!(camera.state(), CameraState::Streaming);
    assert_eq!(camera.on(Input::Tick, at(3_000)), []);
    let told = camera.on(Input::Tick, at(3_100));
    assert_eq!(
        told,
        [Effect::SignalLost("no frames come, and no word why".into())]
    );
    assert_eq!(camera.state(), CameraState::Stalled);
    assert_eq!(camera.on(Input::Tick, at(6_100)), [Effect::Close]);
    assert_eq!(camera.state(), CameraState::BackingOff);
    let retry = camera.deadline().expect("a retry");
    assert_eq!(camera.on(Input::Tick, retry), [Effect::Open]);
    assert_eq!(
        camera.on(Input::Failed("refused".into()), retry),
        [Effect::Close]
    );
    let retry = camera.deadline().expect("a retry");
    camera.on(Input::Tick, retry);
    assert_eq!(camera.on(Input::Frame(retry), retry), []);
    assert_eq!(camera.state(), CameraState::Streaming);
    assert_eq!(camera.reason(), "");
    let steady = camera.deadline().expect("a word to give");
    assert_eq!(steady, retry.after(POLICY.steady_after));
    camera.on(Input::Frame(steady), steady);
    assert_eq!(camera.on(Input::Tick, steady), [Effect::SignalBack]);
    assert_eq!(camera.on(Input::Tick, steady), []);
}

#[test]
fn a_stalled_camera_whose_frames_come_again_streams_without_a_reconnect() {
    let mut camera = machine(POLICY);
    camera.on(Input::Start, at(0));
    camera.on(Input::Frame(at(0)), at(0));
    camera.on(Input::Tick, at(3_000));
    assert_eq!(camera.on(Input::Frame(at(4_000)), at(4_000)), []);
    assert_eq!(camera.state(), CameraState::Streaming);
    camera.on(Input::Frame(at(6_000)), at(6_000));
    assert_eq!(camera.on(Input::Tick, at(6_000)), [Effect::SignalBack]);
}

#[test]
fn a_camera_that_flaps_is_lost_once_and_back_once() {
    let mut camera = machine(POLICY);
    camera.on(Input::Start, at(0));
    camera.on(Input::Frame(at(0)), at(0));
    let mut now = at(100);
    let mut told = camera.on(Input::Failed("reset".into()), now);
    for _ in 0..5 {
        now = camera.deadline().expect("a retry");
        told.extend(camera.on(Input::Tick, now));
        told.extend(camera.on(Input::Frame(now), now));
        now = now.after(Duration::from_secs(1));
        told.extend(camera.on(Input::Tick, now));
        told.extend(camera.on(Input::Failed("reset".into()), now));
    }
    let lost = |effect: &&Effect| matches!(effect, Effect::SignalLost(_));
    assert_eq!(told.iter().filter(lost).count(), 1);
    assert!(!told.contains(&Effect::SignalBack));
}

#[test]
fn a_camera_that_says_nothing_is_given_up_sooner_than_one_that_answers() {
    let mut mute = machine(POLICY);
    mute.on(Input::Start, at(0));
    assert_eq!(mute.deadline(), Some(at(5_000)));
    assert_eq!(
        mute.on(Input::Tick, at(5_000)).first(),
        Some(&Effect::Close)
    );
    let retry = mute.deadline().expect("a retry");
    mute.on(Input::Tick, retry);
    mute.on(Input::Answered, retry);
    assert_eq!(mute.deadline(), Some(retry.after(POLICY.connect_timeout)));
}

#[test]
fn a_files_end_is_no_fault_and_a_cameras_end_is() {
    let mut file = machine(StatePolicy {
        end_is_final: true,
        ..POLICY
    });
    file.on(Input::Start, at(0));
    file.on(Input::Frame(at(0)), at(0));
    assert_eq!(file.on(Input::Ended, at(10)), [Effect::Close]);
    assert_eq!(file.state(), CameraState::Stopped);
    let mut camera = machine(POLICY);
    camera.on(Input::Start, at(0));
    camera.on(Input::Frame(at(0)), at(0));
    assert_eq!(camera.on(Input::Ended, at(10)).len(), 2);
    assert_eq!(camera.state(), CameraState::BackingOff);
}

#[test]
fn no_first_frame_in_time_is_a_failure() {
    let mut camera = machine(POLICY);
    camera.on(Input::Start, at(0));
    camera.on(Input::Answered, at(10));
    assert_eq!(camera.on(Input::Tick, at(9_999)), []);
    assert_eq!(
        camera.on(Input::Tick, at(10_000)).first(),
        Some(&Effect::Close)
    );
    assert_eq!(camera.failures(), 1);
}

proptest! {
    /// Whatever comes in: the source is never opened twice nor closed twice, a stopped camera
    /// has no open source, and lost and back alternate.
    #[test]
    fn the_source_is_opened_and_closed_in_turn(
        steps in prop::collection::vec((0_u8..7, 0_u64..4_000), 0..200),
        end_is_final in any::<bool>(),
    ) {
        let mut camera = machine(StatePolicy { end_is_final, ..POLICY });
        let (mut now, mut open, mut lost) = (0, false, false);
        for (what, later) in steps {
            now += later;
            let input = match what {
                0 => Input::Start,
                1 => Input::Frame(at(now)),
                2 => Input::Failed("x".into()),
                3 => Input::Ended,
                4 => Input::Tick,
                5 => Input::Answered,
                _ => Input::Stop,
            };
            for effect in camera.on(input, at(now)) {
                match effect {
                    Effect::Open => { prop_assert!(!open); open = true; }
                    Effect::Close => { prop_assert!(open); open = false; }
                    Effect::SignalLost(_) => { prop_assert!(!lost); lost = true; }
                    Effect::SignalBack => { prop_assert!(lost); lost = false; }
                }
            }
            let wants_open = matches!(
                camera.state(),
                CameraState::Connecting | CameraState::Streaming | CameraState::Stalled
            );
            prop_assert_eq!(open, wants_open);
        }
    }
}
