//! Who may call what: the whole matrix, scopes and consumers' owners.

use std::collections::BTreeSet;

use parapet::access::methods::METHODS;
use parapet::api::client::{ClientError, SubscribeFrom, channel};
use parapet::journal::Filter;
use parapet::model::access::Role::{self, Admin, Operator, Subscriber};
use parapet::model::ids::Sequence;
use parapet::proto::v1;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use super::site::{Site, client, good, name_of, only, secure_url};
use super::support::{camera, code, consumer, take};

/// Written here once more, by hand: a slip in the daemon's table does not pass unseen.
const MATRIX: &[(&str, &[Role])] = &[
    (
        "/grpc.health.v1.Health/Check",
        &[Subscriber, Operator, Admin],
    ),
    (
        "/grpc.health.v1.Health/Watch",
        &[Subscriber, Operator, Admin],
    ),
    (
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        &[Subscriber, Operator, Admin],
    ),
    (
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        &[Subscriber, Operator, Admin],
    ),
    ("/parapet.v1.Admin/DeleteConsumer", &[Operator, Admin]),
    ("/parapet.v1.Admin/ListConsumers", &[Operator, Admin]),
    ("/parapet.v1.Admin/ListSessions", &[Admin]),
    ("/parapet.v1.Admin/PauseCamera", &[Operator, Admin]),
    ("/parapet.v1.Admin/ReadAuditLog", &[Admin]),
    ("/parapet.v1.Admin/ReloadConfiguration", &[Admin]),
    ("/parapet.v1.Admin/RestartCamera", &[Operator, Admin]),
    ("/parapet.v1.Admin/ResumeCamera", &[Operator, Admin]),
    (
        "/parapet.v1.Cameras/GetCamera",
        &[Subscriber, Operator, Admin],
    ),
    (
        "/parapet.v1.Cameras/ListCameras",
        &[Subscriber, Operator, Admin],
    ),
    ("/parapet.v1.Events/Acknowledge", &[Subscriber, Operator]),
    ("/parapet.v1.Events/Query", &[Subscriber, Operator]),
    ("/parapet.v1.Events/Subscribe", &[Subscriber, Operator]),
];

