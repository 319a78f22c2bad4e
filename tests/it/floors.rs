//! The floors of each crate's `lib.rs`: a module uses `crate::x` only when x stands on a lower floor, and
//! modules on one floor do not see each other. What the daemon may not use of the tools' crates, Cargo enforces.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

type Floors = &'static [&'static [&'static str]];

/// Each crate's sources and their floors, the lowest first.
const CRATES: [(&str, Floors); 3] = [
    ("src", DAEMON),
    ("benches/sim/src", SIM),
    ("benches/lab/src", LAB),
];

const DAEMON: Floors = &[
    &["base"],
    &["model"],
    &["config", "proto"],
    &[
        "ingest", "infer", "track", "rules", "journal", "evidence", "access", "audit",
    ],
    &["fleet"],
    &["api", "ops"],
    &["app"],
    &["cli"],
];

const SIM: Floors = &[
    &["world", "expectation", "mot", "server"],
    &["render", "scene", "load_client"],
    &["export"],
];

const LAB: Floors = &[
    &["authority", "mot", "pull"],
    &["replay", "eval", "realism"],
    &["cli"],
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src is readable") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The modules that a source text names as `crate::x`, also inside `crate::{x, y}`.
fn used(text: &str) -> Vec<String> {
    let code: String = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or(""))
        .collect::<Vec<_>>()
        .join("\n");
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let parts: Vec<&str> = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap_or("").split(',').collect(),
            None => vec![rest],
        };
        for part in parts {
            let name: String = part
                .trim_start()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if !name.is_empty() {
                names.push(name);
            }
        }
    }
    names
}

fn violations(module: &str, text: &str, floors: &BTreeMap<&str, usize>) -> Vec<String> {
    let own = floors[module];
    used(text)
        .into_iter()
        .filter(|name| name != module)
        .filter_map(|name| match floors.get(name.as_str()) {
            Some(floor) if *floor < own => None,
            Some(floor) => Some(format!(
                "{module} (floor {own}) uses {name} (floor {floor})"
            )),
            None => Some(format!("{module} uses {name}, which has no floor")),
        })
        .collect()
}

fn floors(of: Floors) -> BTreeMap<&'static str, usize> {
    of.iter()
        .enumerate()
        .flat_map(|(floor, modules)| modules.iter().map(move |module| (*module, floor)))
        .collect()
}

/// What is wrong in one crate, and how many files were looked at.
fn look(folder: &str, of: Floors) -> (Vec<String>, usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = Vec::new();
    sources(&root, &mut files);
    let floors = floors(of);
    let mut wrong = Vec::new();
    for file in &files {
        let inside = file.strip_prefix(&root).expect("inside src");
        let first = inside
            .components()
            .next()
            .expect("a name")
            .as_os_str()
            .to_string_lossy();
        let module = first.trim_end_matches(".rs");
        if ["lib", "main"].contains(&module) {
            continue;
        }
        assert!(
            floors.contains_key(module),
            "{folder}: {module} has no floor: add it to the table"
        );
        let text = fs::read_to_string(file).expect("readable");
        wrong.extend(
            violations(module, &text, &floors)
                .into_iter()
                .map(|what| format!("{folder}/{}: {what}", inside.display())),
        );
    }
    (wrong, files.len())
}

#[test]
fn no_module_looks_up_or_sideways() {
    for (folder, of) in CRATES {
        let (wrong, files) = look(folder, of);
        assert!(files > 20, "{folder}: only {files} files found");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn the_check_sees_single_and_grouped_uses() {
    let floors = floors(DAEMON);
    let text = "use crate::fleet::X;\nuse crate::{base::clock, journal};\n// crate::cli is prose\n";
    let wrong = violations("rules", text, &floors);
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong[0].contains("fleet") && wrong[1].contains("journal"));
    assert!(violations("fleet", "use crate::rules::RuleSet;", &floors).is_empty());
}
