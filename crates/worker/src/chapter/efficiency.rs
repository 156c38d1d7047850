//! The throughput table by number of threads, shared by two chapters with different sizes.

use anyhow::Result;

use super::workload::Workload;
use super::{Context, Verdict, stress};
use crate::encoder::Encoder;
use crate::repeat::Check;
use crate::thread_group::{self, Tally};

/// Measures `throughput`, `speedup` and `efficiency` for each number of threads, relative to one
/// thread.
pub(super) fn run(context: &Context<'_>) -> Result<Verdict> {
    let mut random = context.random();
    let model = Encoder::random(context.sizes(), &mut random)?;
    let workloads = workloads(context);
    let total: u64 = workloads.iter().map(Workload::operations).sum();
    let (mut before, mut alone, mut complaints) = (0, None, Vec::new());
    for workload in workloads {
        let mut jobs = workload.jobs(context, &model, &mut random)?;
        let tally = thread_group::run(&mut jobs, &context.plan(), |done, _| {
            let done = (before + done) as f64;
            Ok(context.sink.progress(done, total as f64, "ops")?)
        })?;
        before += workload.operations();
        // Workloads are in ascending order, and the first has one thread.
        let alone = *alone.get_or_insert(tally.throughput());
        row(context, &workload, &tally, alone)?;

        let difference = stress::largest_difference(&jobs)?;
        let tolerance = context.params.number("tolerance");
        let wrong = stress::complaints(&tally, workload.operations(), difference, tolerance);
        complaints.extend(
            wrong
                .iter()
                .map(|wrong| format!("{}: {wrong}", workload.label())),
        );
    }
    Ok(Verdict::from_complaints(&complaints))
}

/// Returns a workload for each number of threads. One thread is always included as the reference.
fn workloads(context: &Context<'_>) -> Vec<Workload> {
    let mut counts = context.params.counts("threads");
    counts.push(1);
    counts.sort_unstable();
    counts.dedup();
    let workload = |threads| Workload {
        threads,
        batch: context.params.size("batch"),
        iterations: context.params.count("iterations"),
        check: Check::Last,
    };
    counts.into_iter().map(workload).collect()
}

fn row(context: &Context<'_>, workload: &Workload, tally: &Tally, alone: f64) -> Result<()> {
    let (sink, label) = (context.sink, workload.label());
    let throughput = tally.throughput();
    let speedup = throughput / alone;
    sink.measure("throughput", throughput, "ops/s", &label)?;
    sink.measure("speedup", speedup, "", &label)?;
    let efficiency = speedup / workload.threads as f64;
    Ok(sink.measure("efficiency", efficiency, "", &label)?)
}
