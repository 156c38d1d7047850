//! One step of the schedule: an attempt ends, and the next one starts in its slot.
#![allow(missing_docs)]

use std::hint::black_box;

use crashrate_supervisor::plan::{Pending, RoundKey};
use crashrate_supervisor::schedule::{Action, Bounds, End, Input, Schedule};
use criterion::{Criterion, criterion_group, criterion_main};

fn schedule(bench: &mut Criterion) {
    bench.bench_function("a step of the schedule", |b| {
        let pending = |round| Pending {
            key: RoundKey { unit: 0, round },
            attempt: 1,
        };
        // Rounds never run out, so that every iteration measures the same step.
        let rounds = (1..=u32::MAX).cycle().map(pending);
        let bounds = Bounds {
            slots: 2,
            max_failures: None,
        };
        let mut schedule = Schedule::new(rounds, bounds, vec![0]);
        schedule.step(Input::Begin);
        let mut slot = 0;
        b.iter(|| {
            let end = End::Passed;
            let actions = schedule.step(black_box(Input::Ended { slot, end }));
            if let Some(Action::Start(running)) = actions.front() {
                slot = 1 - running.slot;
            }
            black_box(actions)
        });
    });
}

criterion_group!(benches, schedule);
criterion_main!(benches);
