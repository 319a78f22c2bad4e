use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("folder");
    for (name, text) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().expect("parent")).expect("made");
        fs::write(file, text).expect("written");
    }
    folder
}

fn opened(folder: &TempDir, keys: &str) -> Result<Vec<Set>, String> {
    let place = format!("set={}{keys}", folder.path().display());
    open(&[place], &[], 1, Leniency::default()).map_err(|error| error.to_string())
}

fn people(part: &Part, picture: usize) -> &[Person] {
    match &part.truth {
        Truth::People(people) => people[picture].as_deref().expect("looked at"),
        Truth::Nobody => &[],
    }
}

#[test]
fn yolo_labels_are_read_and_a_picture_without_any_is_empty() {
    let folder = folder(&[
        ("images/a.jpg", ""),
        ("images/b.png", ""),
        ("images/notes.md", ""),
        ("labels/a.txt", "0 0.5 0.5 0.2 0.4\n17 0.1 0.1 0.1 0.1\n\n"),
        ("labels/classes.txt", "person"),
        ("labels/other.txt", ""),
    ]);
    let sets = opened(&folder, ",every=2").expect("good");
    let part = &sets[0].parts[0];
    assert_eq!((sets[0].name.as_str(), part.every), ("set", 2));
    assert_eq!(part.pictures_wanted(), Some(1));
    assert!(sets[0].notes[0].ends_with("1 label files have no picture of their name"));
    let [person] = people(part, 0) else {
        panic!("one person")
    };
    assert!((person.whole.left - 0.4).abs() < 1e-6 && (person.whole.top - 0.3).abs() < 1e-6);
    assert!(people(part, 1).is_empty());
}

#[test]
fn every_mistake_of_yolo_labels_has_its_file_and_line() {
    let folder = folder(&[
        ("images/a.jpg", ""),
        (
            "labels/a.txt",
            "0 0.5 0.5 0.2 0.4\n0 0.5 0.5\nx 0 0 1 1\n0 0.5 300 0.2 0.4\n0 .5 .5 0 .5\n",
        ),
    ]);
    let error = opened(&folder, "").expect_err("bad");
    for says in [
        "labels/a.txt:2: 3 fields; expected class cx cy w h",
        "labels/a.txt:3: `x` is no class number",
        "labels/a.txt:4: `300` is no share of the picture",
        "labels/a.txt:5: the box has no area",
    ] {
        assert!(error.contains(says), "{says}\n{error}");
    }
}

const INFO: &str = "[Sequence]\nframeRate=10\nseqLength=3\nimWidth=200\nimHeight=100\n";

#[test]
fn mot_boxes_become_shares_of_the_picture_and_zero_means_ignored() {
    let folder = folder(&[
        (
            "gt/gt.txt",
            "1,1,20,10,40,50,1,-1,-1,-1\n3,1,0,0,20,20,0,-1,-1,-1\n",
        ),
        ("seqinfo.ini", INFO),
        ("img1/000001.jpg", ""),
        ("img1/000002.jpg", ""),
        ("img1/000003.jpg", ""),
    ]);
    let part = opened(&folder, "").expect("good").remove(0).parts.remove(0);
    let person = people(&part, 0)[0];
    assert_eq!((person.whole.left, person.whole.top), (0.1, 0.1));
    assert!(person.counts && !people(&part, 2)[0].counts);
    assert!(people(&part, 1).is_empty());
    let scaled = opened(&folder, ",scale=0.5,first=3").expect("good");
    let part = &scaled[0].parts[0];
    assert_eq!(part.unit, Unit::Pixels { scale: 0.5 });
    assert_eq!(part.pictures_wanted(), Some(1), "only frame 3 is left");
    assert_eq!(people(part, 0)[0].whole.width, 20.0);
}

#[test]
fn mot_mistakes_are_named() {
    let folder = folder(&[
        ("gt/gt.txt", "1,1,0,0,5,5,1\n9,1,0,0,5,5,1\n"),
        ("seqinfo.ini", INFO),
        ("img1/1.jpg", ""),
    ]);
    let error = opened(&folder, "").expect_err("bad");
    assert!(error.contains("frame 9 is beyond seqLength=3"), "{error}");
    fs::write(
        folder.path().join("gt/gt.txt"),
        "1,1,0,0,5,5,1\n2,1,x,0,5,5,1\n",
    )
    .expect("written");
    fs::remove_dir_all(folder.path().join("img1")).expect("removed");
    let error = opened(&folder, "").expect_err("bad");
    assert!(error.contains("gt.txt:2: `x` is no number"), "{error}");
    assert!(
        error.contains("img1: neither a video nor a folder"),
        "{error}"
    );
}

const SCENE: &str = r#"{"type":"scene","version":1,"scene":"s","seed":1,"width":100,"height":100,"fps":10.0,"frames":4,"seconds":0.4,"conditions":["night","rain"]}"#;

