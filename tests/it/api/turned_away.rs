//! Limits, each met and counted; and the audit log of what was asked for.

use std::time::Duration;

use parapet::api::client::SubscribeFrom;
use parapet::audit;
use parapet::model::access::Role;
use parapet::proto::v1;
use parapet::proto::v1::events_client::EventsClient;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;

use super::site::{Site, name_of};
use super::support::{Daemon, code, consumer, open_door};

/// Waits until the server closes the connection.
async fn closed(mut socket: TcpStream) {
    let mut bytes = [0; 256];
    let end = async { while !matches!(socket.read(&mut bytes).await, Ok(0) | Err(_)) {} };
    let in_time = tokio::time::timeout(Duration::from_secs(10), end).await;
    assert!(in_time.is_ok(), "the connection stayed open");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_or_drips_is_cut_off_with_and_without_tls() {
    let site = Site::new();
    for mut api in [site.api(), open_door()] {
        api.limits.handshake_timeout = Duration::from_millis(100);
        api.limits.first_request = Duration::from_millis(100);
        let daemon = site.start(&api).await;
        let silent = TcpStream::connect(daemon.address).await.expect("connect");
        let mut drips = TcpStream::connect(daemon.address).await.expect("connect");
        drips.write_all(b"PRI * HT").await.expect("a few bytes");
        closed(silent).await;
        closed(drips).await;
        let reasons = ["handshake_time", "handshake", "first_request"];
        assert_eq!(daemon.counted(&reasons, 2).await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_gets_only_so_many_connections_and_they_come_back() {
    let mut api = open_door();
    api.limits.connections_per_address = 3;
    let daemon = Daemon::start_behind(&api, tempfile::tempdir().expect("folder")).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut client = daemon.client().await;
        client.cameras().await.expect("answered");
        held.push(client);
    }
    closed(TcpStream::connect(daemon.address).await.expect("connect")).await;
    daemon.counted(&["connections_of_address"], 1).await;
    drop(held);
    while daemon.metrics.access.connections.get() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    daemon.client().await.cameras().await.expect("room again");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_too_large_messages_and_headers_are_refused_with_a_reason() {
    let mut api = open_door();
    (api.limits.requests_per_second, api.limits.request_burst) = (0.1, 5);
    api.limits.header_bytes = 1_024;
    let daemon = Daemon::start_behind(&api, tempfile::tempdir().expect("folder")).await;
    let mut client = EventsClient::new(daemon.channel().await);
    let large = v1::AcknowledgeRequest {
        consumer: "x".repeat(100_000),
        sequence: 1,
    };
    let status = client.acknowledge(large).await.expect_err("too large");
    assert_eq!(status.code(), Code::OutOfRange);
    daemon.counted(&["message"], 1).await;
    let mut request = tonic::Request::new(v1::QueryRequest::default());
    let long = "x".repeat(1_500).parse().expect("ASCII");
    request.metadata_mut().insert("x-long", long);
    let status = client.query(request).await.expect_err("too large");
    assert_eq!(status.code(), Code::ResourceExhausted);
    daemon.counted(&["headers"], 1).await;
    let mut refused = 0;
    for _ in 0..10 {
        match client.query(v1::QueryRequest::default()).await {
            Ok(_) => {}
            Err(status) => {
                assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
                refused += 1;
            }
        }
    }
    assert!(refused >= 6, "{refused} of 10 refused");
    assert_eq!(daemon.metrics.refusals("rate"), refused);
    // Who does not stop is cut off.
    let end = async {
        while client
            .query(v1::QueryRequest::default())
            .await
            .is_ok_and(|_| true)
            || daemon.metrics.access.connections.get() > 0
        {}
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(10), end)
            .await
            .is_ok()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_of_admin_is_in_the_audit_log_before_it_is_done() {
    let site = Site::new();
    let daemon = site.start(&site.api()).await;
    let mut admin = site.client(&daemon, &name_of(Role::Admin)).await;
    let mut platform = site.client(&daemon, &name_of(Role::Subscriber)).await;
    let id = || "yard-1".to_owned();
    admin
        .admin()
        .restart_camera(v1::RestartCameraRequest { id: id() })
        .await
        .expect("done");
    let refused = platform
        .admin()
        .pause_camera(v1::PauseCameraRequest { id: id() })
        .await;
    assert_eq!(refused.expect_err("role").code(), Code::PermissionDenied);
    let path = daemon.folder.path().join("audit.sqlite3");
    let read = |path: &std::path::Path| -> Vec<String> {
        let entries = audit::read_file(path, 0, 100).expect("read");
        let words = |e: &audit::Written| format!("{} {} {} {}", e.who, e.what, e.target, e.result);
        entries.iter().map(words).collect()
    };
    let wanted = [
        "the-admin login 127.0.0.1 done",
        "the-subscriber login 127.0.0.1 done",
        "the-admin camera.restart yard-1 asked",
        "the-admin camera.restart yard-1 done",
        "the-subscriber call /parapet.v1.Admin/PauseCamera refused",
    ];
    let all = async {
        while !wanted
            .iter()
            .all(|line| read(&path).iter().any(|l| l == line))
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(10), all).await;
    assert!(in_time.is_ok(), "{:#?}", read(&path));
    let asked = read(&path);
    let at = |line: &str| asked.iter().position(|l| l == line);
    assert!(at(wanted[2]) < at(wanted[3]));
    assert_eq!(
        audit::verify_file(&path).expect("read").problems,
        Vec::<String>::new()
    );
    let request = v1::ReadAuditLogRequest {
        after_sequence: 0,
        page_size: 2,
    };
    let page = admin.admin().read_audit_log(request).await;
    let page = page.expect("page").into_inner();
    assert_eq!((page.entries.len(), page.next_after_sequence), (2, 2));
    let sessions = admin.admin().list_sessions(v1::ListSessionsRequest {});
    let sessions = sessions.await.expect("sessions").into_inner().sessions;
    let who: Vec<_> = sessions.iter().map(|s| (&*s.identity, &*s.role)).collect();
    assert_eq!(
        who,
        [("the-admin", "admin"), ("the-subscriber", "subscriber")]
    );
    assert!(!sessions[0].certificate_serial.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_changed_while_the_audit_log_cannot_be_written_and_events_flow_on() {
    let site = Site::new();
    let daemon = site.start(&site.api()).await;
    daemon.commit(1, 3).await;
    let mut operator = site.client(&daemon, &name_of(Role::Operator)).await;
    // A lock that is not given back, as by a sick disk: every write fails.
    let path = daemon.folder.path().join("audit.sqlite3");
    let holder = rusqlite::Connection::open(&path).expect("open");
    holder.execute_batch("BEGIN EXCLUSIVE").expect("held");
    let pause = || v1::PauseCameraRequest {
        id: "yard-1".to_owned(),
    };
    let status = operator.admin().pause_camera(pause()).await;
    let status = status.expect_err("refused");
    assert_eq!(status.code(), Code::Unavailable);
    assert!(
        status.message().contains("audit log"),
        "{}",
        status.message()
    );
    let delete = v1::DeleteConsumerRequest {
        name: "platform".to_owned(),
    };
    let status = operator.admin().delete_consumer(delete).await;
    assert_eq!(status.expect_err("refused").code(), Code::Unavailable);
    assert_eq!(daemon.control.asked.lock().len(), 0);
    assert_eq!(daemon.metrics.refusals("audit"), 2);
    let named = SubscribeFrom::Consumer(consumer());
    let mut events = operator
        .subscribe(named, &parapet::journal::Filter::default())
        .await
        .map_err(code)
        .expect("events flow on");
    assert_eq!(super::support::take(&mut events, 3).await, [1, 2, 3]);
    holder.execute_batch("ROLLBACK").expect("given back");
    operator.admin().pause_camera(pause()).await.expect("again");
    assert_eq!(daemon.control.asked.lock().len(), 1);
}
