//! Size and power of the verdicts: `verdicts [RUNS] [SEED]`, 2,000 runs of each kind by default.
//!
//! Exits with code 1 if a null hypothesis is rejected significantly more often than in 5 % of runs
//! (binomial test at 0.001).

mod arguments;
#[path = "../tests/it/simulations/mod.rs"]
mod simulations;

use std::process::ExitCode;

use simulations::dice::Dice;
use simulations::verdicts::{ALPHA, Blocks, NULLS, Tests, alarms, gates, is_beyond, peeking};

const ROUNDS: [u32; 3] = [30, 60, 200];

fn main() -> ExitCode {
    let (runs, seed) = arguments::read(2000);
    let mut table = Table {
        runs,
        seed,
        stream: 0,
        beyond: false,
    };
    println!("seed {seed}, {runs} runs of each kind, false verdicts in % at {ALPHA}");
    table.nulls();
    table.alternatives();
    table.families();
    ExitCode::from(u8::from(table.beyond))
}

struct Table {
    runs: u32,
    seed: u64,
    stream: u64,
    beyond: bool,
}

impl Table {
    fn dice(&mut self) -> Dice {
        self.stream += 1;
        Dice::new(self.seed, self.stream)
    }

    fn percent(&self, hits: u32) -> f64 {
        100.0 * f64::from(hits) / f64::from(self.runs)
    }

    /// The share in percent, marked if it exceeds the limit.
    fn judged(&mut self, hits: u32, is_cautioned: bool) -> String {
        let beyond = is_beyond(hits, self.runs, ALPHA);
        self.beyond |= beyond && !is_cautioned;
        let mark = match (beyond, is_cautioned) {
            (true, false) => " BEYOND",
            (true, true) => " caution",
            _ => "",
        };
        format!("{:.1}{mark}", self.percent(hits))
    }

    fn nulls(&mut self) {
        println!(
            "\n{:36} {:>8} {:>14} {:>14}",
            "no difference", "blocks", "fixed", "peeking"
        );
        let mut tests = Tests::default();
        for (name, blocks, is_cautioned) in NULLS {
            for rounds in ROUNDS {
                let fixed = tests.fixed(blocks, rounds, self.runs, &mut self.dice());
                let (peeked, _) = peeking(blocks, rounds, self.runs, &mut self.dice());
                let said = [fixed, peeked].map(|hits| self.judged(hits, is_cautioned));
                println!("{name:36} {rounds:8} {:>14} {:>14}", said[0], said[1]);
            }
        }
    }

    fn alternatives(&mut self) {
        println!(
            "\n{:36} {:>8} {:>14} {:>14} {:>12}",
            "a difference", "blocks", "fixed", "peeking", "mean blocks"
        );
        let mut tests = Tests::default();
        for (name, blocks) in [
            ("40 % v 90 % not bad", Blocks::Independent([0.6, 0.1])),
            ("90 % v 99 % not bad", Blocks::Independent([0.1, 0.01])),
            ("seed decides, 40 % v 10 % bad", Blocks::SeedDecidedFix),
        ] {
            for rounds in ROUNDS {
                let fixed = tests.fixed(blocks, rounds, self.runs, &mut self.dice());
                let (peeked, mean) = peeking(blocks, rounds, self.runs, &mut self.dice());
                let (fixed, peeked) = (self.percent(fixed), self.percent(peeked));
                println!("{name:36} {rounds:8} {fixed:14.1} {peeked:14.1} {mean:12.1}");
            }
            let (all, mean) = peeking(blocks, 10_000, self.runs.min(500), &mut self.dice());
            println!("{name:36} {:>8} {:>14} {all:>14} {mean:12.1}", "until", "-");
        }
    }

    fn families(&mut self) {
        println!(
            "\n{:36} {:>14} {:>14}",
            "gates at 10 %, 1,000 rounds", "wrong 0", "wrong 120"
        );
        for n in [5, 10, 20] {
            let mut one = vec![0.0; n];
            one[0] = 0.1;
            for (name, rates) in [
                ("one at its limit", one),
                ("all at their limits", vec![0.1; n]),
            ] {
                let ended = gates(&rates, 1000, self.runs, &mut self.dice());
                let said = ended.map(|hits| self.judged(hits, false));
                println!(
                    "{:36} {:>14} {:>14}",
                    format!("{n} gates, {name}"),
                    said[0],
                    said[1]
                );
            }
        }
        println!("\n{:36} {:>14}", "independent rounds at 30 %", "alarms");
        for (units, rounds) in [(1, 100), (20, 100), (20, 30)] {
            let hits = alarms(units, rounds, self.runs, &mut self.dice());
            let said = self.judged(hits, false);
            println!(
                "{:36} {said:>14}",
                format!("{units} units of {rounds} rounds")
            );
        }
    }
}