fn frame(number: u32, picture: &str, people: &str) -> String {
    format!(
        r#"{{"type":"frame","frame":{number},"seconds":0.0,"picture":"{picture}","people":[{people}]}}"#
    )
}

fn figure(place: &str, share: f32, posture: &str) -> String {
    format!(
        r#"{{"id":1,"name":"p","box":{place},"visible_box":{place},"visible_share":{share},"truncated":false,"ground":[0,0],"height":0,"speed":0,"heading":0,"posture":"{posture}"}}"#
    )
}

#[test]
fn simulated_figures_are_ignored_when_hidden_or_tiny_and_spoilt_pictures_left_out() {
    let seen = figure("[10,10,20,40]", 1.0, "crawl");
    let hidden = figure("[10,10,20,40]", 0.3, "walk");
    let tiny = figure("[10,10,5,15]", 1.0, "walk");
    let gone = r#"{"box":null,"visible_box":null,"visible_share":null,"posture":"walk"}"#;
    let text = [
        SCENE.to_owned(),
        frame(1, "live", &[&seen, &hidden, &tiny, gone].map(|s| s.to_owned()).join(",")),
        frame(2, "live", ""),
        frame(3, "live", ""),
        frame(4, "lost", ""),
        r#"{"type":"event","kind":"picture_covered","start_seconds":0.2,"end_seconds":0.3,"people":[]}"#.to_owned(),
        r#"{"type":"due","kind":"line_crossed","rule":"r","start_seconds":0.2,"end_seconds":null,"people":[1],"note":"walk"}"#.to_owned(),
    ]
    .join("\n");
    let folder = folder(&[("s-1/s.truth.jsonl", &text), ("s-1/s.mp4", "")]);
    let part = opened(&folder, "").expect("good").remove(0).parts.remove(0);
    let counts: Vec<bool> = people(&part, 0).iter().map(|one| one.counts).collect();
    assert_eq!(counts, [true, false, false]);
    assert_eq!(people(&part, 0)[0].posture, Some(Posture::Low));
    assert_eq!(part.condition.as_deref(), Some("rain"));
    assert_eq!(
        part.pictures_wanted(),
        Some(2),
        "covered and lost are left out"
    );
    let Truth::People(truth) = &part.truth else {
        panic!("labelled")
    };
    assert_eq!((&truth[2], &truth[3]), (&None, &None));
}

#[test]
fn mistakes_of_a_simulated_truth_are_named() {
    let text = [SCENE.to_owned(), frame(2, "live", "")].join("\n");
    let jump = folder(&[("s.truth.jsonl", &text), ("s.mp4", "")]);
    let error = opened(&jump, "").expect_err("bad");
    assert!(
        error.contains("s.truth.jsonl:2: frame 2 where 1 should come"),
        "{error}"
    );
    let text = [SCENE, "{\"type\":\"frame\"}"].join("\n");
    let lacking = folder(&[("s.truth.jsonl", &text)]);
    let error = opened(&lacking, "").expect_err("bad");
    assert!(error.contains("s.truth.jsonl:2: missing field"), "{error}");
    assert!(error.contains("s.mp4: the clip is not there"), "{error}");
}

#[test]
fn what_is_no_dataset_says_what_was_looked_for() {
    let nothing = folder(&[("readme", "")]);
    let error = opened(&nothing, "").expect_err("bad");
    assert!(
        error.contains("neither labels/ (YOLO) nor gt/gt.txt (MOT)"),
        "{error}"
    );
    let error = opened(&nothing, ",evry=3").expect_err("bad");
    assert!(error.contains("`evry=3`: keys are every=N"), "{error}");
    let error = open(&[], &["/nowhere.mp4".to_owned()], 1, Leniency::default());
    let error = error.expect_err("bad").to_string();
    assert!(
        error.contains("/nowhere.mp4: neither a video nor"),
        "{error}"
    );
}

#[test]
fn places_of_one_name_are_one_set_and_nobody_is_in_the_empty_ones() {
    let folder = folder(&[("a.mp4", ""), ("b.mp4", "")]);
    let file = |name: &str| format!("cars={}", folder.path().join(name).display());
    let empty = [file("a.mp4"), format!("{},every=7", file("b.mp4"))];
    let sets = open(&[], &empty, 3, Leniency::default()).expect("good");
    let everies: Vec<u64> = sets[0].parts.iter().map(|part| part.every).collect();
    assert_eq!((sets.len(), everies), (1, vec![3, 7]));
    assert_eq!(sets[0].parts[0].truth, Truth::Nobody);
    assert_eq!(sets[0].parts[0].pictures_wanted(), None);
}

proptest! {
    #[test]
    fn whatever_is_written_as_a_dataset_nothing_panics(text in ".{0,60}") {
        let _ = Order::parse(&text, 1);
    }

    #[test]
    fn whatever_labels_hold_nothing_panics(text in "[0-9 .xe\n-]{0,80}") {
        let folder = folder(&[("images/a.jpg", ""), ("labels/a.txt", &text)]);
        let _ = opened(&folder, "");
    }
}
