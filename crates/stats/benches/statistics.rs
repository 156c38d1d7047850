//! Statistics computed after every round (the watches), and those a report computes for every pair
//! of rates.
#![allow(missing_docs)]

use std::hint::black_box;

use crashrate_stats::{
    Counts, GateWatch, PairWatch, boschloo, confidence_sequence, fisher_exact, newcombe, wilson,
};
use criterion::{Criterion, criterion_group, criterion_main};

fn counts(bad: u64, n: u64) -> Counts {
    Counts::new(bad, n).expect("no more bad rounds than rounds")
}

fn watches(bench: &mut Criterion) {
    // Like a run of a thousand rounds, one in ten of them bad.
    bench.bench_function("a thousand pairs, E after each", |b| {
        b.iter(|| {
            let mut watch = PairWatch::new(0.05, 4).expect("alpha is valid");
            for round in 0..1000_u32 {
                watch.push([Some(round % 10 == 3), Some(round % 10 == 7)]);
                black_box(watch.is_decided());
            }
        });
    });
    bench.bench_function("a thousand rounds against a gate, E after each", |b| {
        b.iter(|| {
            let mut watch = GateWatch::new(0.1, 0.05, 1).expect("the limit is valid");
            for round in 0..1000_u32 {
                watch.push(Some(round % 10 == 3));
                black_box(watch.is_decided());
            }
        });
    });
}

fn rates(bench: &mut Criterion) {
    let (one, two) = (counts(12, 200), counts(27, 200));
    bench.bench_function("Wilson's interval", |b| {
        b.iter(|| wilson(black_box(one), 0.05));
    });
    bench.bench_function("confidence sequence", |b| {
        b.iter(|| confidence_sequence(black_box(one), 0.05));
    });
    bench.bench_function("Newcombe's interval", |b| {
        b.iter(|| newcombe(black_box(one), black_box(two), 0.05));
    });
    bench.bench_function("Fisher's exact test, 200 and 200 rounds", |b| {
        b.iter(|| fisher_exact(black_box(one), black_box(two)));
    });
    let (one, two) = (counts(3, 50), counts(9, 50));
    bench.bench_function("Boschloo's test, 50 and 50 rounds", |b| {
        b.iter(|| boschloo(black_box(one), black_box(two)));
    });
}

criterion_group!(benches, watches, rates);
criterion_main!(benches);
