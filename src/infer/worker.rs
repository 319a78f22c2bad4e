//! One worker: its thread, its engines, its tensors. Everything it needs for a batch is made
//! once; a steady state takes no memory but ONNX Runtime's own and the answers.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus_client::metrics::histogram::Histogram;

use super::heads::{HeadContext, nms};
use super::model::Model;
use super::planner::QueueId;
use super::preprocess::{Placed, Preprocessor};
use super::queue::{Answer, InFlight, QueueEntry, Shared};
use super::tune::{Engines, Tuned};
use super::{Backend, Engine, InferError, OutputView};
use crate::base::clock::{Monotonic, thread_cpu, thread_delayed};
use crate::base::metrics::{CpuMetrics, Metrics, Stage};
use crate::base::pulse::Pulse;
use crate::base::slot::WhenFull;
use crate::base::tasks::panic_message;
use crate::model::detection::Detection;
use crate::model::frame::Frame;
use crate::model::geometry::Size;

/// Picture sizes whose tables are kept; more cameras than this rarely differ in size.
const MAX_SIZES: usize = 32;

struct Stages {
    wait: Histogram,
    preprocess: Histogram,
    inference: Histogram,
    decode: Histogram,
}

/// One model on one worker.
struct ModelRunner {
    model: Arc<Model>,
    engine: Box<dyn Engine>,
    input: Vec<f32>,
    /// Which picture size each place of the tensor is padded for.
    padded: Vec<Option<Size>>,
    tables: HashMap<Size, Preprocessor>,
}

/// What a batch took: the engine and the heads, each in time and in this thread's processor time.
struct Spent {
    run: Duration,
    run_cpu: Duration,
    heads: Duration,
    heads_cpu: Duration,
}

struct Taken {
    entry: Arc<QueueEntry>,
    in_flight: InFlight,
    frame: Frame,
}

pub(super) struct Worker {
    shared: Arc<Shared>,
    number: usize,
    backend: Arc<dyn Backend>,
    /// Each model's engine's own.
    threads: Vec<usize>,
    runners: Vec<ModelRunner>,
    stages: Stages,
    cpu: CpuMetrics,
}

impl Worker {
    pub(super) fn new(
        shared: Arc<Shared>,
        number: usize,
        backend: Arc<dyn Backend>,
        engines: Engines,
        tuned: &[Tuned],
    ) -> Self {
        let runners = engines
            .into_iter()
            .zip(&shared.models)
            .zip(tuned)
            .map(|((engine, model), tuned)| ModelRunner {
                input: vec![0.0; tuned.batch * model.input_len()],
                padded: vec![None; tuned.batch],
                tables: HashMap::new(),
                model: Arc::clone(model),
                engine,
            })
            .collect();
        let stages = Stages {
            wait: shared.metrics.stage(Stage::Wait),
            preprocess: shared.metrics.stage(Stage::Preprocess),
            inference: shared.metrics.stage(Stage::Inference),
            decode: shared.metrics.stage(Stage::Decode),
        };
        Self {
            cpu: shared.metrics.cpu.clone(),
            shared,
            number,
            backend,
            threads: tuned.iter().map(|tuned| tuned.threads).collect(),
            runners,
            stages,
        }
    }

    pub(super) fn run(&mut self) {
        while let Some((model, queues, cut_at)) = self.shared.next_batch() {
            self.pulse().begin(cut_at);
            let delayed = thread_delayed();
            let taken = self.take(&queues, cut_at);
            if !taken.is_empty() {
                self.batch(model, taken, cut_at);
            }
            self.pulse().rest();
            // That others have the processor is no work of ours: its own load tells of it.
            let delayed = thread_delayed().saturating_sub(delayed);
            let worked = self.shared.clock.now().since(cut_at);
            let worked = worked.saturating_sub(delayed).as_nanos();
            let worked = u64::try_from(worked).unwrap_or(u64::MAX);
            self.shared.worked_nanos.fetch_add(worked, Ordering::AcqRel);
        }
    }

