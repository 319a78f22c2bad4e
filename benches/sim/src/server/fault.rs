//! What can be wrong with a camera, and what all that is wrong with it now amounts to. Pure.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Longest time or strongest jitter that a fault may ask for.
const MAX_SECONDS: f32 = 86_400.0;
const MAX_JITTER_MILLIS: u32 = 10_000;

/// One thing that is wrong with a camera. Written as a word, some with a value: `loss=5`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Fault {
    /// `drop`: hangs up on every viewer, once.
    Drop,
    /// `stall`: answers, but sends no picture.
    Stall,
    /// `refuse`: hangs up on viewers, and on whoever names the camera.
    Refuse,
    /// `not-found`: hangs up on viewers and answers 404.
    NotFound,
    /// `mute`: accepts connections and says nothing at all.
    Mute,
    /// `garbage`: sends endless random bytes in place of answers and pictures.
    Garbage,
    /// `loss=PERCENT`: leaves out RTP packets.
    Loss {
        /// Of a hundred packets, these are never sent.
        percent: f32,
    },
    /// `jitter=MILLIS`: delays each picture by a random time up to this.
    Jitter {
        /// The longest delay.
        millis: u32,
    },
    /// `clock=SECONDS`: the camera's clock (RTCP sender reports) is off by this.
    Clock {
        /// Ahead where positive.
        seconds: i64,
    },
    /// `resolution`: goes on in another picture size.
    Resolution,
    /// `codec`: goes on in H.265 where it was H.264, and the other way round.
    Codec,
    /// `freeze`: sends the same picture over and over.
    Freeze,
    /// `corrupt`: well-formed packets full of random bytes.
    Corrupt,
    /// `backwards`: RTP timestamps jump up to 2 s to and fro.
    Backwards,
    /// `reboot=SECONDS`: hangs up on everybody, is gone for so long, and comes back.
    Reboot {
        /// How long it is gone.
        seconds: f32,
    },
}

/// A text that names no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no fault: write {}", Fault::WORDS.join(", "))]
pub struct FaultError {
    text: String,
}

impl Fault {
    /// How each fault is written.
    pub const WORDS: [&'static str; 15] = [
        "drop",
        "stall",
        "refuse",
        "not-found",
        "mute",
        "garbage",
        "loss=PERCENT",
        "jitter=MILLIS",
        "clock=SECONDS",
        "resolution",
        "codec",
        "freeze",
        "corrupt",
        "backwards",
        "reboot=SECONDS",
    ];

    /// How long it lasts by itself; `None` where only a command or its time ends it.
    #[must_use]
    pub fn own_length(self) -> Option<Duration> {
        match self {
            Self::Drop => Some(Duration::ZERO),
            Self::Reboot { seconds } => Some(Duration::from_secs_f32(seconds)),
            _ => None,
        }
    }

    /// Whether viewers are hung up on when it begins.
    fn hangs_up(self) -> bool {
        matches!(
            self,
            Self::Drop | Self::Refuse | Self::NotFound | Self::Reboot { .. }
        )
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let wrong = || FaultError {
            text: text.to_owned(),
        };
        let (word, value) = match text.split_once('=') {
            Some((word, value)) => (word, Some(value)),
            None => (text, None),
        };
        fn number<T: FromStr>(value: Option<&str>) -> Option<T> {
            value?.parse().ok()
        }
        let seconds =
            || number::<f32>(value).filter(|seconds| (0.0..=MAX_SECONDS).contains(seconds));
        let plain = |fault| value.is_none().then_some(fault);
        let fault = match word {
            "drop" => plain(Self::Drop),
            "stall" => plain(Self::Stall),
            "refuse" => plain(Self::Refuse),
            "not-found" => plain(Self::NotFound),
            "mute" => plain(Self::Mute),
            "garbage" => plain(Self::Garbage),
            "loss" => number(value)
                .filter(|percent| (0.0..=100.0).contains(percent))
                .map(|percent| Self::Loss { percent }),
            "jitter" => number(value)
                .filter(|millis| *millis <= MAX_JITTER_MILLIS)
                .map(|millis| Self::Jitter { millis }),
            "clock" => number(value)
                .filter(|seconds: &i64| seconds.unsigned_abs() <= 10 * 365 * 86_400)
                .map(|seconds| Self::Clock { seconds }),
            "resolution" => plain(Self::Resolution),
            "codec" => plain(Self::Codec),
            "freeze" => plain(Self::Freeze),
            "corrupt" => plain(Self::Corrupt),
            "backwards" => plain(Self::Backwards),
            "reboot" => seconds().map(|seconds| Self::Reboot { seconds }),
            _ => None,
        };
        fault.ok_or_else(wrong)
    }
}

impl TryFrom<String> for Fault {
    type Error = FaultError;

    fn try_from(text: String) -> Result<Self, FaultError> {
        text.parse()
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.to_string()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drop => f.write_str("drop"),
            Self::Stall => f.write_str("stall"),
            Self::Refuse => f.write_str("refuse"),
            Self::NotFound => f.write_str("not-found"),
            Self::Mute => f.write_str("mute"),
            Self::Garbage => f.write_str("garbage"),
            Self::Loss { percent } => write!(f, "loss={percent}"),
            Self::Jitter { millis } => write!(f, "jitter={millis}"),
            Self::Clock { seconds } => write!(f, "clock={seconds}"),
            Self::Resolution => f.write_str("resolution"),
            Self::Codec => f.write_str("codec"),
            Self::Freeze => f.write_str("freeze"),
            Self::Corrupt => f.write_str("corrupt"),
            Self::Backwards => f.write_str("backwards"),
            Self::Reboot { seconds } => write!(f, "reboot={seconds}"),
        }
    }
}

