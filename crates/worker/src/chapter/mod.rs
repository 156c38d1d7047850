//! The built-in chapters: what they are called, what they take, and what they run in.

mod batching_advantage;
mod correctness;
mod efficiency;
mod efficiency_ceiling;
mod encoder_layer;
mod layer_norm_stress;
mod matmul_soak;
mod multi_model;
mod scaling;
mod stress;
mod thread_safety;
mod workload;

use std::time::Duration;

use anyhow::Result;
use crashrate_protocol::ChapterInfo;

use crate::device::Device;
use crate::encoder::Sizes;
use crate::event_sink::EventSink;
use crate::params::{self, Param, Params};
use crate::random::Random;
use crate::semaphore::Semaphore;
use crate::thread_group::Plan;

/// One built-in chapter.
#[derive(Debug)]
pub(crate) struct Chapter {
    /// Its name, as a suite's `worker = "..."` has it.
    pub(crate) name: &'static str,
    /// What it does, in a line.
    pub(crate) about: &'static str,
    /// Parameters of its own, and common ones with defaults of its own.
    pub(crate) params: &'static [Param],
    /// Common parameters that it takes and makes no use of.
    pub(crate) unused: &'static [&'static str],
    /// Measures, and says whether what was seen is right. An error is a failed chapter.
    pub(crate) run: fn(&Context<'_>) -> Result<Verdict>,
}

/// All chapters: those of the complete story in its order, then those of the verification report.
pub(crate) const ALL: [&Chapter; 9] = [
    &thread_safety::CHAPTER,
    &efficiency_ceiling::CHAPTER,
    &batching_advantage::CHAPTER,
    &correctness::CHAPTER,
    &matmul_soak::CHAPTER,
    &encoder_layer::CHAPTER,
    &multi_model::CHAPTER,
    &layer_norm_stress::CHAPTER,
    &scaling::CHAPTER,
];

/// The chapter of this name.
pub(crate) fn find(name: &str) -> Option<&'static Chapter> {
    ALL.into_iter().find(|chapter| chapter.name == name)
}

/// The names of all chapters, for messages.
pub(crate) fn names() -> String {
    ALL.map(|chapter| chapter.name).join(", ")
}

impl Chapter {
    /// What `list` says of it.
    pub(crate) fn info(&self) -> ChapterInfo {
        let declared = params::declared(self.params, self.unused);
        ChapterInfo {
            name: self.name.to_owned(),
            about: self.about.to_owned(),
            params: declared
                .iter()
                .map(|param| (param.name.to_owned(), param.kind.default()))
                .collect(),
        }
    }
}

/// How a chapter ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// What has to hold on every device held.
    Passed,
    /// It did not; why, for people.
    Failed(String),
}

impl Verdict {
    /// Passed if there is nothing against it.
    pub(crate) fn from_complaints(complaints: &[String]) -> Self {
        if complaints.is_empty() {
            Verdict::Passed
        } else {
            Verdict::Failed(complaints.join("; "))
        }
    }
}

/// What a chapter runs in.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// Where it computes.
    pub(crate) device: Device,
    /// Its parameters.
    pub(crate) params: Params,
    /// Its seed.
    pub(crate) seed: u64,
    /// libtorch's threads for one operation, as they were when the process began.
    pub(crate) libtorch_threads: i32,
    /// Where measures and progress go.
    pub(crate) sink: &'a EventSink,
}

impl Context<'_> {
    /// How threads work under the common parameters.
    pub(crate) fn plan(&self) -> Plan {
        Plan {
            device: self.device,
            warm_up: self.params.count("warm_up"),
            semaphore: Semaphore::new(self.params.count("max_in_flight") as usize),
            intra_op_threads: self.device.is_cpu().then(|| self.intra_op_threads()),
            duration: None,
        }
    }

    /// The same, but until a time is over.
    pub(crate) fn plan_for(&self, seconds: f64) -> Plan {
        Plan {
            duration: Some(Duration::from_secs_f64(seconds)),
            ..self.plan()
        }
    }

    /// libtorch's threads for one operation on the CPU: as the parameter says, or 0 for what they were.
    pub(crate) fn intra_op_threads(&self) -> i32 {
        match self.params.count("intra_op_threads") {
            0 => self.libtorch_threads,
            threads => threads as i32,
        }
    }

    /// The sizes of the encoder stack.
    pub(crate) fn sizes(&self) -> Sizes {
        Sizes {
            d_model: self.params.size("d_model"),
            heads: self.params.size("heads"),
            feed_forward: self.params.size("feed_forward"),
            layers: self.params.size("layers"),
        }
    }

    /// The shape of an input: `[batch, sequence, d_model]`.
    pub(crate) fn input_shape(&self, batch: i64) -> [i64; 3] {
        [
            batch,
            self.params.size("sequence"),
            self.params.size("d_model"),
        ]
    }

    /// Random tensors of this chapter, from the beginning.
    pub(crate) fn random(&self) -> Random {
        Random::new(self.seed)
    }
}
