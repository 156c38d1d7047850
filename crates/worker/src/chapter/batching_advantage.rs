//! `batching-advantage`: the same samples as one large batch, or spread over threads.
//!
//! Every thread of every configuration gets a new model; all models have the same weights. The
//! original does the same, and the published sequence crashed in this chapter.

use anyhow::Result;

use super::workload::Workload;
use super::{Chapter, Context, Verdict, stress};
use crate::encoder::Encoder;
use crate::params::{iterations, size, threads};
use crate::repeat::Check;

pub(crate) const CHAPTER: Chapter = Chapter {
    name: "batching-advantage",
    about: "samples a second of one thread with all samples in a batch, of a thread for each `batch` \
            of them, and of half the threads with twice the batch",
    params: &[
        threads(8),
        iterations(30),
        stress::TOLERANCE,
        size("batch", 1),
    ],
    unused: &[],
    run,
};

fn run(context: &Context<'_>) -> Result<Verdict> {
    let mut random = context.random();
    let model = Encoder::random(context.sizes(), &mut random)?;
    let workloads = workloads(context);
    let total: u64 = workloads.iter().map(samples).sum();
    let (mut before, mut rates, mut complaints) = (0, Vec::new(), Vec::new());
    for workload in workloads {
        let label = label(&workload);
        let (tally, wrong) = stress::measure(&workload, context, &model, &mut random, |done| {
            let done = (before + done * workload.batch as u64) as f64;
            Ok(context.sink.progress(done, total as f64, "samples")?)
        })?;
        before += samples(&workload);
        let rate = tally.throughput() * workload.batch as f64;
        let sink = context.sink;
        sink.measure("samples_per_second", rate, "1/s", &label)?;
        complaints.extend(wrong.iter().map(|wrong| format!("{label}: {wrong}")));
        rates.push((label, rate));
    }
    let (batched, threaded) = rates.split_first().expect("three teams");
    for (label, rate) in threaded {
        let label = format!("{} / {label}", batched.0);
        context
            .sink
            .measure("ratio", batched.1 / rate, "", &label)?;
    }
    Ok(Verdict::from_complaints(&complaints))
}

/// One thread with the whole batch, all threads with one sample each, and half of the threads with
/// two.
fn workloads(context: &Context<'_>) -> Vec<Workload> {
    let threads = context.params.count("threads");
    let batch = context.params.size("batch");
    let workload = |threads: u64, batch| Workload {
        batch,
        ..Workload::of(context, threads, Check::Last)
    };
    let mut workloads = vec![
        workload(1, batch * threads.cast_signed()),
        workload(threads, batch),
        workload(threads / 2, batch * 2),
    ];
    // Leave out the half unless it is a whole number of threads different from the other two.
    workloads.truncate(if threads > 2 && threads.is_multiple_of(2) {
        3
    } else {
        2
    });
    workloads
}

fn samples(workload: &Workload) -> u64 {
    workload.operations() * workload.batch as u64
}

fn label(workload: &Workload) -> String {
    format!("threads={},batch={}", workload.threads, workload.batch)
}
