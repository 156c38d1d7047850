//! `thread-safety`: many threads each run their own encoder stack; no result may be lost or wrong.

use anyhow::Result;

use super::workload::Workload;
use super::{Chapter, Context, Verdict, stress};
use crate::encoder::Encoder;
use crate::params::{iterations, threads};
use crate::repeat::Check;

pub(crate) const CHAPTER: Chapter = Chapter {
    name: "thread-safety",
    about: "threads x iterations forward passes of an encoder stack, a model for each thread: \
            none may be lost, fail or come out wrong",
    params: &[threads(8), iterations(20), stress::TOLERANCE],
    unused: &[],
    run,
};

/// Also runs `encoder-layer`, which differs only in its defaults.
pub(super) fn run(context: &Context<'_>) -> Result<Verdict> {
    let mut random = context.random();
    let model = Encoder::random(context.sizes(), &mut random)?;
    let workload = Workload {
        threads: context.params.count("threads"),
        batch: context.params.size("batch"),
        iterations: context.params.count("iterations"),
        check: Check::Every,
    };
    let jobs = workload.jobs(context, &model, &mut random)?;
    stress::run(context, jobs)
}
