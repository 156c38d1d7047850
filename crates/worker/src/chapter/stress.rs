//! Chapters that count operations under threads: none may be lost, fail or come out wrong.

use anyhow::Result;

use super::workload::Workload;
use super::{Chapter, Context, Verdict};
use crate::encoder::Encoder;
use crate::norm::LayerNorm;
use crate::params::{Param, iterations, number, size, threads};
use crate::random::Random;
use crate::repeat::{Check, Forward, Repeat, larger};
use crate::thread_group::{self, Job, Tally};

pub(crate) const THREAD_SAFETY: Chapter = Chapter {
    name: "thread-safety",
    about: "threads x iterations forward passes of an encoder stack, a model for each thread: \
            none may be lost, fail or come out wrong",
    params: &[threads(8), iterations(20), TOLERANCE],
    unused: &[],
    run: encoders,
};

/// Passes about nine times in ten in the published reports.
pub(crate) const ENCODER_LAYER: Chapter = Chapter {
    name: "encoder-layer",
    about: "threads x iterations forward passes of one TransformerEncoderLayer, one for each \
            thread: none may be lost, fail or come out wrong",
    params: &[threads(8), iterations(20), TOLERANCE, size("layers", 1)],
    unused: &[],
    run: encoders,
};

pub(crate) const LAYER_NORM_STRESS: Chapter = Chapter {
    name: "layer-norm-stress",
    about: "threads x iterations layer normalisations, a layer for each thread: \
            none may be lost, fail or come out wrong",
    params: &[threads(8), iterations(50), TOLERANCE],
    unused: &["heads", "feed_forward", "layers"],
    run: layer_norms,
};

fn encoders(context: &Context<'_>) -> Result<Verdict> {
    let mut random = context.random();
    let model = Encoder::random(context.sizes(), &mut random)?;
    let workload = Workload::of(context, context.params.count("threads"), Check::Every);
    run(context, workload.jobs(context, &model, &mut random)?)
}

fn layer_norms(context: &Context<'_>) -> Result<Verdict> {
    let mut random = context.random();
    let workload = Workload::of(context, context.params.count("threads"), Check::Every);
    let norm = LayerNorm::new(context.params.size("d_model"))?;
    let job = |_| {
        let norm = norm.copy_to(context.device.tch())?;
        workload.job(context, norm, &mut random)
    };
    let jobs = (0..workload.threads).map(job).collect::<Result<Vec<_>>>()?;
    run(context, jobs)
}

/// How far a result may differ from the same computation run alone.
pub(crate) const TOLERANCE: Param = number("tolerance", 1e-3);

/// A job with compared results.
pub(crate) trait Compared: Job {
    /// The largest difference: NaN if a result was not finite, `None` if none was compared.
    fn difference(&self) -> Result<Option<f64>>;
}

impl<F: Forward> Compared for Repeat<F> {
    fn difference(&self) -> Result<Option<f64>> {
        Repeat::difference(self)
    }
}

/// Runs the jobs, measures, and decides the verdict.
pub(crate) fn run<J: Compared>(context: &Context<'_>, mut jobs: Vec<J>) -> Result<Verdict> {
    let expected: u64 = jobs.iter().map(Job::operations).sum();
    let tally = thread_group::run(&mut jobs, &context.plan(), |done, _| {
        Ok(context.sink.progress(done as f64, expected as f64, "ops")?)
    })?;
    let difference = largest_difference(&jobs)?;

    let sink = context.sink;
    sink.measure("operations", tally.done as f64, "", "")?;
    sink.measure("operations_expected", expected as f64, "", "")?;
    sink.measure("errors", tally.errors as f64, "", "")?;
    sink.measure("elapsed", tally.wall.as_secs_f64(), "s", "")?;
    sink.measure("throughput", tally.throughput(), "ops/s", "")?;
    sink.measure("difference_max", difference, "", "")?;

    let tolerance = context.params.number("tolerance");
    let complaints = complaints(&tally, expected, difference, tolerance);
    Ok(Verdict::from_complaints(&complaints))
}

/// Runs a workload on copies of `model`. Returns the tally, and what went wrong.
pub(crate) fn measure(
    workload: &Workload,
    context: &Context<'_>,
    model: &Encoder,
    random: &mut Random,
    mut progress: impl FnMut(u64) -> Result<()>,
) -> Result<(Tally, Vec<String>)> {
    let mut jobs = workload.jobs(context, model, random)?;
    let tally = thread_group::run(&mut jobs, &context.plan(), |done, _| progress(done))?;
    let difference = largest_difference(&jobs)?;
    let tolerance = context.params.number("tolerance");
    let wrong = complaints(&tally, workload.operations(), difference, tolerance);
    Ok((tally, wrong))
}

/// The largest difference over all jobs; 0 if nothing was compared.
fn largest_difference<J: Compared>(jobs: &[J]) -> Result<f64> {
    jobs.iter().try_fold(0.0, |largest, job| {
        Ok(larger(largest, job.difference()?.unwrap_or(0.0)))
    })
}

/// Lists what went wrong, limited to checks that do not depend on the device.
fn complaints(tally: &Tally, expected: u64, difference: f64, tolerance: f64) -> Vec<String> {
    let mut complaints = Vec::new();
    if tally.errors > 0 {
        let first = tally.first_error.as_deref().unwrap_or("unknown");
        complaints.push(format!(
            "{} of {expected} operations ended with an error, the first: {first}",
            tally.errors
        ));
    } else if tally.done != expected {
        complaints.push(format!("{} of {expected} operations were done", tally.done));
    }
    if !difference.is_finite() {
        complaints.push("a result was not finite".to_owned());
    } else if difference > tolerance {
        complaints.push(format!(
            "a result is {difference:.2e} off from the same computation alone; the tolerance is \
             {tolerance:e}"
        ));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_and_wrong_results_are_reported() {
        let tally = |done, errors| Tally {
            done,
            errors,
            first_error: (errors > 0).then(|| "bad stride".to_owned()),
            ..Tally::default()
        };
        assert_eq!(complaints(&tally(160, 0), 160, 1e-6, 1e-3), [""; 0]);
        let messages = complaints(&tally(158, 2), 160, f64::NAN, 1e-3);
        assert!(messages[0].starts_with("2 of 160") && messages[0].ends_with("bad stride"));
        assert_eq!(messages[1], "a result was not finite");
        let messages = complaints(&tally(159, 0), 160, 0.5, 1e-3);
        assert!(
            messages[0].starts_with("159 of 160") && messages[1].starts_with("a result is 5.00e-1")
        );
    }
}