/// Every method that the descriptors of what is served know.
fn served() -> BTreeSet<String> {
    let sets = [
        v1::FILE_DESCRIPTOR_SET,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    let mut paths = BTreeSet::new();
    for set in sets {
        for file in FileDescriptorSet::decode(set).expect("descriptors").file {
            // The platform serves that one; the daemon dials it.
            let services = file.service.iter().filter(|one| one.name() != "Uplink");
            for service in services {
                for method in &service.method {
                    paths.insert(format!(
                        "/{}.{}/{}",
                        file.package(),
                        service.name(),
                        method.name()
                    ));
                }
            }
        }
    }
    paths
}

#[test]
fn every_method_that_is_served_is_in_the_table_and_nothing_else_is() {
    let table: BTreeSet<String> = METHODS.iter().map(|m| m.path.to_owned()).collect();
    assert_eq!(table, served());
    let by_hand: BTreeSet<String> = MATRIX.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(table, by_hand);
}

/// Calls a method with an empty message; what comes back before any message.
async fn call(site: &Site, url: &str, file: &str, path: &str) -> Result<(), Status> {
    let tls = site.shows(file);
    let channel = channel(url, Some(&tls)).await.expect("connect");
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.expect("ready");
    let path = path.parse().expect("path");
    grpc.server_streaming(Request::new(()), path, ProstCodec::<(), ()>::default())
        .await
        .map(|_| ())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_is_held_to_the_matrix_for_every_method() {
    let site = Site::new();
    let mut api = site.api();
    api.limits.handshakes_per_second = 1_000.0;
    let daemon = site.start(&api).await;
    let url = secure_url(&daemon);
    let mut denied = 0;
    for (path, roles) in MATRIX {
        for role in Role::ALL {
            let answer = call(&site, &url, &name_of(role), path).await;
            let refused = answer.as_ref().err().is_some_and(|status| {
                status.code() == Code::PermissionDenied
                    && status.message().starts_with("your role may not call this")
            });
            assert_eq!(
                refused,
                !roles.contains(&role),
                "{} calls {path}: {answer:?}",
                role.name()
            );
            denied += u64::from(refused);
        }
    }
    assert_eq!(denied, 14);
    assert_eq!(daemon.metrics.refusals("role"), denied);
    for path in ["/parapet.v1.Events/Drop", "/parapet.v1.Nothing/At", "/x"] {
        let status = call(&site, &url, &name_of(Admin), path).await;
        assert_eq!(status.expect_err("unknown").code(), Code::Unimplemented);
    }
    assert_eq!(daemon.metrics.refusals("unknown_method"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_holds_in_streams_queries_and_lists() {
    let site = Site::new();
    site.issue("yard", "yard", good());
    let mut api = site.api();
    let mut scoped = client("yard", Operator);
    scoped.scope = only("cam-1*");
    api.clients.push(scoped);
    let daemon = site.start(&api).await;
    daemon.commit(1, 30).await;
    let mut yard = site.client(&daemon, "yard").await;
    // Event n is of camera n % 3.
    let wanted: Vec<u64> = (1..=30).filter(|n| n % 3 == 1).collect();
    let mut events = yard.subscribe_after(0).await.expect("subscribe");
    assert_eq!(take(&mut events, 10).await, wanted);
    let (found, _) = yard.query(&Filter::default(), 100).await.expect("query");
    let found: Vec<u64> = found.iter().map(|record| record.sequence.0).collect();
    assert_eq!(found, wanted);
    let others = Filter {
        cameras: vec![camera(1), camera(2)],
        ..Filter::default()
    };
    let refused = |error: ClientError| {
        let (code, words) = code(error);
        assert!(
            code == Code::PermissionDenied && words.contains("cam-2"),
            "{words}"
        );
    };
    refused(yard.query(&others, 10).await.expect_err("not its own"));
    let from = SubscribeFrom::After(Sequence(0));
    refused(
        yard.subscribe(from, &others)
            .await
            .expect_err("not its own"),
    );
    assert_eq!(yard.cameras().await.expect("cameras"), []);
    let id = || "yard-1".to_owned();
    let pause = yard
        .admin()
        .pause_camera(v1::PauseCameraRequest { id: id() })
        .await;
    assert_eq!(pause.expect_err("not its own").code(), Code::NotFound);
    assert_eq!(daemon.control.asked.lock().len(), 0);
    let mut operator = site.client(&daemon, &name_of(Operator)).await;
    assert_eq!(operator.cameras().await.expect("cameras").len(), 1);
    let pause = operator.admin();
    pause
        .pause_camera(v1::PauseCameraRequest { id: id() })
        .await
        .expect("its own");
    assert_eq!(*daemon.control.asked.lock(), ["the-operator Pause yard-1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_belongs_to_who_made_it_until_an_operator_deletes_it() {
    let site = Site::new();
    let daemon = site.start(&site.api()).await;
    daemon.commit(1, 10).await;
    let mut platform = site.client(&daemon, &name_of(Subscriber)).await;
    let mut operator = site.client(&daemon, &name_of(Operator)).await;
    let named = || SubscribeFrom::Consumer(consumer());
    platform
        .acknowledge(&consumer(), Sequence(4))
        .await
        .expect("its own");
    let moved = operator.acknowledge(&consumer(), Sequence(9)).await;
    assert_eq!(
        code(moved.expect_err("not its own")).0,
        Code::PermissionDenied
    );
    let read = operator.subscribe(named(), &Filter::default()).await;
    assert_eq!(
        code(read.expect_err("not its own")).0,
        Code::PermissionDenied
    );
    assert_eq!(daemon.metrics.refusals("scope"), 2);

    let list = operator.admin().list_consumers(v1::ListConsumersRequest {});
    let list = list.await.expect("list").into_inner().consumers;
    assert_eq!(list.len(), 1);
    assert_eq!(
        (&*list[0].name, &*list[0].owner),
        ("platform", "the-subscriber")
    );
    assert_eq!((list[0].acknowledged_sequence, list[0].behind), (4, 6));
    let delete = || v1::DeleteConsumerRequest {
        name: "platform".to_owned(),
    };
    operator
        .admin()
        .delete_consumer(delete())
        .await
        .expect("deleted");
    let again = operator.admin().delete_consumer(delete()).await;
    assert_eq!(again.expect_err("gone").code(), Code::NotFound);
    let mut events = operator
        .subscribe(named(), &Filter::default())
        .await
        .expect("free again");
    assert_eq!(take(&mut events, 1).await, [1]);
}
