//! The table of throughput by number of threads, which two chapters make with different sizes.

use anyhow::Result;

use super::workload::Workload;
use super::{Context, Verdict, stress};
use crate::encoder::Encoder;
use crate::repeat::Check;
use crate::thread_group::{self, Tally};

/// Measures `throughput`, `speedup` and `efficiency` for each number of threads, against one thread.
pub(super) fn run(context: &Context<'_>) -> Result<Verdict> {
    let mut random = context.random();
    let model = Encoder::random(context.sizes(), &mut random)?;
    let teams = teams(context);
    let total: u64 = teams.iter().map(Workload::operations).sum();
    let (mut before, mut alone, mut complaints) = (0, None, Vec::new());
    for workload in teams {
        let mut jobs = workload.jobs(context, &model, &mut random)?;
        let tally = thread_group::run(&mut jobs, &context.plan(), |done, _| {
            let done = (before + done) as f64;
            Ok(context.sink.progress(done, total as f64, "ops")?)
        })?;
        before += workload.operations();
        // Teams are in ascending order, and the first is one thread.
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

/// A team for each number of threads; one thread is always among them, for the others are compared with it.
fn teams(context: &Context<'_>) -> Vec<Workload> {
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