/// How the camera meets whoever names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Answering {
    #[default]
    Open,
    /// Hangs up.
    Refused,
    /// Answers 404.
    NotFound,
    /// Says nothing.
    Mute,
    /// Says random bytes.
    Garbage,
}

/// Which of a camera's recordings plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Picture {
    #[default]
    Normal,
    OtherSize,
    OtherCodec,
}

/// What all faults in force amount to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Effect {
    pub(super) answering: Answering,
    pub(super) stalled: bool,
    pub(super) loss_percent: f32,
    pub(super) jitter: Duration,
    pub(super) clock_seconds: i64,
    pub(super) picture: Picture,
    pub(super) frozen: bool,
    pub(super) corrupt: bool,
    pub(super) backwards: bool,
    /// Counts the times that every viewer was hung up on.
    pub(super) hangups: u64,
}

/// The faults in force at one camera.
#[derive(Debug, Default)]
pub(super) struct FaultBoard {
    active: Vec<(u64, Fault)>,
    hangups: u64,
    applied: u64,
}

impl FaultBoard {
    /// Puts a fault in force under a number of the caller's.
    pub(super) fn add(&mut self, number: u64, fault: Fault) {
        self.applied += 1;
        self.hangups += u64::from(fault.hangs_up());
        if fault != Fault::Drop {
            self.active.push((number, fault));
        }
    }

    pub(super) fn end(&mut self, number: u64) {
        self.active.retain(|(other, _)| *other != number);
    }

    pub(super) fn clear(&mut self) {
        self.active.clear();
    }

    /// The faults in force, oldest first.
    pub(super) fn in_force(&self) -> Vec<Fault> {
        self.active.iter().map(|(_, fault)| *fault).collect()
    }

    /// How many faults were ever put in force.
    pub(super) fn applied(&self) -> u64 {
        self.applied
    }

    /// What they amount to; where two contradict each other, the younger wins.
    pub(super) fn effect(&self) -> Effect {
        let mut effect = Effect {
            hangups: self.hangups,
            ..Effect::default()
        };
        for (_, fault) in &self.active {
            match *fault {
                Fault::Drop => {}
                Fault::Stall => effect.stalled = true,
                Fault::Refuse | Fault::Reboot { .. } => effect.answering = Answering::Refused,
                Fault::NotFound => effect.answering = Answering::NotFound,
                Fault::Mute => effect.answering = Answering::Mute,
                Fault::Garbage => effect.answering = Answering::Garbage,
                Fault::Loss { percent } => effect.loss_percent = percent,
                Fault::Jitter { millis } => effect.jitter = Duration::from_millis(millis.into()),
                Fault::Clock { seconds } => effect.clock_seconds = seconds,
                Fault::Resolution => effect.picture = Picture::OtherSize,
                Fault::Codec => effect.picture = Picture::OtherCodec,
                Fault::Freeze => effect.frozen = true,
                Fault::Corrupt => effect.corrupt = true,
                Fault::Backwards => effect.backwards = true,
            }
        }
        effect
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_word_is_read_and_written_alike() {
        for word in Fault::WORDS {
            let text = word
                .replace("PERCENT", "2.5")
                .replace("MILLIS", "200")
                .replace("SECONDS", "-3600");
            let text = if word.starts_with("reboot") {
                "reboot=20".to_owned()
            } else {
                text
            };
            let fault: Fault = text.parse().expect(word);
            assert_eq!(fault.to_string(), text);
        }
    }

    #[test]
    fn nonsense_is_refused_with_all_words() {
        for text in [
            "",
            "los",
            "loss",
            "loss=101",
            "stall=3",
            "jitter=-1",
            "reboot=x",
        ] {
            let error = text.parse::<Fault>().expect_err(text).to_string();
            assert!(error.contains("reboot=SECONDS"), "{error}");
        }
    }

    #[test]
    fn faults_add_up_and_go_one_by_one() {
        let mut board = FaultBoard::default();
        board.add(1, Fault::Loss { percent: 5.0 });
        board.add(2, Fault::Reboot { seconds: 1.0 });
        let effect = board.effect();
        assert_eq!((effect.answering, effect.hangups), (Answering::Refused, 1));
        assert_eq!(effect.loss_percent, 5.0);
        board.end(2);
        let effect = board.effect();
        assert_eq!((effect.answering, effect.hangups), (Answering::Open, 1));
        board.add(3, Fault::Drop);
        assert_eq!(board.effect().hangups, 2);
        board.clear();
        let calm = Effect {
            hangups: 2,
            ..Effect::default()
        };
        assert_eq!(board.effect(), calm);
        assert_eq!(board.applied(), 3);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,24}") {
            if let Ok(fault) = text.parse::<Fault>() {
                prop_assert_eq!(fault.to_string().parse::<Fault>(), Ok(fault));
            }
        }
    }
}
