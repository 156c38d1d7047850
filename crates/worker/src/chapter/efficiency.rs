//! How much of its speed a thread keeps as more threads are added.

use anyhow::Result;

use super::workload::Workload;
use super::{Chapter, Context, Verdict, stress};
use crate::encoder::Encoder;
use crate::params::{iterations, size, thread_counts};
use crate::repeat::Check;
use crate::thread_group::Tally;

pub(crate) const EFFICIENCY_CEILING: Chapter = Chapter {
    name: "efficiency-ceiling",
    about: "throughput of an encoder stack for each number of threads, a model for each thread: \
            efficiency is throughput(n) / throughput(1) / n",
    params: &[
        thread_counts(&[1, 2, 4, 8]),
        iterations(20),
        stress::TOLERANCE,
    ],
    unused: &[],
    run,
};

/// The efficiency table of a small model, with more threads.
pub(crate) const SCALING: Chapter = Chapter {
    name: "scaling",
    about: "throughput of a small encoder stack for each number of threads, a model for each \
            thread: efficiency is throughput(n) / throughput(1) / n",
    params: &[
        thread_counts(&[1, 2, 4, 8, 16]),
        iterations(20),
        stress::TOLERANCE,
        size("d_model", 64),
        size("feed_forward", 256),
    ],
    unused: &[],
    run,
};

/// Measures `throughput`, `speedup` and `efficiency` for each number of threads, relative to one
/// thread.
fn run(context: &Context<'_>) -> Result<Verdict> {
    let mut random = context.random();
    let model = Encoder::random(context.sizes(), &mut random)?;
    let workloads = workloads(context);
    let total: u64 = workloads.iter().map(Workload::operations).sum();
    let (mut before, mut alone, mut complaints) = (0, None, Vec::new());
    for workload in workloads {
        let (tally, wrong) = stress::measure(&workload, context, &model, &mut random, |done| {
            let done = (before + done) as f64;
            Ok(context.sink.progress(done, total as f64, "ops")?)
        })?;
        before += workload.operations();
        // Workloads are in ascending order, and the first has one thread.
        let alone = *alone.get_or_insert(tally.throughput());
        row(context, &workload, &tally, alone)?;
        let label = label(&workload);
        complaints.extend(wrong.iter().map(|wrong| format!("{label}: {wrong}")));
    }
    Ok(Verdict::from_complaints(&complaints))
}

/// Returns a workload for each number of threads. One thread is always included as the reference.
fn workloads(context: &Context<'_>) -> Vec<Workload> {
    let mut counts = context.params.counts("threads");
    counts.push(1);
    counts.sort_unstable();
    counts.dedup();
    let workload = |threads| Workload::of(context, threads, Check::Last);
    counts.into_iter().map(workload).collect()
}

fn label(workload: &Workload) -> String {
    format!("threads={}", workload.threads)
}

fn row(context: &Context<'_>, workload: &Workload, tally: &Tally, alone: f64) -> Result<()> {
    let (sink, label) = (context.sink, label(workload));
    let throughput = tally.throughput();
    let speedup = throughput / alone;
    sink.measure("throughput", throughput, "ops/s", &label)?;
    sink.measure("speedup", speedup, "", &label)?;
    let efficiency = speedup / workload.threads as f64;
    Ok(sink.measure("efficiency", efficiency, "", &label)?)
}
