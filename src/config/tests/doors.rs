//! `[api]` and `[ops]`: every way in, and what is no way.

use std::time::Duration;

use super::*;
use crate::config::types::{ApiConfig, Door, LimitsConfig, OpsConfig};
use crate::model::access::{Role, Scope};
use crate::model::ids::CameraId;

const BARE: &str =
    "site = { name = \"s\" }\nnode = { name = \"n\" }\nmodels = { m = { folder = \"m\" } }\n";
const TLS: &str =
    "tls = { certificate = \"c.pem\", key = { file = \"k.pem\" }, client_authority = \"a.pem\" }\n";

fn refused(text: &str) -> Vec<String> {
    let loaded = check(&format!("{BARE}{text}"));
    let errors = loaded.map_or_else(|errors| errors, |_| panic!("taken: {text}"));
    let said = |p: &Problem| format!("{}:{}: {}: {}", p.line - 3, p.column, p.subject, p.message);
    errors.problems().iter().map(said).collect()
}

#[track_caller]
fn one(text: &str, begins: &str) {
    let found = refused(text);
    assert!(
        found.len() == 1 && found[0].starts_with(begins),
        "{text}\nwanted one: {begins}\nfound: {found:#?}"
    );
}

fn api(text: &str) -> (ApiConfig, OpsConfig) {
    match check(&format!("{BARE}{text}")) {
        Ok(loaded) => (loaded.config.api, loaded.config.ops),
        Err(errors) => panic!("{errors}"),
    }
}

#[test]
fn without_a_word_there_is_no_door() {
    one(
        "[api]\n",
        "1:1: [api]: nothing says how one comes in: write [api.tls]",
    );
    one(
        "[api]\nplaintext = false\n",
        "1:1: [api]: nothing says how one comes in",
    );
    one(
        "[api]\nlisten = \"localhost\"\nplaintext = true\n",
        "2:10: [api]: `listen` is `localhost`",
    );
}

#[test]
fn plain_text_is_for_loopback_only_and_gives_the_least_role() {
    one(
        "[api]\nlisten = \"0.0.0.0:1\"\nplaintext = true\n",
        "2:10: [api]: `listen` is 0.0.0.0:1, but plain text is for loopback only",
    );
    one(
        &format!("[api]\nplaintext = true\n{TLS}"),
        "2:1: [api]: `plaintext` and [api.tls] exclude each other",
    );
    one(
        &format!("[api]\nplaintext_role = \"admin\"\n{TLS}"),
        "2:18: [api]: `plaintext_role` means nothing",
    );
    one(
        "[api]\nplaintext = true\n[[api.client]]\nidentity = \"a\"\nrole = \"admin\"\n",
        "3:7: [api]: [[api.client]] means nothing in plain text",
    );
    let (config, ops) = api("[api]\nlisten = \"[::1]:1\"\nplaintext = true\n");
    assert_eq!(
        config.door,
        Door::Plaintext {
            role: Role::Subscriber
        }
    );
    assert_eq!((config.limits, ops.tls), (LimitsConfig::default(), None));
}

#[test]
fn certificates_are_all_named_and_the_key_is_a_guarded_file() {
    let found = refused("[api.tls]\n");
    assert_eq!(found.len(), 3, "{found:?}");
    one(
        "[api]\ntls = { certificate = \"c\", client_authority = \"a\", key = \"k\" }\n",
        "2:58: [api]: tls: `key` is string",
    );
    one(
        "[api]\ntls = { certificate = \"c\", client_authority = \"a\", key = { env = \"PASS\" } }\n",
        "2:52: [api]: tls: `key` is read again when it changes, which a variable cannot",
    );
    one(
        "[api]\ntls = { certificate = \"c\", client_authority = \"a\", key = { credential = \"k\" } }\n",
        "2:58: [api]: tls: there are no credentials here (CREDENTIALS_DIRECTORY is unset)",
    );
    let (config, _) = api(&format!("[api]\nlisten = \"0.0.0.0:7447\"\n{TLS}"));
    let Door::Tls(tls) = config.door else {
        panic!("{:?}", config.door)
    };
    assert_eq!(tls.key.path, Path::new("etc/k.pem"));
    assert_eq!(tls.check_every, Duration::from_secs(5));
}

