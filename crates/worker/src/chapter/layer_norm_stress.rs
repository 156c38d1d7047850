//! `layer-norm-stress`: layer normalisation alone under threads.

use anyhow::Result;

use super::workload::Workload;
use super::{Chapter, Context, Verdict, stress};
use crate::norm::LayerNorm;
use crate::params::{iterations, threads};
use crate::repeat::Check;

pub(crate) const CHAPTER: Chapter = Chapter {
    name: "layer-norm-stress",
    about: "threads x iterations layer normalisations, a layer for each thread: \
            none may be lost, fail or come out wrong",
    params: &[threads(8), iterations(50), stress::TOLERANCE],
    unused: &["heads", "feed_forward", "layers"],
    run,
};

fn run(context: &Context<'_>) -> Result<Verdict> {
    let mut random = context.random();
    let workload = Workload {
        threads: context.params.count("threads"),
        batch: context.params.size("batch"),
        iterations: context.params.count("iterations"),
        check: Check::Every,
    };
    let norm = LayerNorm::new(context.params.size("d_model"))?;
    let input = context.input_shape(workload.batch);
    let job = |_| {
        let norm = norm.copy_to(context.device.tch())?;
        workload.job(context, norm, &input, &mut random)
    };
    let jobs = (0..workload.threads).map(job).collect::<Result<Vec<_>>>()?;
    stress::run(context, jobs)
}
