//! A backend for tests and benches that computes nothing: a function of the input tensor says
//! what is seen.

use std::path::PathBuf;
use std::sync::Arc;

use super::heads::{HeadConfig, Ssd, SsdForm};
use super::manifest::{ColorOrder, InputSpec, Layout, Manifest, Placement, Resize};
use super::{Backend, BatchSize, Engine, InferError, Model, OutputView};

/// What a fake sees: from one picture's input values (0..=1, RGB, NCHW of [`FakeBackend::SIDE`]
/// squared, stretched) to boxes (left, top, right, bottom, all in 0..1) with scores.
pub type See = dyn Fn(&[f32]) -> Vec<([f32; 4], f32)> + Send + Sync;

/// The backend.
#[derive(Clone)]
pub struct FakeBackend {
    see: Arc<See>,
    batch: BatchSize,
}

impl FakeBackend {
    /// Both sides of the input in pixels.
    pub const SIDE: u32 = 32;
    /// Boxes per picture at most.
    const ROWS: usize = 64;

    /// A backend that sees what the function says.
    #[must_use]
    pub fn new(see: impl Fn(&[f32]) -> Vec<([f32; 4], f32)> + Send + Sync + 'static) -> Self {
        Self {
            see: Arc::new(see),
            batch: BatchSize::Dynamic,
        }
    }

    /// The same with a batch size of its own.
    #[must_use]
    pub fn with_batch(self, batch: BatchSize) -> Self {
        Self { batch, ..self }
    }

    /// The model that it runs: one class, `person`.
    #[must_use]
    pub fn model() -> Model {
        let manifest = Manifest {
            name: "fake".to_owned(),
            version: "1".to_owned(),
            file: "none".to_owned(),
            sha256: "0".repeat(64),
            licence: "none".to_owned(),
            source: String::new(),
            labels: vec!["person".to_owned()],
            keep: vec!["person".to_owned()],
            score_threshold: 0.05,
            nms_iou: 0.5,
            input: InputSpec {
                width: Self::SIDE,
                height: Self::SIDE,
                layout: Layout::Nchw,
                color: ColorOrder::Rgb,
                mean: [0.0; 3],
                std: [255.0; 3],
                resize: Resize::Stretch,
                placement: Placement::Center,
                pad: 0.0,
            },
            output: HeadConfig::Ssd(Ssd {
                form: SsdForm::Rows6,
                normalised: true,
                first_label: 0,
            }),
            int8: None,
        };
        Model::of(manifest, PathBuf::new())
    }
}

impl Backend for FakeBackend {
    fn open(&self, _model: &Model) -> Result<Box<dyn Engine>, InferError> {
        Ok(Box::new(FakeEngine {
            fake: self.clone(),
            rows: Vec::new(),
        }))
    }
}

struct FakeEngine {
    fake: FakeBackend,
    rows: Vec<f32>,
}

impl Engine for FakeEngine {
    fn batch(&self) -> BatchSize {
        self.fake.batch
    }

    fn run(
        &mut self,
        pictures: usize,
        input: &[f32],
        read: &mut dyn FnMut(&[OutputView<'_>]),
    ) -> Result<(), InferError> {
        let each = FakeBackend::ROWS * 6;
        self.rows.clear();
        for picture in input.chunks_exact(input.len() / pictures) {
            let begin = self.rows.len();
            for (corners, score) in (self.fake.see)(picture).into_iter().take(FakeBackend::ROWS) {
                self.rows.extend(corners);
                self.rows.extend([score, 0.0]);
            }
            self.rows.resize(begin + each, 0.0);
        }
        let shape = [pictures as i64, FakeBackend::ROWS as i64, 6];
        read(&[OutputView {
            shape: &shape,
            data: &self.rows,
        }]);
        Ok(())
    }
}
