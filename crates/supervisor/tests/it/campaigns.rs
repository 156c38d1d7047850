//! Simulated runs with a gate, using the real schedule and stopping rule. A hang takes 300 times as
//! long as a pass. Shared by the quick test and by the example that prints the whole table.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crashrate_model::{Ended, Gate, Mode, Outcome, OutcomeSet, Record, Spawn, Stopping, Unit};
use crashrate_stats::GateVerdict;
use crashrate_supervisor::decide::Decider;
use crashrate_supervisor::plan::{Pending, Rounds};
use crashrate_supervisor::schedule::{Action, Bounds, End, Input, Running, Schedule};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The duration of a hang, relative to a pass.
const HANG: f64 = 300.0;

/// Simulates a run with the gate `bad < 1%`. Each of at most `rounds` rounds hangs with probability
/// `rate`.
pub(crate) fn campaign(rate: f64, jobs: u32, rounds: u32, seed: u64) -> GateVerdict {
    let units = [Unit {
        name: "a".into(),
        mode: Mode::Isolated,
        variant: "default".into(),
        perturb: Default::default(),
        spawn: Spawn::Exec,
        chapters: vec!["a".into()],
        rounds,
    }];
    let gates = vec![Gate {
        name: "a".into(),
        mode: Mode::Isolated,
        variant: "default".into(),
        limit: "bad < 1%".parse().expect("the limit is valid"),
    }];
    let bad = OutcomeSet::default();
    let mut decider =
        Decider::new(&Stopping::Gates(gates), &units, &bad, None).expect("the rule is valid");
    let bounds = Bounds {
        slots: jobs,
        max_failures: None,
    };
    let pending = Rounds::new(vec![rounds], 1).map(|key| Pending { key, attempt: 1 });
    let mut schedule = Schedule::new(pending, bounds, vec![0]);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut uniform = move || (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    // The end times and slots of the running attempts.
    let mut running: BinaryHeap<Reverse<(u64, u32)>> = BinaryHeap::new();
    let mut slots: Vec<Option<(Running, Outcome)>> = vec![None; jobs as usize];
    let mut now = 0;
    let mut next = vec![Input::Begin];
    loop {
        for input in next.drain(..) {
            for action in schedule.step(input) {
                match action {
                    Action::Start(started) => {
                        let hangs = uniform() < rate;
                        let outcome = if hangs {
                            Outcome::TimedOut
                        } else {
                            Outcome::Passed
                        };
                        let secs = (0.5 + uniform()) * if hangs { HANG } else { 1.0 };
                        slots[started.slot as usize] = Some((started, outcome));
                        running.push(Reverse((now + (secs * 1e6) as u64, started.slot)));
                    }
                    Action::Abandon { .. } | Action::KillAll => {}
                    Action::Finish(_) => return decider.gate_verdict(0),
                }
            }
        }
        let Some(Reverse((at, slot))) = running.pop() else {
            return decider.gate_verdict(0);
        };
        now = at;
        let Some((ended, outcome)) = slots[slot as usize].take() else {
            continue;
        };
        let record = Ended::of(ended.key.unit, ended.key.round, 1, outcome);
        next.extend(decider.push(&Record::Ended(Box::new(record))));
        let end = match outcome {
            Outcome::Passed => End::Passed,
            _ => End::NotPassed,
        };
        next.push(Input::Ended { slot, end });
    }
}

/// Simulates `runs` campaigns and counts those that end with "below" and with "above".
pub(crate) fn campaigns(rate: f64, jobs: u32, rounds: u32, runs: u32, seed: u64) -> [u32; 2] {
    let mut verdicts = [0, 0];
    for run in 0..runs {
        match campaign(
            rate,
            jobs,
            rounds,
            seed.wrapping_mul(1_000_003) + u64::from(run),
        ) {
            GateVerdict::Below => verdicts[0] += 1,
            GateVerdict::Above => verdicts[1] += 1,
            GateVerdict::Undecided => {}
        }
    }
    verdicts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_hangs_do_not_let_a_gate_pass() {
        for jobs in [1, 16] {
            // At an error rate of 5 %, 22 or more of 200 runs have a probability below 0.001.
            let [below, _] = campaigns(0.01, jobs, 800, 200, 1);
            assert!(below < 22, "{jobs} jobs: {below} of 200");
            let [below, above] = campaigns(0.03, jobs, 2000, 40, 2);
            assert!(
                below == 0 && above > 30,
                "{jobs} jobs: {below}, {above} of 40"
            );
        }
    }
}