    fn pulse(&self) -> &Pulse {
        &self.shared.pulses[self.number]
    }

    /// Takes the newest frame of each camera; what is too old is counted and not computed.
    fn take(&self, queues: &[QueueId], cut_at: Monotonic) -> Vec<Taken> {
        // Looked up first and let go of: a camera that is skipped marks itself done at once.
        let entries: Vec<_> = {
            let known = self.shared.queues.read();
            queues
                .iter()
                .map(|queue| known.get(queue).cloned())
                .collect()
        };
        let mut taken = Vec::with_capacity(queues.len());
        for (&queue, entry) in queues.iter().zip(entries) {
            let in_flight = InFlight {
                shared: Arc::clone(&self.shared),
                queue,
                slot: entry.as_ref().map(|entry| Arc::clone(&entry.slot)),
            };
            let Some(entry) = entry else {
                continue;
            };
            let Some(frame) = entry.slot.take() else {
                continue;
            };
            let age = cut_at.since(frame.arrived);
            if entry.when_full == WhenFull::Overwrite && age > self.shared.max_age {
                entry.metrics.stale.inc();
                continue;
            }
            self.stages.wait.observe(age.as_secs_f64());
            taken.push(Taken {
                entry,
                in_flight,
                frame,
            });
        }
        taken
    }

    fn batch(&mut self, model: usize, taken: Vec<Taken>, cut_at: Monotonic) {
        let metrics: &Metrics = &self.shared.metrics;
        metrics.batch_pictures.observe(taken.len() as f64);
        let runner = &mut self.runners[model];
        let (clock, stages, cpu) = (&self.shared.clock, &self.stages, &self.cpu);
        let begun = clock.now();
        let cpu_begun = thread_cpu();
        let worked = catch_unwind(AssertUnwindSafe(|| {
            let placed: Vec<Placed> = taken
                .iter()
                .enumerate()
                .map(|(place, taken)| runner.write(place, &taken.frame))
                .collect();
            let written = clock.now();
            cpu.preprocess.add(thread_cpu().saturating_sub(cpu_begun));
            let each = written.since(begun).as_secs_f64() / taken.len() as f64;
            taken.iter().for_each(|_| stages.preprocess.observe(each));
            runner.detect(
                &placed,
                &mut |spent| {
                    stages.inference.observe(spent.run.as_secs_f64());
                    let each = spent.heads.as_secs_f64() / taken.len() as f64;
                    taken.iter().for_each(|_| stages.decode.observe(each));
                    cpu.inference.add(spent.run_cpu);
                    cpu.heads.add(spent.heads_cpu);
                },
                &|| clock.now(),
            )
        }));
        let results = match worked {
            Ok(Ok(found)) => found.into_iter().map(Ok).collect(),
            Ok(Err(error)) => vec![Err(error); taken.len()],
            Err(payload) => {
                let what = format!("panicked: {}", panic_message(payload.as_ref()));
                let error = InferError::Engine {
                    model: runner.model.manifest.name.clone(),
                    what,
                };
                tracing::error!(%error, "an engine panicked; it is loaded again");
                let opened = self.backend.open_with(&runner.model, self.threads[model]);
                match opened {
                    Ok(engine) => runner.engine = engine,
                    Err(error) => tracing::error!(%error, "the engine could not be loaded again"),
                }
                vec![Err(error); taken.len()]
            }
        };
        let reference = runner.model.reference.clone();
        for (taken, detections) in taken.into_iter().zip(results) {
            let answer = Answer {
                camera: taken.entry.camera.clone(),
                frame: taken.frame,
                detections,
                model: reference.clone(),
                cut_at,
                in_flight: taken.in_flight,
            };
            (taken.entry.on_answer)(answer);
        }
    }
}

