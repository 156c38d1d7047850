//! `multi-model`: several different models distributed over threads.

use anyhow::Result;

use super::stress::{self, Compared};
use super::workload::Workload;
use super::{Chapter, Context, Verdict};
use crate::encoder::Encoder;
use crate::params::{count, iterations, threads};
use crate::repeat::{Check, Repeat, larger};
use crate::thread_group::Job;

pub(crate) const CHAPTER: Chapter = Chapter {
    name: "multi-model",
    about: "several models, each with its own weights, run by threads that take turns with \
            theirs: every forward pass must be done, and right",
    params: &[
        count("models", 8, 1, 1024),
        threads(8),
        iterations(20),
        stress::TOLERANCE,
    ],
    unused: &[],
    run,
};

/// The models of one thread. A step is one forward pass of the next model.
#[derive(Default)]
struct Turns {
    models: Vec<Repeat<Encoder>>,
    next: usize,
}

fn run(context: &Context<'_>) -> Result<Verdict> {
    let models = context.params.count("models");
    // A thread without a model would have nothing to do.
    let threads = context.params.count("threads").min(models);
    let workload = Workload::of(context, threads, Check::Every);
    let mut jobs: Vec<Turns> = (0..threads).map(|_| Turns::default()).collect();
    let mut random = context.random();
    for number in 0..models {
        let model = Encoder::random(context.sizes(), &mut random)?;
        let model = model.copy_to(context.device.tch())?;
        let model = workload.job(context, model, &mut random)?;
        jobs[(number % threads) as usize].models.push(model);
    }
    stress::run(context, jobs)
}

impl Job for Turns {
    fn operations(&self) -> u64 {
        self.models.iter().map(Job::operations).sum()
    }

    fn step(&mut self) -> Result<()> {
        let turn = self.next;
        self.next = (turn + 1) % self.models.len();
        self.models[turn].step()
    }

    fn settle(&mut self) -> Result<()> {
        self.models.iter_mut().try_for_each(Job::settle)
    }
}

impl Compared for Turns {
    fn difference(&self) -> Result<Option<f64>> {
        self.models.iter().try_fold(None, |largest, model| {
            Ok(match (largest, model.difference()?) {
                (Some(a), Some(b)) => Some(larger(a, b)),
                (a, b) => a.or(b),
            })
        })
    }
}
