//! What a frame costs in allocations once everything is warm: from the decoder's planes to the
//! rules, on our side of ONNX Runtime and of GStreamer.
//!
//! Nothing of a picture is ever allocated or copied: what is counted below does not grow with its
//! size. What remains: the lists of outputs and of detections that an answer is made of, argument and
//! result lists of the `ort` crate (23 allocations of 16 KB in all for one look of `models/person`),
//! the tracker's cost table where there is somebody to follow, and what an event is made of when
//! there is one. ONNX Runtime's own memory is not seen here: it comes from its arena, which has
//! grown to its size in the first run. Counted by thread by the crate `allocation-counter`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use parapet::base::clock::Monotonic;
use parapet::config::types::InferenceConfig;
use parapet::config::{self, NoEnvironment, SourceText};
use parapet::fleet::analysis::{Analysis, Identity, Observer};
use parapet::infer::fake::FakeBackend;
use parapet::infer::ort::OrtBackend;
use parapet::infer::preprocess::Preprocessor;
use parapet::infer::{Backend, Model, still};
use parapet::model::detection::Detection;
use parapet::model::frame::{ColorMatrix, Colorimetry, Frame, OwnedPlanes, PixelFormat};
use parapet::model::geometry::{Rect, Size};
use parapet::model::ids::{IdSource, NodeName, SiteName};
use parapet::model::time::{CaptureTime, ClockSource, UtcMicros};

const FULL_HD: Size = Size {
    width: 1_920,
    height: 1_080,
};
const WARM: u64 = 50;

fn frame(size: Size, index: u64) -> Frame {
    let (width, height) = (size.width as usize, size.height as usize);
    let half = vec![128; width * height / 4];
    Frame {
        index,
        size,
        format: PixelFormat::I420,
        colorimetry: Colorimetry {
            matrix: ColorMatrix::Bt709,
            full_range: false,
        },
        capture: CaptureTime {
            utc: UtcMicros(i64::try_from(index).expect("small") * 200_000),
            source: ClockSource::Arrival,
            offset_micros: 0,
        },
        media_time: Duration::from_millis(index * 200),
        arrived: Monotonic::default(),
        held: Duration::ZERO,
        probe: false,
        planes: OwnedPlanes::new(vec![
            (vec![90; width * height], width),
            (half.clone(), width / 2),
            (half, width / 2),
        ]),
    }
}

/// What one look costs when the engine is warm.
fn look(backend: &dyn Backend, model: Model, size: Size) -> AllocationInfo {
    let mut looker = still::Looker::open(&Arc::new(model), backend).expect("a good model");
    let frame = frame(size, 0);
    for _ in 0..5 {
        looker.look(&frame).expect("a look");
    }
    measure(|| {
        looker.look(&frame).expect("a look");
    })
}

fn assert_few(what: &str, found: AllocationInfo, most: (u64, u64)) {
    let (count, bytes) = (found.count_total, found.bytes_total);
    assert!(
        count <= most.0 && bytes <= most.1,
        "{what}: {count} allocations of {bytes} bytes"
    );
    assert_eq!(found.count_current, 0, "{what}: something stays");
}

#[test]
fn planes_become_a_tensor_without_any_allocation() {
    let model = FakeBackend::model();
    let frame = frame(FULL_HD, 0);
    let mut preprocessor = Preprocessor::new(FULL_HD, &model.manifest.input);
    let mut tensor = vec![0.0; model.input_len()];
    preprocessor.pad(&mut tensor);
    let found = measure(|| preprocessor.write(&frame, &mut tensor));
    assert_eq!(found.count_total, 0);
}

#[test]
fn a_look_allocates_its_lists_only_whatever_the_pictures_size() {
    let fake = FakeBackend::new(|_| vec![([0.1, 0.1, 0.3, 0.5], 0.9)]);
    assert_few(
        "the fake",
        look(&fake, FakeBackend::model(), FULL_HD),
        (8, 1_024),
    );
    let ort = OrtBackend::new(&InferenceConfig::default())
        .expect("ONNX Runtime is set up: run `make setup`");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/person");
    let model = Model::load(&folder, None).expect("our own model");
    let large = look(&ort, model.clone(), FULL_HD);
    assert_few("ONNX Runtime", large, (32, 20_480));
    let small = Size {
        width: 640,
        height: 360,
    };
    let small = look(&ort, model, small);
    assert_eq!(
        (large.count_total, large.bytes_total),
        (small.count_total, small.bytes_total)
    );
}

#[test]
fn tracker_and_rules_allocate_nothing_for_a_quiet_picture_and_little_for_a_person() {
    let text = "[site]\nname = \"s\"\n[node]\nname = \"n\"\n[api]\nplaintext = true\n\
        [models.m]\nfolder = \"m\"\n[[camera]]\nid = \"yard\"\nfile = \"yard.mp4\"\n\
        [[camera.zone]]\nname = \"all\"\npoints = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]\n\
        [[camera.rule]]\nname = \"in\"\nkind = \"zone_intrusion\"\nzone = \"all\"\ndwell_seconds = 1\n";
    let main = SourceText {
        path: "parapet.toml".into(),
        text: text.to_owned(),
    };
    let loaded = config::parse(&main, &[], &NoEnvironment);
    let camera = loaded.expect("sound").config.cameras.into_values().next();
    let identity = Identity {
        site: SiteName::new("s").expect("name"),
        node: NodeName::new("n").expect("name"),
        observer: Observer::Capture,
    };
    let mut analysis = Analysis::new(identity, camera.expect("one"), IdSource::seeded(1));
    let model = FakeBackend::model().reference;
    let mut index = 0;
    let mut step = |analysis: &mut Analysis, found: &[Detection]| {
        let next = frame(
            Size {
                width: 64,
                height: 36,
            },
            index,
        );
        index += 1;
        measure(|| drop(analysis.frame(&next, found, &model)))
    };
    for _ in 0..WARM {
        step(&mut analysis, &[]);
    }
    let quiet = step(&mut analysis, &[]);
    assert_eq!(quiet.count_total, 0, "{quiet:?}");
    let person = [Detection {
        class: "person".into(),
        score: 0.9,
        box_in_frame: Rect::from_corners(0.4, 0.4, 0.5, 0.8),
    }];
    for _ in 0..WARM {
        step(&mut analysis, &person);
    }
    assert!(analysis.is_active(), "the rule sees the person");
    assert_few("a person", step(&mut analysis, &person), (30, 4_096));
}