impl ModelRunner {
    fn write(&mut self, place: usize, frame: &Frame) -> Placed {
        if !self.tables.contains_key(&frame.size) && self.tables.len() >= MAX_SIZES {
            self.tables.clear();
        }
        let input = &self.model.manifest.input;
        let tables = self
            .tables
            .entry(frame.size)
            .or_insert_with(|| Preprocessor::new(frame.size, input));
        let length = self.model.input_len();
        let tensor = &mut self.input[place * length..(place + 1) * length];
        if self.padded[place] != Some(frame.size) {
            tables.pad(tensor);
            self.padded[place] = Some(frame.size);
        }
        tables.write(frame, tensor);
        tables.placed()
    }

    fn detect(
        &mut self,
        placed: &[Placed],
        observe: &mut dyn FnMut(Spent),
        now: &dyn Fn() -> Monotonic,
    ) -> Result<Vec<Vec<Detection>>, InferError> {
        let pictures = self.engine.batch().pictures(placed.len());
        let model = &self.model;
        let input = &self.input[..pictures * model.input_len()];
        let mut found = Vec::with_capacity(placed.len());
        let (begun, cpu_begun) = (now(), thread_cpu());
        let (mut read, mut cpu_read) = (begun, cpu_begun);
        self.engine.run(pictures, input, &mut |outputs| {
            (read, cpu_read) = (now(), thread_cpu());
            found.extend(
                placed
                    .iter()
                    .enumerate()
                    .map(|(n, place)| detections(model, outputs, n, pictures, place)),
            );
        })?;
        observe(Spent {
            run: read.since(begun),
            run_cpu: cpu_read.saturating_sub(cpu_begun),
            heads: now().since(read),
            heads_cpu: thread_cpu().saturating_sub(cpu_read),
        });
        Ok(found)
    }
}

/// One picture of a batch's outputs as detections.
fn detections(
    model: &Model,
    outputs: &[OutputView<'_>],
    picture: usize,
    pictures: usize,
    placed: &Placed,
) -> Vec<Detection> {
    let manifest = &model.manifest;
    let views: Vec<OutputView<'_>> = outputs
        .iter()
        .map(|output| of_picture(output, picture, pictures))
        .collect();
    let wanted = |class: usize| matches!(model.classes.get(class), Some(Some(_)));
    let context = HeadContext {
        input: &manifest.input,
        wanted: &wanted,
        classes: model.classes.len(),
        threshold: manifest.score_threshold,
    };
    let head = manifest.output.head();
    let mut raw = head.decode(&views, &context);
    if !head.is_free_of_doubles() {
        nms(&mut raw, manifest.nms_iou);
    }
    raw.into_iter()
        .filter_map(|raw| {
            let class = Arc::clone(model.classes.get(raw.class)?.as_ref()?);
            let box_in_frame = placed.to_picture(raw.corners);
            let detection = Detection {
                class,
                score: raw.score,
                box_in_frame,
            };
            box_in_frame.is_sound().then_some(detection)
        })
        .collect()
}

fn of_picture<'a>(output: &OutputView<'a>, picture: usize, pictures: usize) -> OutputView<'a> {
    let batched = output
        .shape
        .first()
        .is_some_and(|&n| usize::try_from(n) == Ok(pictures));
    if !batched {
        return *output;
    }
    let each = output.data.len() / pictures;
    OutputView {
        shape: &output.shape[1..],
        data: &output.data[picture * each..(picture + 1) * each],
    }
}

/// Looks at single frames with one engine: what `model detect`, measurements and tests need.
pub(super) struct Single(ModelRunner);

impl Single {
    pub(super) fn new(model: &Arc<Model>, engine: Box<dyn Engine>) -> Self {
        let limit = engine.batch().pictures(1);
        Self(ModelRunner {
            input: vec![0.0; limit * model.input_len()],
            padded: vec![None; limit],
            tables: HashMap::new(),
            model: Arc::clone(model),
            engine,
        })
    }

    /// # Errors
    /// The engine's.
    pub(super) fn look(&mut self, frame: &Frame) -> Result<Vec<Detection>, InferError> {
        let placed = self.0.write(0, frame);
        let mut found = self.0.detect(&[placed], &mut |_| {}, &Monotonic::default)?;
        Ok(found.pop().unwrap_or_default())
    }
}
