//! The scorer against the golden figures of py-motmetrics' own test, and the tracker on the
//! public detections of six MOT15 sequences.
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::path::{Path, PathBuf};

use parapet_lab::mot::{Entry, mot15_config, parse, score, track_sequence};

fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("PARAPET_DATA").map_or_else(
        || Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("../shared/data"),
        PathBuf::from,
    );
    if folder.join("mot").is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no PARAPET_DATA with mot/ at {}", folder.display());
    None
}

fn read(path: &Path) -> Vec<Entry> {
    parse(&std::fs::read_to_string(path).expect("readable"), path).expect("in the format")
}

/// The stored outputs belong to another project; `PARAPET_MOTMETRICS` names its `data` folder.
#[test]
fn the_golden_figures_of_py_motmetrics_come_out() {
    let Some(folder) = std::env::var_os("PARAPET_MOTMETRICS").map(PathBuf::from) else {
        eprintln!("skipped: PARAPET_MOTMETRICS does not name motmetrics/data");
        return;
    };
    for (name, mota, idf1, fp, misses, switches) in [
        ("TUD-Campus", 0.526_462, 0.557_659, 13, 150, 7),
        ("TUD-Stadtmitte", 0.564_014, 0.644_619, 45, 452, 7),
    ] {
        let (truth, output) = ("gt.txt", "test.txt");
        let found = score(
            &read(&folder.join(name).join(truth)),
            &read(&folder.join(name).join(output)),
        );
        assert_eq!(
            (found.false_positives, found.misses, found.switches),
            (fp, misses, switches),
            "{name}"
        );
        assert!((found.mota - mota).abs() < 1e-6, "{name}: {found:?}");
        assert!((found.idf1 - idf1).abs() < 1e-6, "{name}: {found:?}");
    }
}

#[test]
fn the_tracker_is_not_below_sort_on_tud_campus() {
    let Some(data) = data() else { return };
    let run = track_sequence(&data.join("mot/TUD-Campus"), mot15_config()).expect("run");
    let found = score(&run.truth.expect("truth"), &run.output);
    assert!(found.mota >= 0.627 && found.switches <= 8, "{found:?}");
}

#[test]
fn the_same_detections_give_the_same_tracks() {
    let Some(data) = data() else { return };
    let folder = data.join("mot/PETS09-S2L1");
    let run = || track_sequence(&folder, mot15_config()).expect("run").output;
    assert_eq!(run(), run());
}
