//! The forward jobs of a team of threads, a model for each thread, all with the same weights.

use anyhow::Result;

use super::Context;
use crate::encoder::{Encoder, Forward};
use crate::random::{Random, deep_copy};
use crate::repeat::{Check, Repeat};

/// What a team is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    /// How many threads.
    pub(crate) threads: u64,
    /// Samples in the input of each.
    pub(crate) batch: i64,
    /// Forward passes of each.
    pub(crate) iterations: u64,
    /// Which results are compared.
    pub(crate) check: Check,
}

impl Workload {
    /// How it is called in labels of the efficiency table.
    pub(crate) fn label(&self) -> String {
        format!("threads={}", self.threads)
    }

    /// All forward passes.
    pub(crate) fn operations(&self) -> u64 {
        self.threads * self.iterations
    }

    /// A job for each thread: a copy of the model, and an input of its own, so that a result which strayed from one
    /// thread to another is a wrong one.
    pub(crate) fn jobs(
        &self,
        context: &Context<'_>,
        model: &Encoder,
        random: &mut Random,
    ) -> Result<Vec<Repeat<Encoder>>> {
        let device = context.device.tch();
        (0..self.threads)
            .map(|_| {
                self.job(
                    context,
                    model.copy_to(device)?,
                    &context.input_shape(self.batch),
                    random,
                )
            })
            .collect()
    }

    /// One job on a random input.
    pub(crate) fn job<F: Forward>(
        &self,
        context: &Context<'_>,
        computation: F,
        input: &[i64],
        random: &mut Random,
    ) -> Result<Repeat<F>> {
        let input = deep_copy(&random.normal(input)?, context.device.tch())?;
        Repeat::new(
            context.device,
            computation,
            input,
            self.iterations,
            self.check,
        )
    }
}
