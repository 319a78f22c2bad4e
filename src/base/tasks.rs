//! Every task and thread has a name and an owner that notices its end.

use std::future::Future;
use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// Starts an OS thread with a name (cut to the 15 bytes that Linux keeps).
///
/// # Errors
/// The operating system's, when it cannot give another thread.
pub fn named_thread<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
}

/// Behind the threads that receive, analyse and answer.
const NICENESS: i32 = 2;

/// As [`named_thread`], for one that computes: where the processor is not enough for all, what
/// receives and tells goes on in time and this one takes what is left. Where the operating system
/// does not allow it, it runs as the others.
///
/// # Errors
/// The operating system's, when it gives no thread.
pub fn yielding_thread<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    named_thread(name, move || {
        // Of the calling thread alone, on Linux.
        if let Err(error) = rustix::process::nice(NICENESS) {
            tracing::debug!(%error, "a thread's niceness stays as it is");
        }
        body()
    })
}

/// What became of a task of a [`TaskSet`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskEnd {
    /// The name it was started with.
    pub name: String,
    /// Its panic's message, when it panicked.
    pub panic: Option<String>,
}

/// Tasks that stop together. Each has a name and a span; an end is seen by [`TaskSet::next_end`].
#[derive(Debug)]
pub struct TaskSet {
    tasks: JoinSet<TaskEnd>,
    cancel: CancellationToken,
}

impl TaskSet {
    /// An empty set, cancelled together with `parent`.
    #[must_use]
    pub fn under(parent: &CancellationToken) -> Self {
        Self {
            tasks: JoinSet::new(),
            cancel: parent.child_token(),
        }
    }

    /// The token that asks every task of this set to end.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// Starts a task on the current tokio runtime.
    pub fn spawn(
        &mut self,
        name: impl Into<String>,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let name = name.into();
        let span = tracing::info_span!("task", name = %name);
        self.tasks.spawn(
            async move {
                let inner = CatchPanic {
                    inner: Box::pin(task),
                };
                TaskEnd {
                    name,
                    panic: inner.await,
                }
            }
            .instrument(span),
        );
    }

    /// The next task that ends; `None` when no task is left.
    pub async fn next_end(&mut self) -> Option<TaskEnd> {
        match self.tasks.join_next().await? {
            Ok(end) => Some(end),
            Err(error) => Some(TaskEnd {
                name: "?".to_owned(),
                panic: Some(error.to_string()),
            }),
        }
    }

    /// Forgets the tasks that have ended since, so that a long life leaves nothing behind.
    pub fn reap(&mut self) -> Vec<TaskEnd> {
        std::iter::from_fn(|| self.tasks.try_join_next())
            .filter_map(Result::ok)
            .collect()
    }

    /// Asks every task to end and waits at most `deadline`; what still runs then is aborted.
    /// Returns the names of the tasks that ended in time and whether any had to be aborted.
    pub async fn stop(mut self, deadline: Duration) -> (Vec<TaskEnd>, bool) {
        self.cancel.cancel();
        let mut ended = Vec::new();
        let drained = tokio::time::timeout(deadline, async {
            while let Some(end) = self.next_end().await {
                ended.push(end);
            }
        })
        .await;
        self.tasks.abort_all();
        (ended, drained.is_err())
    }
}

/// Runs `task` to its end; a panic becomes its message.
pub async fn catch_panic(task: impl Future<Output = ()> + Send) -> Option<String> {
    CatchPanic {
        inner: Box::pin(task),
    }
    .await
}

struct CatchPanic<F> {
    inner: std::pin::Pin<Box<F>>,
}

impl<F: Future<Output = ()>> Future for CatchPanic<F> {
    type Output = Option<String>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            self.inner.as_mut().poll(context)
        }));
        match polled {
            Ok(poll) => poll.map(|()| None),
            Err(payload) => std::task::Poll::Ready(Some(panic_message(payload.as_ref()))),
        }
    }
}

/// The text of a caught panic.
#[must_use]
pub fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panic without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panicking_task_is_named_and_the_others_go_on() {
        let mut tasks = TaskSet::under(&CancellationToken::new());
        let token = tasks.token();
        tasks.spawn("steady", async move { token.cancelled().await });
        tasks.spawn("broken", async { panic!("bad frame") });
        let end = tasks.next_end().await.expect("one ended");
        assert_eq!(
            end,
            TaskEnd {
                name: "broken".into(),
                panic: Some("bad frame".into())
            }
        );
        let (ended, aborted) = tasks.stop(Duration::from_secs(5)).await;
        assert_eq!(
            ended,
            [TaskEnd {
                name: "steady".into(),
                panic: None
            }]
        );
        assert!(!aborted);
    }

    #[tokio::test]
    async fn a_task_that_does_not_listen_is_aborted_at_the_deadline() {
        let mut tasks = TaskSet::under(&CancellationToken::new());
        tasks.spawn("deaf", std::future::pending());
        let (ended, aborted) = tasks.stop(Duration::from_millis(10)).await;
        assert!(ended.is_empty() && aborted);
    }
}
