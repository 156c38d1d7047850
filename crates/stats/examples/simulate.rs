//! Measures the stopping rules over whole runs: `simulate [SEED]`.
//!
//! Exact probabilities come from dynamic programming over the counts, the others from simulated
//! runs with fixed seeds. Exits with code 1 if one exceeds its limit.

#[path = "../tests/it/simulations/mod.rs"]
mod simulations;

use std::process::ExitCode;

use crashrate_stats::{Counts, Gate, PairWatch, Worse, confidence_sequence, ln_threshold};

use simulations::dice::Dice;

const ALPHA: f64 = 0.05;
const RUNS: u32 = 2000;
const GATE_ROUNDS: u64 = 3000;
const MOST_PAIRS: u32 = 300;

/// Prints measurements and records whether all were within their limits.
struct Report {
    beyond: bool,
}

impl Report {
    fn share(&mut self, what: &str, share: f64, most: f64) {
        let within = share <= most;
        self.beyond |= !within;
        let sign = if within { "at most" } else { "BEYOND" };
        println!(
            "{what}: {:.2} % ({sign} {:.0} %)",
            100.0 * share,
            100.0 * most
        );
    }

    fn fact(what: &str, value: f64, unit: &str) {
        println!("{what}: {value:.2} {unit}");
    }
}

fn main() -> ExitCode {
    let seed = std::env::args().nth(1).map_or(Ok(1), |text| text.parse());
    let Ok(seed) = seed else {
        eprintln!("usage: simulate [SEED]");
        return ExitCode::from(2);
    };
    println!("seed {seed}, {RUNS} runs each");
    let mut report = Report { beyond: false };
    gates(&mut report, seed);
    pairs(&mut report, seed);
    looks(&mut report);
    ExitCode::from(u8::from(report.beyond))
}

fn gates(report: &mut Report, seed: u64) {
    let gate = Gate::new(0.01).expect("the limit is between 0 and 1");
    let needed = ln_threshold(ALPHA, 1).expect("alpha is valid");
    let below = |bad, n| gate.ln_e_below(counts(bad, n)) >= needed;
    let above = |bad, n| gate.ln_e_above(counts(bad, n)) >= needed;
    let rate = 0.01;
    let passed = absorbed(rate, GATE_ROUNDS, below, |_, _| false);
    report.share(
        "gate at 1 %, true rate 1 %, ever below in 3000 rounds, exact",
        passed,
        ALPHA,
    );
    let passed = absorbed(rate, GATE_ROUNDS, below, above);
    report.share("the same, stopped by 'above' as well, exact", passed, ALPHA);
    let refuted = absorbed(rate, GATE_ROUNDS, above, below);
    report.share(
        "gate at 1 %, true rate 1 %, wrongly above in 3000 rounds, exact",
        refuted,
        ALPHA,
    );

    let mut dice = Dice::new(seed, 1);
    let wrong = (0..RUNS).filter(|_| {
        let mut bad = 0;
        (1..=GATE_ROUNDS).any(|n| {
            bad += u64::from(dice.bad(rate));
            below(bad, n)
        })
    });
    report.share(
        "gate at 1 %, true rate 1 %, ever below in 3000 rounds, simulated",
        share(wrong.count()),
        0.06,
    );
}

fn pairs(report: &mut Report, seed: u64) {
    for rate in [0.01, 0.1, 0.5, 0.9] {
        let mut dice = Dice::new(seed, 2);
        let wrong = (0..RUNS).filter(|_| decided(&mut dice, rate, rate, 1, MOST_PAIRS).is_some());
        let what = format!("A/B {rate} v {rate}, 300 pairs, a verdict");
        report.share(&what, share(wrong.count()), ALPHA);

        let mut dice = Dice::new(seed, 3);
        let wrong = (0..RUNS).filter(|_| {
            let verdicts = (0..5).filter_map(|_| decided(&mut dice, rate, rate, 5, MOST_PAIRS));
            verdicts.count() > 0
        });
        let what = format!("five A/B {rate} v {rate} at once, 300 pairs, any verdict");
        report.share(&what, share(wrong.count()), ALPHA);
    }
    for (one, two, most) in [(0.4, 0.9, 10_000), (0.9, 0.99, 10_000), (0.6, 0.1, 10_000)] {
        let mut dice = Dice::new(seed, 4);
        let verdicts: Vec<_> = (0..RUNS)
            .filter_map(|_| decided(&mut dice, one, two, 1, most))
            .collect();
        let worse = if one > two { Worse::One } else { Worse::Two };
        let wrong = verdicts.iter().filter(|(_, side)| *side != worse).count();
        let pairs: u64 = verdicts.iter().map(|(pairs, _)| pairs).sum();
        let mean = pairs as f64 / verdicts.len() as f64;
        Report::fact(
            &format!("A/B {one} v {two}, mean to the verdict"),
            mean,
            "pairs",
        );
        report.share("its verdicts for the wrong side", share(wrong), ALPHA);
    }
}

fn looks(report: &mut Report) {
    let excluded = |bad, n| {
        let interval = confidence_sequence(counts(bad, n), ALPHA).expect("alpha is valid");
        !interval.contains(0.5)
    };
    report.share(
        "confidence sequence, rate 50 %, wrong at any of 1000 looks, exact",
        absorbed(0.5, 1000, excluded, |_, _| false),
        ALPHA,
    );
}

/// The probability that a run at `rate` reaches, within `rounds`, counts that satisfy `hit` before
/// any that satisfy `stop`.
fn absorbed(
    rate: f64,
    rounds: u64,
    hit: impl Fn(u64, u64) -> bool,
    stop: impl Fn(u64, u64) -> bool,
) -> f64 {
    let mut alive = vec![1.0];
    let mut absorbed = 0.0;
    for n in 1..=rounds {
        let mut next = vec![0.0; alive.len() + 1];
        for (bad, chance) in alive.iter().enumerate() {
            next[bad] += chance * (1.0 - rate);
            next[bad + 1] += chance * rate;
        }
        for (bad, chance) in next.iter_mut().enumerate() {
            // Skip negligible probabilities.
            if *chance < 1e-18 {
                *chance = 0.0;
            } else if hit(bad as u64, n) {
                absorbed += std::mem::take(chance);
            } else if stop(bad as u64, n) {
                *chance = 0.0;
            }
        }
        while next.last() == Some(&0.0) {
            next.pop();
        }
        alive = next;
    }
    absorbed
}

/// Runs pairs until the verdict. Returns the number of pairs and the worse side, or `None` if there
/// is no verdict.
fn decided(
    dice: &mut Dice,
    one: f64,
    two: f64,
    comparisons: usize,
    most: u32,
) -> Option<(u64, Worse)> {
    let mut watch = PairWatch::new(ALPHA, comparisons).expect("alpha is valid");
    (0..most).find_map(|_| {
        watch.push([Some(dice.bad(one)), Some(dice.bad(two))]);
        Some((watch.blocks().n(), watch.verdict()?))
    })
}

fn counts(bad: u64, n: u64) -> Counts {
    Counts::new(bad, n).expect("no more bad rounds than rounds")
}

fn share(count: usize) -> f64 {
    count as f64 / f64::from(RUNS)
}
