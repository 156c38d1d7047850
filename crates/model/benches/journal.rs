//! Writes and reads the two journal records of a passing round.
#![allow(missing_docs)]

use std::hint::black_box;

use crashrate_model::{Ended, Lines, Outcome, Record, Started, Usage};
use criterion::{Criterion, criterion_group, criterion_main};

fn records() -> [Record; 2] {
    let mut ended = Ended::of(0, 123_456, 1, Outcome::Passed);
    ended.at = 98.765_432;
    ended.secs = Some(0.001_234);
    ended.usage = Some(Usage {
        cpu_secs: 0.000_987,
        peak_bytes: 1_572_864,
        at_most: false,
    });
    let started = Started {
        unit: 0,
        round: 123_456,
        attempt: 1,
        at: 98.764_198,
        opened: None,
    };
    [Record::Started(started), Record::Ended(Box::new(ended))]
}

fn journal(bench: &mut Criterion) {
    let records = records();
    let mut line = Vec::new();
    bench.bench_function("a passing round into the journal", |b| {
        let mut lines = Lines::default();
        b.iter(|| {
            line.clear();
            for record in black_box(&records) {
                lines.write(record, &mut line).expect("records are JSON");
            }
            black_box(line.len())
        });
    });
    let mut text = Vec::new();
    let mut lines = Lines::default();
    for record in &records {
        lines.write(record, &mut text).expect("records are JSON");
    }
    bench.bench_function("a passing round out of the journal", |b| {
        b.iter(|| {
            let mut lines = Lines::default();
            for line in black_box(&text).split_inclusive(|&b| b == b'\n') {
                black_box(lines.read(line).expect("the line is a record"));
            }
        });
    });
}

criterion_group!(benches, journal);
criterion_main!(benches);
