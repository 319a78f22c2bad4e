//! `parapet model pull` against a server on this machine that cuts, changes and refuses.

mod server;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use rustls::ServerConfig;
use server::{Answer, serve, serve_over};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn weights() -> Vec<u8> {
    fs::read(root().join("models/demo/model.onnx")).expect("the demo's weights")
}

/// A registry with one model, `demo`, whose SHA-256 is the given one.
fn registry(folder: &Path, address: &str, sha256: Option<&str>) -> PathBuf {
    let manifest = fs::read_to_string(root().join("models/demo/model.toml")).expect("manifest");
    let (_, settings) = manifest.split_once("keep = ").expect("keep");
    let settings = format!("keep = {settings}").replace("[input]", "[model.manifest.input]");
    let settings = settings.replace("[output]", "[model.manifest.output]");
    let sha256 = sha256
        .map(|hash| format!("sha256 = \"{hash}\"\n"))
        .unwrap_or_default();
    let text = format!(
        "[labels]\none = [\"person\"]\n[[model]]\nname = \"demo\"\nversion = \"1\"\nabout = \"a test\"\n\
         url = \"{address}\"\n{sha256}licence = \"Apache-2.0\"\nsource = \"models/tools\"\n\
         file = \"model.onnx\"\nlabels = \"one\"\n[model.manifest]\n{settings}"
    );
    let file = folder.join("registry.toml");
    fs::write(&file, text).expect("written");
    file
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

struct Stage {
    folder: TempDir,
    registry: PathBuf,
    /// The only authority that is trusted, instead of the machine's own ones.
    trusts: Option<PathBuf>,
}

impl Stage {
    fn new(address: &str, sha256: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let registry = registry(folder.path(), address, sha256);
        Self {
            folder,
            registry,
            trusts: None,
        }
    }

    fn models(&self) -> PathBuf {
        self.folder.path().join("models")
    }

    fn pull(&self, more: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_parapet-lab"))
            .args(["model", "pull", "demo", "--quiet", "--registry"])
            .arg(&self.registry)
            .arg("--into")
            .arg(self.models())
            .args(more)
            .envs(self.trusts.iter().map(|file| ("SSL_CERT_FILE", file)))
            .current_dir(root())
            .output()
            .expect("ran")
    }

    fn good(&self, more: &[&str]) -> String {
        let done = self.pull(more);
        let errors = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{errors}");
        assert_eq!(
            fs::read(self.models().join("demo/model.onnx")).expect("weights"),
            weights()
        );
        assert!(
            !self.models().join(".pull-demo").exists(),
            "the work is tidied away"
        );
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    fn bad(&self, more: &[&str]) -> String {
        let done = self.pull(more);
        assert_eq!(done.status.code(), Some(1));
        assert!(!self.models().join("demo").exists(), "nothing is there");
        String::from_utf8_lossy(&done.stderr).into_owned()
    }
}

#[test]
fn a_pulled_model_is_a_model_folder_that_works() {
    let server = serve(weights(), vec![Answer::Whole]);
    let stage = Stage::new(&server.address, Some(&hash(&weights())));
    let words = stage.good(&[]);
    assert!(words.contains("as recorded"), "{words}");
    let check = Command::new(env!("CARGO_BIN_EXE_parapet-lab"))
        .args(["model", "check"])
        .arg(stage.models().join("demo"))
        .output()
        .expect("ran");
    assert!(
        check.status.success(),
        "{}",
        String::from_utf8_lossy(&check.stderr)
    );
    let again = stage.good(&[]);
    assert!(again.contains("is there already"), "{again}");
    assert_eq!(server.heard.lock().len(), 1, "nothing is fetched twice");
}

#[test]
fn a_server_is_spoken_to_over_tls_if_this_machine_trusts_its_authority() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("made");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = made.signing_key.serialize_der().try_into().expect("a key");
    let tls = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a server");
    let server = serve_over(Some(tls), weights(), vec![Answer::Whole]);
    let mut stage = Stage::new(&server.address, Some(&hash(&weights())));
    let errors = stage.bad(&[]);
    assert!(errors.contains("cannot be reached"), "{errors}");
    let trusted = stage.folder.path().join("authority.pem");
    fs::write(&trusted, made.cert.pem()).expect("written");
    stage.trusts = Some(trusted);
    stage.good(&[]);
}

#[test]
fn a_connection_that_is_cut_is_gone_on_with_where_it_broke() {
    let server = serve(
        weights(),
        vec![Answer::CutAfter(1000), Answer::CutAfter(500), Answer::Whole],
    );
    let stage = Stage::new(&server.address, Some(&hash(&weights())));
    stage.good(&[]);
    let heard = server.heard.lock();
    assert_eq!(heard.len(), 3);
    assert!(!heard[0].contains("range:"));
    assert!(heard[1].contains("range: bytes=1000-") && heard[1].contains("if-range: \"first\""));
    assert!(heard[2].contains("range: bytes=1500-"), "{}", heard[2]);
}

#[test]
fn what_came_is_kept_for_the_next_pull() {
    let broken = Answer::Status("503 Service Unavailable");
    let server = serve(
        weights(),
        vec![Answer::CutAfter(1000), broken, Answer::Whole],
    );
    let stage = Stage::new(&server.address, Some(&hash(&weights())));
    let errors = stage.bad(&[]);
    assert!(
        errors.contains("503") && errors.contains("try again later"),
        "{errors}"
    );
    stage.good(&[]);
    assert!(server.heard.lock()[2].contains("range: bytes=1000-"));
}

#[test]
fn a_connection_that_never_brings_anything_is_given_up() {
    let server = serve(weights(), vec![Answer::CutAfter(700), Answer::CutAfter(0)]);
    let stage = Stage::new(&server.address, Some(&hash(&weights())));
    let errors = stage.bad(&[]);
    assert!(errors.contains("broken off after 700 of"), "{errors}");
    assert!(errors.contains("pull again to go on"), "{errors}");
}

#[test]
fn a_file_that_has_changed_upstream_is_fetched_anew() {
    let mut old = weights();
    old[10] ^= 1;
    let server = serve(
        old,
        vec![Answer::CutAfter(1000), Answer::Changed(weights())],
    );
    let stage = Stage::new(&server.address, Some(&hash(&weights())));
    stage.good(&[]);
}

#[test]
fn bytes_with_another_hash_are_refused_and_thrown_away() {
    let server = serve(vec![1, 2, 3], vec![Answer::Whole]);
    let stage = Stage::new(&server.address, Some(&hash(&weights())));
    let errors = stage.bad(&[]);
    assert!(
        errors.contains(&hash(&[1, 2, 3])) && errors.contains(&hash(&weights())),
        "{errors}"
    );
    assert!(!stage.models().join(".pull-demo").exists());
}

#[test]
fn a_file_that_is_not_there_and_a_server_that_is_not_there_are_named() {
    let server = serve(weights(), vec![Answer::Status("404 Not Found")]);
    let stage = Stage::new(&server.address, Some(&hash(&weights())));
    let errors = stage.bad(&[]);
    assert!(
        errors.contains("404") && errors.contains("out of date"),
        "{errors}"
    );
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .expect("a port");
    let stage = Stage::new(
        &format!("http://{port}/model.onnx"),
        Some(&hash(&weights())),
    );
    let errors = stage.bad(&[]);
    assert!(
        errors.contains("cannot be reached") && errors.contains("--from FILE"),
        "{errors}"
    );
}

#[test]
fn without_a_recorded_hash_it_takes_a_persons_word_and_prints_what_came() {
    let server = serve(weights(), vec![Answer::Whole]);
    let stage = Stage::new(&server.address, None);
    let errors = stage.bad(&[]);
    assert!(errors.contains("--accept-unverified"), "{errors}");
    assert!(server.heard.lock().is_empty(), "nothing was fetched");
    let words = stage.good(&["--accept-unverified"]);
    let line = format!("sha256 = \"{}\"", hash(&weights()));
    assert!(
        words.contains(&line) && words.contains("nobody vouches"),
        "{words}"
    );
}

#[test]
fn weights_fetched_elsewhere_need_no_network() {
    let stage = Stage::new("http://127.0.0.1:9/model.onnx", Some(&hash(&weights())));
    let file = root().join("models/demo/model.onnx").display().to_string();
    stage.good(&["--from", &file]);
    let wrong = Stage::new("http://127.0.0.1:9/model.onnx", Some(&hash(b"else")));
    let errors = wrong.bad(&["--from", &file]);
    assert!(errors.contains("model.onnx: has SHA-256"), "{errors}");
}

#[test]
fn what_is_in_the_models_place_is_not_touched() {
    let server = serve(weights(), vec![Answer::Whole]);
    let stage = Stage::new(&server.address, Some(&hash(&weights())));
    fs::create_dir_all(stage.models().join("demo")).expect("made");
    fs::write(stage.models().join("demo/mine.txt"), "mine").expect("written");
    let done = stage.pull(&[]);
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(
        !done.status.success() && errors.contains("is there already and is not"),
        "{errors}"
    );
    assert!(stage.models().join("demo/mine.txt").is_file());
}

#[test]
fn the_list_names_what_there_is_and_an_unknown_name_too() {
    let run = |args: &[&str]| {
        let run = Command::new(env!("CARGO_BIN_EXE_parapet-lab"))
            .args(["model", "pull"])
            .args(args)
            .output();
        run.expect("ran")
    };
    let list = run(&[]);
    let words = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(
        list.status.success() && words.contains("yolox_nano") && words.contains("dfine_n"),
        "{words}"
    );
    let unknown = run(&["yolo99"]);
    let errors = String::from_utf8_lossy(&unknown.stderr);
    assert!(
        errors.contains("no model `yolo99`") && errors.contains("yolox_nano"),
        "{errors}"
    );
}
