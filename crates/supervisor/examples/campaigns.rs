//! Measures how often a gate at 1 % wrongly passes when hangs are slow and attempts run in
//! parallel: `campaigns [RUNS] [SEED]`.
//!
//! Exits with code 1 if, at a true rate of 1 % or 3 %, the verdict "below" is significantly more
//! frequent than 5 % (score test at 0.001).

#[path = "../tests/it/campaigns.rs"]
mod campaigns;

use std::process::ExitCode;

use campaigns::campaigns;
use crashrate_stats::{Counts, wilson};

const ROUNDS: u32 = 3000;

fn main() -> ExitCode {
    let number = |place: usize, otherwise: u64| {
        let given = std::env::args().nth(place);
        given.map_or(Ok(otherwise), |text| text.parse::<u64>())
    };
    let (Ok(runs), Ok(seed)) = (number(1, 2000), number(2, 1)) else {
        eprintln!("usage: campaigns [RUNS] [SEED]");
        return ExitCode::from(2);
    };
    let runs = u32::try_from(runs).unwrap_or(u32::MAX);
    let mut beyond = false;
    println!(
        "seed {seed}, {runs} campaigns of at most {ROUNDS} rounds each, gate `bad < 1%`, in %"
    );
    println!(
        "{:>10} {:>6} {:>14} {:>8}",
        "true rate", "jobs", "below", "above"
    );
    for rate in [0.01, 0.03] {
        for jobs in [1, 2, 4, 8, 16] {
            let [below, above] = campaigns(rate, jobs, ROUNDS, runs, seed);
            let counts = Counts::new(below.into(), runs.into())
                .expect("there are no more verdicts than campaigns");
            // The lower limit at 0.002 two-sided is the one-sided test at 0.001.
            let is_beyond = wilson(counts, 0.002).expect("alpha is valid").lo > 0.05;
            beyond |= is_beyond;
            let percent = |n: u32| 100.0 * f64::from(n) / f64::from(runs);
            let mark = if is_beyond { " BEYOND" } else { "" };
            println!(
                "{rate:>10} {jobs:>6} {:>14} {:>8.1}",
                format!("{:.1}{mark}", percent(below)),
                percent(above)
            );
        }
    }
    ExitCode::from(u8::from(beyond))
}