#[test]
fn a_credential_is_looked_for_where_systemd_puts_it_and_nowhere_else() {
    let fake = Fake(BTreeMap::from([
        ("CREDENTIALS_DIRECTORY", "/run/credentials/parapet.service"),
        ("/run/credentials/parapet.service/camera", "hunter2\n"),
    ]));
    let with = |name: &str| {
        let text = format!(
            "{HEAD}[defaults]\nuser = \"u\"\npassword = {{ credential = \"{name}\" }}\n{CAMERA}"
        );
        parse(&source("etc/p.toml", &text), &[], &fake)
    };
    let config = with("camera").expect("sound").config;
    let camera = config.cameras.values().next().expect("camera");
    let SourceConfig::Rtsp {
        credentials: Some(credentials),
        ..
    } = &camera.source
    else {
        panic!("{:?}", camera.source);
    };
    assert_eq!(credentials.password.reveal(), "hunter2");
    for name in ["../camera", "a/b", ".."] {
        let errors = with(name).expect_err("no name").to_string();
        assert!(errors.contains("is no credential's name"), "{errors}");
    }
}

#[test]
fn clients_have_one_role_each_and_a_scope() {
    let (config, _) = api(&format!(
        "[api]\n{TLS}[[api.client]]\nidentity = \"urn:site:platform\"\nrole = \"operator\"\ncameras = [\"yard-*\"]\n"
    ));
    let client = &config.clients[0];
    assert_eq!(
        (&*client.identity, client.role),
        ("urn:site:platform", Role::Operator)
    );
    let camera = |id| CameraId::new(id).expect("id");
    assert!(client.scope.allows(&camera("yard-1")) && !client.scope.allows(&camera("wall-1")));
    assert_ne!(client.scope, Scope::All);
    let twice = "[[api.client]]\nidentity = \"a\"\nrole = \"admin\"\n".repeat(2);
    one(
        &format!("[api]\n{TLS}{twice}"),
        "7:12: [api]: client: `a` has a role already",
    );
    one(
        &format!("[api]\n{TLS}[[api.client]]\nidentity = \"a\"\nrole = \"root\"\n"),
        "5:8: [api]: client: `role` is `root`: write `subscriber`, `operator`, `admin`",
    );
    one(
        &format!("[api]\n{TLS}[[api.client]]\nidentity = \"a\"\nrole = \"admin\"\ncameras = []\n"),
        "6:11: [api]: client: `cameras` allows none",
    );
    one(
        &format!(
            "[api]\n{TLS}[[api.client]]\nidentity = \"a\"\nrole = \"admin\"\ncameras = [\"a?\"]\n"
        ),
        "6:11: [api]: client: `cameras`: `a?` is no camera pattern",
    );
}

#[test]
fn the_ops_endpoint_outside_loopback_speaks_tls_and_asks_for_a_certificate() {
    let outside = "[ops]\nlisten = \"0.0.0.0:9464\"\n";
    one(
        &format!("[api]\nplaintext = true\n{outside}"),
        "4:10: [ops]: the ops endpoint speaks TLS with the certificates of [api.tls]",
    );
    one(
        &format!("[api]\n{TLS}{outside}tls = false\n"),
        "4:10: [ops]: `listen` is 0.0.0.0:9464, but plain text is for loopback only",
    );
    one(
        &format!("[api]\n{TLS}[ops]\nclient_certificate = \"optional\"\n"),
        "4:22: [ops]: `client_certificate` means nothing without TLS",
    );
    assert_eq!(api(&format!("[api]\n{TLS}{outside}")).1.tls, Some(true));
    let optional = format!("[api]\n{TLS}[ops]\ntls = true\nclient_certificate = \"optional\"\n");
    assert_eq!(api(&optional).1.tls, Some(false));
}

#[test]
fn limits_are_checked_and_a_change_of_clients_or_limits_needs_no_restart() {
    one(
        "[api]\nplaintext = true\n[api.limits]\nstreams = 0\n",
        "4:11: [api]: limits: `streams` is 0: write 1 to 10000",
    );
    let old = good("");
    let mut new = old.clone();
    new.api.limits.streams = 3;
    assert!(diff(&old, &new).is_empty());
    new.api.door = Door::Plaintext { role: Role::Admin };
    assert_eq!(diff(&old, &new).needs_restart, ["api"]);
}
