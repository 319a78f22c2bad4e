use super::*;

const ENTRY: &str = r#"
[labels]
two = ["person", "car"]
[[model]]
name = "m"
version = "1"
about = "a model"
url = "https://example.org/m.onnx"
licence = "Apache-2.0"
source = "https://example.org"
file = "m.onnx"
labels = "two"
[model.manifest]
keep = ["person"]
score_threshold = 0.1
[model.manifest.input]
width = 64
height = 32
layout = "nchw"
color = "rgb"
mean = [0, 0, 0]
std = [255, 255, 255]
resize = "letterbox"
[model.manifest.output]
head = "yolov8"
"#;

#[test]
fn the_built_in_registry_is_good_and_every_entry_is_vouched_for() {
    let registry = Registry::parse(BUILT_IN, Path::new("models/registry.toml")).expect("good");
    assert!(registry.entries.len() >= 7, "{registry:?}");
    for entry in &registry.entries {
        let name = &entry.name;
        assert!(entry.sha256.is_some() && entry.bytes.is_some(), "{name}");
        assert!(
            !entry.url.path().contains("/main/"),
            "{name}: a branch moves"
        );
        assert_eq!(
            entry.licence, "Apache-2.0",
            "{name}: nothing with strings attached"
        );
        let text = entry.manifest(&"0".repeat(64)).expect("a manifest");
        let manifest = Manifest::parse(&text, Path::new(MANIFEST)).expect("a good manifest");
        assert_eq!(manifest.keep, ["person"], "{name}");
        // COCO's own numbers begin at 1, the list without gaps at 0.
        let first = manifest.labels.iter().position(|label| label == "person");
        assert_eq!(
            first,
            Some(usize::from(manifest.labels.len() == 91)),
            "{name}"
        );
    }
}

#[test]
fn a_manifest_says_where_it_comes_from_and_keeps_the_template() {
    let registry = Registry::parse(ENTRY, Path::new("r.toml")).expect("good");
    let text = registry.entries[0].manifest(&"a".repeat(64)).expect("text");
    assert!(
        text.starts_with("# From https://example.org/m.onnx\n"),
        "{text}"
    );
    let manifest = Manifest::parse(&text, Path::new(MANIFEST)).expect("good");
    assert_eq!(manifest.sha256, "a".repeat(64));
    assert_eq!((manifest.input.width, manifest.input.height), (64, 32));
    assert_eq!(manifest.labels, ["person", "car"]);
}

#[test]
fn each_mistake_is_named_with_the_file_and_the_model() {
    for (from, to, says) in [
        (
            "https://example.org/m",
            "http://example.org/m",
            "https is needed",
        ),
        ("name = \"m\"", "name = \"../m\"", "letters, digits"),
        (
            "labels = \"two\"",
            "labels = \"ten\"",
            "no labels are called `ten`",
        ),
        ("width = 64", "width = 4", "sides must be"),
        ("head = \"yolov8\"", "head = \"magic\"", "magic"),
        (
            "version = \"1\"",
            "sha256 = \"xyz\"\nversion = \"1\"",
            "hex digits",
        ),
        ("about = ", "abuot = ", "abuot"),
    ] {
        assert!(ENTRY.contains(from));
        let error = Registry::parse(&ENTRY.replacen(from, to, 1), Path::new("r.toml"));
        let error = error.expect_err(says).to_string();
        assert!(
            error.starts_with("r.toml: ") && error.contains(says),
            "{error}"
        );
    }
    let twice = format!(
        "{ENTRY}{}",
        &ENTRY[ENTRY.find("[[model]]").expect("a model")..]
    );
    let error = Registry::parse(&twice, Path::new("r.toml")).expect_err("two");
    assert!(error.to_string().contains("two of that name"), "{error}");
    let registry = Registry::parse(ENTRY, Path::new("r.toml")).expect("good");
    let error = registry.entry("n").expect_err("unknown").to_string();
    assert!(
        error.contains("no model `n`") && error.contains("it has: m"),
        "{error}"
    );
}
