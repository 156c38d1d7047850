//! Measures how often the search for a perturbation is right, and how long it takes:
//! `provoke [REPETITIONS [SEED]]`. The budget is 600 seconds. Seconds are means of the searches that
//! show a gain, and of those that do not.
//!
//! Exits with code 1 if a limit is missed.

mod arguments;
#[path = "../tests/it/simulations/mod.rs"]
mod simulations;

use std::process::ExitCode;

use simulations::provoke::{EDGES, ERROR, GAIN, Measured, PROGRAMS, Program};

/// The budget, in seconds.
const BUDGET: f64 = 600.0;

/// The most seconds until a gain is shown, on average and in nine of ten searches, over the programs
/// that have one.
const MOST_SECONDS: [f64; 2] = [14.0, 42.0];

fn main() -> ExitCode {
    let (repetitions, seed) = arguments::read(100);
    println!("seed {seed}, {repetitions} repetitions, gain {GAIN}, error {ERROR}; shares in %");
    println!(
        "{:<26} {:>6} {:>6} {:>8} {:>8} {:>10}  limit",
        "program", "shown", "wrong", "seconds", "90 %", "not shown"
    );
    let mut beyond = false;
    let mut all = Vec::new();
    for program in PROGRAMS.iter().chain(&EDGES) {
        let measured = program.measure(BUDGET, seed, repetitions);
        print_line(program, &measured);
        beyond |= !program.holds(&measured, 0.0);
        let is_listed = PROGRAMS.iter().any(|listed| listed.name == program.name);
        if is_listed && program.least.is_some() {
            all.extend(measured.seconds);
        }
    }
    all.sort_by(f64::total_cmp);
    let [mean, nine_of_ten] = times(&all);
    let is_slow = mean > MOST_SECONDS[0] || nine_of_ten > MOST_SECONDS[1];
    println!(
        "programs with such an arm: {mean:.1} s on average, {nine_of_ten:.1} s in 90 %{}",
        if is_slow { "  BEYOND" } else { "" }
    );
    ExitCode::from(u8::from(beyond || is_slow))
}

/// The mean and the upper decile of ascending numbers.
fn times(seconds: &[f64]) -> [f64; 2] {
    let sum = seconds.iter().fold(0.0, |sum, seconds| sum + seconds);
    let mean = sum / seconds.len().max(1) as f64;
    let nine_of_ten = seconds.get(seconds.len() * 9 / 10);
    [mean, nine_of_ten.copied().unwrap_or_default()]
}

fn print_line(program: &Program, measured: &Measured) {
    let [mean, nine_of_ten] = times(&measured.seconds);
    let limit = program
        .least
        .map(|least| format!("shown >= {:.0} %", 100.0 * least));
    let verdict = if program.holds(measured, 0.0) {
        ""
    } else {
        "  BEYOND"
    };
    println!(
        "{:<26} {:>6.1} {:>6.1} {mean:>8.1} {nine_of_ten:>8.1} {:>10.1}  {}{verdict}",
        program.name,
        100.0 * (measured.right + measured.wrong),
        100.0 * measured.wrong,
        measured.without,
        limit.unwrap_or_default(),
    );
}
