//! The gRPC API in process: a journal, a server on a free port, real clients.

mod certificates;
mod roles;
mod site;
pub(crate) mod support;
mod turned_away;

use std::time::Duration;

use parapet::api::CameraView as _;
use parapet::api::client::{SubscribeFrom, Told};
use parapet::journal::Filter;
use parapet::model::entry::GapReason;
use parapet::model::event::{Event, EventKind, Severity};
use parapet::model::ids::Sequence;
use parapet::model::time::UtcMicros;
use parapet::proto::v1;
use parapet::proto::v1::cameras_client::CamerasClient;
use parapet::proto::v1::events_client::EventsClient;
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use self::support::{Daemon, LONG, OneCamera, camera, code, consumer, take};

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_gets_what_is_stored_from_its_sequence_and_then_what_comes() {
    let daemon = Daemon::start().await;
    daemon.commit(1, 700).await;
    let mut events = daemon
        .client()
        .await
        .subscribe_after(100)
        .await
        .expect("subscribe");
    assert!(take(&mut events, 600).await.into_iter().eq(101..=700));
    daemon.commit(701, 705).await;
    assert!(take(&mut events, 5).await.into_iter().eq(701..=705));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_consumer_that_reconnects_loses_nothing_even_over_a_restart() {
    let daemon = Daemon::start().await;
    daemon.commit(1, 50).await;
    let named = || SubscribeFrom::Consumer(consumer());
    {
        let mut client = daemon.client().await;
        let mut events = client
            .subscribe(named(), &Filter::default())
            .await
            .expect("subscribe");
        assert!(take(&mut events, 30).await.into_iter().eq(1..=30));
        let position = client
            .acknowledge(&consumer(), Sequence(20))
            .await
            .expect("acknowledge");
        assert_eq!(position, Sequence(20));
    }
    let Daemon {
        journal,
        servers,
        folder,
        ..
    } = daemon;
    assert!(!servers.stop(LONG).await.1);
    drop(journal);
    let daemon = Daemon::start_on(folder).await;
    daemon.commit(51, 60).await;
    let mut client = daemon.client().await;
    let mut events = client
        .subscribe(named(), &Filter::default())
        .await
        .expect("subscribe");
    assert!(take(&mut events, 40).await.into_iter().eq(21..=60));
    let back = client
        .acknowledge(&consumer(), Sequence(3))
        .await
        .expect("acknowledge");
    assert_eq!(back, Sequence(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_hold_events_back_and_a_position_says_how_far_they_looked() {
    let daemon = Daemon::start().await;
    daemon.commit(1, 60).await;
    let mut client = daemon.client().await;
    let filter = Filter {
        cameras: vec![camera(0)],
        kinds: vec![EventKind::RUNNING],
        min_severity: Some(Severity::Alarm),
        ..Filter::default()
    };
    let from = SubscribeFrom::After(Sequence(0));
    let mut events = client.subscribe(from, &filter).await.expect("subscribe");
    let mut told = Vec::new();
    for _ in 0..3 {
        match events.told().await.expect("goes on").expect("told") {
            Told::Record(record) => told.push(record.sequence.0),
            Told::Position(position) => assert_eq!(position, Sequence(60)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, [30, 60]);
}

/// A kind that only newer programs have a name for, in the journal of this one: through gRPC to a
/// client, by a filter, by a query, to a durable consumer and out of the command line.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_kind_passes_through_as_its_number_and_stops_nobody() {
    let daemon = Daemon::start().await;
    daemon.commit(1, 2).await;
    let kind = EventKind::from_number(9_999).expect("a kind");
    let newer = Event {
        kind,
        ..support::event(3)
    };
    let writer = daemon.journal.writer();
    writer.append(newer.clone(), None).expect("append");
    daemon.commit(4, 5).await;
    let mut client = daemon.client().await;
    let named = SubscribeFrom::Consumer(consumer());
    let mut events = client
        .subscribe(named, &Filter::default())
        .await
        .expect("subscribe");
    assert!(take(&mut events, 5).await.into_iter().eq(1..=5));
    let position = client.acknowledge(&consumer(), Sequence(5)).await;
    assert_eq!(position.expect("acknowledge"), Sequence(5));
    let filter = Filter {
        kinds: vec![kind],
        ..Filter::default()
    };
    let from = SubscribeFrom::After(Sequence(0));
    let mut events = client.subscribe(from, &filter).await.expect("subscribe");
    assert!(take(&mut events, 1).await.into_iter().eq([3]));
    let (records, _) = client.query(&filter, 10).await.expect("query");
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].event, newer);

    let mut raw = EventsClient::new(daemon.channel().await);
    let request = v1::QueryRequest {
        page_size: 10,
        ..v1::QueryRequest::default()
    };
    let answer = raw.query(request).await.expect("query").into_inner();
    let wire = &answer.events[2];
    assert_eq!((wire.kind, wire.gbt28181), (9_999, None));
    assert_eq!(wire.onvif_topic, "");

    let printed = std::process::Command::new(env!("CARGO_BIN_EXE_parapet"))
        .args(["events", "--server", &daemon.url(), "--limit", "1"])
        .args(["--kind", "9999"])
        .output()
        .expect("run");
    let text = String::from_utf8_lossy(&printed.stdout);
    assert!(
        text.contains(r#""kind":"9999","kind_number":9999"#),
        "{printed:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_pages_through_the_stored_events() {
    let daemon = Daemon::start().await;
    daemon.commit(1, 25).await;
    let mut client = daemon.client().await;
    let mut filter = Filter {
        from: Some(UtcMicros(3)),
        to: Some(UtcMicros(24)),
        ..Filter::default()
    };
    let mut found = Vec::new();
    for _ in 0..3 {
        let (records, next) = client.query(&filter, 10).await.expect("query");
        found.extend(records.iter().map(|record| record.sequence.0));
        let Some(next) = next else { break };
        filter.after_sequence = next;
    }
    assert!(found.into_iter().eq(3..24));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_are_gone_are_told_as_a_gap() {
    let daemon = Daemon::start().await;
    daemon.commit(1, 9).await;
    let path = daemon.folder.path().join("journal.sqlite");
    let file = rusqlite::Connection::open(path).expect("file");
    file.execute_batch("DELETE FROM records WHERE sequence <= 5")
        .expect("drop the oldest");
    let mut events = daemon
        .client()
        .await
        .subscribe_after(2)
        .await
        .expect("subscribe");
    let first = events.told().await.expect("goes on").expect("told");
    let Told::Gap(gap) = first else {
        panic!("{first:?}");
    };
    assert_eq!(
        (gap.first, gap.last, gap.count),
        (Sequence(3), Sequence(5), 3)
    );
    assert_eq!(gap.reason, GapReason::Missing);
    assert_eq!(take(&mut events, 4).await, [6, 7, 8, 9]);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_are_refused_with_the_fields_name() {
    let daemon = Daemon::start().await;
    daemon.commit(1, 2).await;
    let mut client = daemon.client().await;
    let ahead = client.subscribe_after(3).await.expect_err("beyond the end");
    assert_eq!(code(ahead).0, Code::OutOfRange);
    let ahead = client
        .acknowledge(&consumer(), Sequence(3))
        .await
        .expect_err("beyond the end");
    assert_eq!(code(ahead).0, Code::OutOfRange);
    let (wrong, text) = code(
        client
            .query(&Filter::default(), 257)
            .await
            .expect_err("page"),
    );
    assert!(
        wrong == Code::InvalidArgument && text.starts_with("page_size"),
        "{text}"
    );

    let mut events = EventsClient::new(daemon.channel().await);
    let no_start = v1::SubscribeRequest::default();
    let status = events.subscribe(no_start).await.expect_err("no start");
    assert!(status.code() == Code::InvalidArgument && status.message().starts_with("start"));
    let request = v1::QueryRequest {
        filter: Some(v1::EventFilter {
            cameras: vec!["a b".to_owned()],
            ..Default::default()
        }),
        ..Default::default()
    };
    let status = events
        .query(request)
        .await
        .expect_err("no camera is called so");
    assert!(
        status.message().starts_with("filter.cameras"),
        "{}",
        status.message()
    );
    let request = v1::AcknowledgeRequest {
        consumer: String::new(),
        sequence: 1,
    };
    let status = events.acknowledge(request).await.expect_err("no name");
    assert!(
        status.message().starts_with("consumer"),
        "{}",
        status.message()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_does_not_read_holds_up_nobody_and_is_counted_while_it_lives() {
    let daemon = Daemon::start().await;
    let stalled = daemon
        .client()
        .await
        .subscribe_after(0)
        .await
        .expect("subscribe");
    let mut reading = daemon
        .client()
        .await
        .subscribe_after(0)
        .await
        .expect("subscribe");
    daemon.commit(1, 3_000).await;
    assert!(take(&mut reading, 3_000).await.into_iter().eq(1..=3_000));
    assert_eq!(daemon.metrics.subscribers.get(), 2);
    drop((stalled, reading));
    while daemon.metrics.subscribers.get() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_too_many_is_refused() {
    let daemon = Daemon::start().await;
    let mut client = daemon.client().await;
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(client.subscribe_after(0).await.expect("subscribe"));
    }
    let refused = client.subscribe_after(0).await.expect_err("one too many");
    assert_eq!(code(refused).0, Code::ResourceExhausted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_tells_every_subscriber_why() {
    let daemon = Daemon::start().await;
    daemon.commit(1, 1).await;
    let mut events = daemon
        .client()
        .await
        .subscribe_after(0)
        .await
        .expect("subscribe");
    assert_eq!(take(&mut events, 1).await, [1]);
    let (_, aborted) = daemon.servers.stop(LONG).await;
    assert!(!aborted);
    let end = events
        .next()
        .await
        .expect("a last word")
        .expect_err("an error");
    assert_eq!(code(end), (Code::Unavailable, "daemon stopping".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn cameras_are_listed_and_found_by_id() {
    let daemon = Daemon::start().await;
    assert_eq!(
        daemon.client().await.cameras().await.expect("cameras"),
        OneCamera.cameras()
    );
    let mut cameras = CamerasClient::new(daemon.channel().await);
    let found = cameras
        .get_camera(v1::GetCameraRequest {
            id: "yard-1".to_owned(),
        })
        .await;
    let camera = found.expect("known").into_inner().camera.expect("camera");
    assert_eq!(camera.state(), v1::CameraState::BackingOff);
    for (id, wrong) in [("yard-2", Code::NotFound), ("", Code::InvalidArgument)] {
        let refused = cameras
            .get_camera(v1::GetCameraRequest { id: id.to_owned() })
            .await;
        assert_eq!(refused.expect_err("no such camera").code(), wrong);
    }
}

/// grpcurl before 1.8.8, and clients as old, ask this way.
#[tokio::test(flavor = "multi_thread")]
async fn the_older_reflection_answers_too() {
    use tonic_reflection::pb::v1alpha;
    let daemon = Daemon::start().await;
    let channel = daemon.channel().await;
    let symbol = "parapet.v1.Events".to_owned();
    let ask = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(
            v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(symbol),
        ),
    };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
    let answers = client.server_reflection_info(tokio_stream::once(ask)).await;
    let mut answers = answers.expect("reflection").into_inner();
    let answer = answers.next().await.expect("answer").expect("answer");
    assert!(matches!(
        answer.message_response,
        Some(v1alpha::server_reflection_response::MessageResponse::FileDescriptorResponse(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_reflection_answer() {
    let daemon = Daemon::start().await;
    let channel = daemon.channel().await;
    let mut health = HealthClient::new(channel.clone());
    for service in [
        "",
        "parapet.v1.Events",
        "parapet.v1.Cameras",
        "parapet.v1.Admin",
    ] {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer = health.check(request).await.expect("health").into_inner();
        assert_eq!(answer.status, 1, "{service} is not SERVING");
    }
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = ServerReflectionClient::new(channel)
        .server_reflection_info(tokio_stream::once(ask))
        .await
        .expect("reflection")
        .into_inner();
    let answer = answers
        .next()
        .await
        .expect("answer")
        .expect("answer")
        .message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = answer else {
        panic!("{answer:?}");
    };
    let names: Vec<String> = list
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    for service in [
        "parapet.v1.Events",
        "parapet.v1.Cameras",
        "grpc.health.v1.Health",
    ] {
        assert!(names.iter().any(|name| name == service), "{names:?}");
    }
}
