//! The built-in chapters: their names, parameters and context.

mod batching_advantage;
mod correctness;
mod efficiency;
mod matmul_soak;
mod multi_model;
mod stress;
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

/// A built-in chapter.
#[derive(Debug)]
pub(crate) struct Chapter {
    /// The name, as in a suite's `worker = "..."`.
    pub(crate) name: &'static str,
    /// A one-line description.
    pub(crate) about: &'static str,
    /// Its parameters, including common ones with different defaults.
    pub(crate) params: &'static [Param],
    /// Common parameters that it accepts and ignores.
    pub(crate) unused: &'static [&'static str],
    /// Measures, and checks what must hold on every device. An error is a failed chapter.
    pub(crate) run: fn(&Context<'_>) -> Result<Verdict>,
}

/// All chapters: the story in its order, then the verification report.
pub(crate) const ALL: [&Chapter; 9] = [
    &stress::THREAD_SAFETY,
    &efficiency::EFFICIENCY_CEILING,
    &batching_advantage::CHAPTER,
    &correctness::CHAPTER,
    &matmul_soak::CHAPTER,
    &stress::ENCODER_LAYER,
    &multi_model::CHAPTER,
    &stress::LAYER_NORM_STRESS,
    &efficiency::SCALING,
];

/// Finds a chapter by name.
pub(crate) fn find(name: &str) -> Option<&'static Chapter> {
    ALL.into_iter().find(|chapter| chapter.name == name)
}

/// All names, for messages.
pub(crate) fn names() -> String {
    ALL.map(|chapter| chapter.name).join(", ")
}

impl Chapter {
    /// The chapter's entry in `list`.
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

/// The verdict of a chapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Everything that must hold on every device held.
    Passed,
    /// Something did not hold; the reason, for people.
    Failed(String),
}

impl Verdict {
    /// Passes if there are no complaints.
    pub(crate) fn from_complaints(complaints: &[String]) -> Self {
        if complaints.is_empty() {
            Verdict::Passed
        } else {
            Verdict::Failed(complaints.join("; "))
        }
    }
}

/// The context of a chapter.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// The device to compute on.
    pub(crate) device: Device,
    /// Its parameters.
    pub(crate) params: Params,
    /// Its seed.
    pub(crate) seed: u64,
    /// libtorch's intra-operation threads at the start of the process.
    pub(crate) libtorch_threads: i32,
    /// Receives measures and progress.
    pub(crate) sink: &'a EventSink,
}

impl Context<'_> {
    /// The thread settings from the common parameters.
    pub(crate) fn plan(&self) -> Plan {
        Plan {
            device: self.device,
            warm_up: self.params.count("warm_up"),
            semaphore: Semaphore::new(self.params.count("max_in_flight") as usize),
            intra_op_threads: self.device.is_cpu().then(|| self.intra_op_threads()),
            duration: None,
        }
    }

    /// The same settings with a time limit, in seconds.
    pub(crate) fn plan_for(&self, seconds: f64) -> Plan {
        Plan {
            duration: Some(Duration::from_secs_f64(seconds)),
            ..self.plan()
        }
    }

    /// libtorch's intra-operation threads on the CPU: the parameter, or for 0 the number at the
    /// start.
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

    /// A new generator for this chapter's random tensors.
    pub(crate) fn random(&self) -> Random {
        Random::new(self.seed)
    }
}
