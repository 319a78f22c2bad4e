//! The examples against a real API: what they print is what was committed.

#[path = "../../examples/receiver.rs"]
#[expect(dead_code, reason = "its main is the example's own")]
mod receiver;
#[path = "../../examples/subscriber.rs"]
#[expect(dead_code, reason = "its main is the example's own")]
mod subscriber;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use parapet::api::uplink::{self, UplinkDeps};
use parapet::base::tasks::TaskSet;
use parapet::config::types::UplinkConfig;
use parapet::model::ids::{NodeName, Sequence, SiteName};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::api::support::{Daemon, LONG, consumer};

fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().map(str::to_owned).collect()
}

fn sequence(line: &str, word: usize) -> u64 {
    let word = line.split(' ').nth(word).expect("a word");
    word.parse().expect("a sequence")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_subscriber_prints_each_event_once_and_goes_on_where_it_was() {
    let daemon = Daemon::start().await;
    daemon.commit(1, 40).await;
    for (first, count) in [(1, 25), (26, 15)] {
        let mut out = Vec::new();
        let name = consumer().to_string();
        subscriber::follow(daemon.url(), name, Some(count), &mut out)
            .await
            .expect("followed");
        let printed: Vec<_> = lines(&out).iter().map(|line| sequence(line, 0)).collect();
        assert!(printed.into_iter().eq(first..first + count as u64));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receiver_takes_what_the_uplink_brings_and_moves_its_consumer() {
    let daemon = Daemon::start().await;
    daemon.commit(1, 3_000).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listener");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    let out = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = TaskSet::under(&CancellationToken::new());
    let sink: receiver::Sink = out.clone();
    tasks.spawn("receiver", async move {
        receiver::serve(listener, sink).await.expect("served");
    });
    let config = UplinkConfig {
        url: url.parse().expect("URL"),
        tls: None,
        consumer: consumer(),
    };
    let deps = UplinkDeps {
        reader: daemon.journal.reader(),
        metrics: Arc::clone(&daemon.metrics),
        site: SiteName::new("site").expect("name"),
        node: NodeName::new("node").expect("name"),
    };
    tasks.spawn("uplink", uplink::run(config, deps, tasks.token()));
    daemon.commit(3_001, 3_010).await;
    let reader = daemon.journal.reader();
    let all = async {
        while reader.acknowledged(&consumer()) != Some(Sequence(3_010)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, all).await.expect("in time");
    let printed = lines(&out.lock().expect("lock"));
    let printed: Vec<_> = printed.iter().map(|line| sequence(line, 1)).collect();
    assert!(printed.into_iter().eq(1..=3_010));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_subscriber_prints_each_event_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/python-example");
    let made = Command::new(root.join("examples/python/setup.sh"))
        .arg(&folder)
        .stdin(Stdio::null())
        .output()
        .expect("bash");
    if !made.status.success() {
        let why = String::from_utf8_lossy(&made.stderr);
        println!("skipped: no virtual environment with grpcio: {why}");
        return;
    }
    let daemon = Daemon::start().await;
    daemon.commit(1, 30).await;
    let run = |limit: &str| {
        let mut command = Command::new(folder.join("bin/python"));
        command
            .arg(root.join("examples/python/subscriber.py"))
            .arg(daemon.address.to_string())
            .args(["python", "--limit", limit])
            .env("PYTHONPATH", folder.join("generated"))
            .stdin(Stdio::null());
        tokio::task::spawn_blocking(move || command.output().expect("python"))
    };
    let mut printed = Vec::new();
    for limit in ["20", "10"] {
        let output = run(limit).await.expect("run");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words}");
        printed.extend(lines(&output.stdout).iter().map(|line| sequence(line, 0)));
    }
    assert!(printed.into_iter().eq(1..=30));
}
