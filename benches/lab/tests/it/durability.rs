//! The proofs of `parapet bench`, short.

use std::process::{Command, Output, Stdio};

fn bench(arguments: &[&str]) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_parapet-lab"))
        .arg("bench")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("run");
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, words)
}

/// `PARAPET_KILLS` makes it longer.
#[test]
fn killed_again_and_again_nothing_is_lost_and_nothing_is_invented() {
    let kills = std::env::var("PARAPET_KILLS").unwrap_or_else(|_| "15".to_owned());
    let (output, words) = bench(&["kill", "--kills", &kills, "--seed", "7"]);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}\n{complaint}");
    assert!(words.contains("every promise was kept"), "{words}");
}

#[test]
fn a_disk_that_fails_in_each_way_costs_only_what_is_declared() {
    let (output, words) = bench(&["disk"]);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}\n{complaint}");
    if words.starts_with("skipped") {
        println!("{words}");
    } else {
        assert_eq!(words.matches(" kept\n").count(), 5, "{words}");
    }
}
