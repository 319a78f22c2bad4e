//! `parapet bench faults` on a small camera server: what a camera's fault makes the daemon say.
//!
//! Times are the command's own business (`parapet bench faults` on a quiet machine); here it
//! counts that every fault is told once, that cameras come back, and that nothing is reordered.

use std::process::Command;

use serde_json::Value;

fn number(value: &Value, key: &str) -> f64 {
    value[key]
        .as_f64()
        .unwrap_or_else(|| panic!("{key} in {value}"))
}

#[test]
fn faults_are_told_once_cameras_come_back_and_no_event_is_reordered() {
    let outcome = Command::new(env!("CARGO_BIN_EXE_parapet-lab"))
        .args(["bench", "faults", "--cameras", "8", "--json"])
        .args(["--faults", "stall,refuse,clock=3600", "--seconds", "7"])
        .args(["--storm-seconds", "2"])
        .output()
        .expect("run");
    let told = String::from_utf8_lossy(&outcome.stderr);
    let table: Value = serde_json::from_slice(&outcome.stdout)
        .unwrap_or_else(|error| panic!("no table ({error}): {told}"));
    let rows = table["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 3);
    for row in rows.iter().chain([&table["storm"]]) {
        assert_eq!(row["recovered"], true, "{row}");
        let raised = if row["fault"] == "clock=3600" {
            0.0
        } else {
            1.0
        };
        assert_eq!(number(row, "raised"), raised, "{row}");
    }
    // The ball comes into the left half and leaves it every few seconds.
    let clock = &rows[2];
    if number(clock, "camera_clock_events") > 0.0 {
        let offset = number(clock, "clock_offset_seconds");
        assert!((offset + 3_600.0).abs() < 10.0, "{clock}");
    }
    assert!(number(&table, "events") > 0.0);
    assert_eq!(table["order_problems"].as_array().map(Vec::len), Some(0));
}
