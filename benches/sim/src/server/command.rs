//! What a server can be told, and what it answers: the vocabulary of the control socket, of
//! scripts and of random faults.
//!
//! One JSON object a line each way:
//!
//! ```text
//! ▶ {"do":"fault","fault":"loss=5","at":{"names":["camera-1","yard-*"]},"for_seconds":10}
//! ◀ {"ok":true,"cameras":2}
//! ▶ {"do":"fault","fault":"reboot=20","at":{"count":100}}
//! ▶ {"do":"clear"}
//! ▶ {"do":"play","file":"/clips/intruder.mp4","at":{"names":["camera-1"]}}
//! ▶ {"do":"status","at":{"names":["camera-1"]}}
//! ◀ {"ok":true,"status":{…}}
//! ▶ {"do":"stop"}
//! ```
//!
//! `names` may hold one `*` each; without `at` all cameras are meant. `count` takes the first so
//! many of them. A fault lasts `for_seconds`, or until it is cleared. A recording to `play` is read
//! by the server, so its path is the server's; it must have the camera's codec and size.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::fault::Fault;
use super::report::Report;

/// What a server is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Put a fault in force.
    Fault {
        fault: Fault,
        /// At these cameras.
        #[serde(default)]
        at: Cameras,
        /// Ends after this; none means with `clear`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        for_seconds: Option<f32>,
    },
    /// End every fault.
    Clear {
        /// At these cameras.
        #[serde(default)]
        at: Cameras,
    },
    /// Play a recording once, as it was coded, to those who watch: from the next keyframe on, in
    /// place of the camera's own, which goes on after it. When each began stands in the status.
    Play {
        file: PathBuf,
        /// At these cameras.
        #[serde(default)]
        at: Cameras,
    },
    /// Tell what was served.
    Status {
        /// By these cameras.
        #[serde(default)]
        at: Cameras,
    },
    /// Stop the server.
    Stop,
}

/// A choice of cameras.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cameras {
    /// Names with at most one `*` each; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Only the first so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
}

impl Cameras {
    /// These cameras.
    #[must_use]
    pub fn named(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            names: names.into_iter().map(Into::into).collect(),
            count: None,
        }
    }

    /// The places of the chosen ones among `mounts`, in their order.
    pub(super) fn choose<'m>(&self, mounts: impl Iterator<Item = &'m str>) -> Vec<usize> {
        let wanted =
            |mount: &str| self.names.is_empty() || self.names.iter().any(|name| fits(name, mount));
        mounts
            .enumerate()
            .filter(|(_, mount)| wanted(mount))
            .map(|(place, _)| place)
            .take(self.count.unwrap_or(usize::MAX))
            .collect()
    }
}

fn fits(pattern: &str, mount: &str) -> bool {
    let pattern = pattern.trim_matches('/');
    match pattern.split_once('*') {
        None => pattern == mount,
        Some((head, tail)) => {
            mount.len() >= head.len() + tail.len()
                && mount.starts_with(head)
                && mount.ends_with(tail)
        }
    }
}

/// What a server answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// Whether it was done.
    pub ok: bool,
    /// Why not, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How many cameras it touched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cameras: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Box<Report>>,
}

impl Reply {
    pub(super) fn done(cameras: usize) -> Self {
        Self {
            ok: true,
            error: None,
            cameras: Some(cameras),
            status: None,
        }
    }

    pub(super) fn refused(error: impl Into<String>) -> Self {
        Self {
            ok: false,
            error: Some(error.into()),
            cameras: None,
            status: None,
        }
    }

    pub(super) fn status(report: Report) -> Self {
        Self {
            ok: true,
            error: None,
            cameras: None,
            status: Some(Box::new(report)),
        }
    }
}

/// A command and where its answer goes.
pub(super) type CommandRequest = (Command, oneshot::Sender<Reply>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_as_documented() {
        let command: Command = serde_json::from_str(
            r#"{"do":"fault","fault":"loss=5","at":{"names":["yard-*"]},"for_seconds":10}"#,
        )
        .expect("a command");
        let expected = Command::Fault {
            fault: Fault::Loss { percent: 5.0 },
            at: Cameras::named(["yard-*"]),
            for_seconds: Some(10.0),
        };
        assert_eq!(command, expected);
        let stop: Command = serde_json::from_str(r#"{"do":"stop"}"#).expect("a command");
        assert_eq!(stop, Command::Stop);
        for wrong in [
            r#"{"do":"explode"}"#,
            r#"{"do":"fault","fault":"los"}"#,
            r#"{"do":"fault","fault":"drop","names":["yard"]}"#,
        ] {
            serde_json::from_str::<Command>(wrong).expect_err(wrong);
        }
    }

    #[test]
    fn cameras_are_chosen_by_name_star_and_count() {
        let mounts = ["yard-1", "yard-2", "gate"];
        let choose = |names: &[&str], count| {
            let at = Cameras {
                count,
                ..Cameras::named(names.iter().copied())
            };
            at.choose(mounts.iter().copied())
        };
        assert_eq!(choose(&[], None), [0, 1, 2]);
        assert_eq!(choose(&["yard-*"], None), [0, 1]);
        assert_eq!(choose(&["/gate", "nobody"], None), [2]);
        assert_eq!(choose(&["*"], Some(2)), [0, 1]);
        assert_eq!(choose(&["yard-*-1"], None), [] as [usize; 0]);
    }
}
