//! The forward passes of a group of threads. Each thread has its own model; all have the same
//! weights.

use anyhow::Result;

use super::Context;
use crate::encoder::Encoder;
use crate::random::{Random, deep_copy};
use crate::repeat::{Check, Forward, Repeat};

/// The size of a workload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    /// The number of threads.
    pub(crate) threads: u64,
    /// Samples per input.
    pub(crate) batch: i64,
    /// Forward passes per thread.
    pub(crate) iterations: u64,
    /// Which results are compared.
    pub(crate) check: Check,
}

impl Workload {
    /// The workload of this many threads, as the chapter's parameters say.
    pub(crate) fn of(context: &Context<'_>, threads: u64, check: Check) -> Self {
        Workload {
            threads,
            batch: context.params.size("batch"),
            iterations: context.params.count("iterations"),
            check,
        }
    }

    /// Forward passes in total.
    pub(crate) fn operations(&self) -> u64 {
        self.threads * self.iterations
    }

    /// Creates a job for each thread with its own copy of the model and its own input, so that a
    /// result that leaks from one thread to another is detected as wrong.
    pub(crate) fn jobs(
        &self,
        context: &Context<'_>,
        model: &Encoder,
        random: &mut Random,
    ) -> Result<Vec<Repeat<Encoder>>> {
        let device = context.device.tch();
        let job = |_| self.job(context, model.copy_to(device)?, random);
        (0..self.threads).map(job).collect()
    }

    /// Creates one job on a random input.
    pub(crate) fn job<F: Forward>(
        &self,
        context: &Context<'_>,
        computation: F,
        random: &mut Random,
    ) -> Result<Repeat<F>> {
        let input = random.normal(&context.input_shape(self.batch))?;
        let input = deep_copy(&input, context.device.tch())?;
        Repeat::new(
            context.device,
            computation,
            input,
            self.iterations,
            self.check,
        )
    }
}
