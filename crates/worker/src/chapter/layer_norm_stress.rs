//! `layer-norm-stress`: layer normalisation alone under threads.

use anyhow::Result;

use super::team::Team;
use super::{Chapter, Context, Verdict, stress};
use crate::norm::LayerNorm;
use crate::params::{iterations, threads};
use crate::repeat::Check;

/// The declaration.
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
    let team = Team {
        threads: context.params.count("threads"),
        batch: context.params.size("batch"),
        iterations: context.params.count("iterations"),
        check: Check::Every,
    };
    let norm = LayerNorm::new(context.params.size("d_model"))?;
    let input = context.input_shape(team.batch);
    let job = |_| {
        let norm = norm.copy_to(context.device.tch())?;
        team.job(context, norm, &input, &mut random)
    };
    let jobs = (0..team.threads).map(job).collect::<Result<Vec<_>>>()?;
    stress::run(context, jobs)
}
