//! Simulated runs whose true answer is known, to count the true and false verdicts of the crate's
//! functions. Shared by the quick test and by the example that prints the whole table.

use std::collections::HashMap;

use crashrate_stats::{
    Comparison, Design, GateVerdict, GateWatch, INDEPENDENCE_ALPHA, PairTable, PairWatch, Pattern,
    SideEnd, compare_blocks, has_order, independence,
};
use statrs::distribution::{Binomial, DiscreteCDF};

use super::dice::Dice;

pub(crate) const ALPHA: f64 = 0.05;

/// How the two sides of a block are generated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Blocks {
    /// Both sides are bad independently, at these rates.
    Independent([f64; 2]),
    /// The seed of the block affects both sides alike: mean rate 0.3, correlation rho.
    SharedSeed(f64),
    /// Exactly one side of each block is bad.
    OneOfEachPair,
    /// Batches of ten blocks share a rate: mean 0.3, correlation rho.
    Batches(f64),
    /// Both rates rise from 0.05 to 0.6 over the run.
    Drift,
    /// Side two is reached only if the preceding chapter does not crash, and the seed affects both
    /// chapters alike.
    Censored,
    /// Like `Censored`, but the seed alone decides both sides.
    SeedDecides,
    /// A process is frail or not, regardless of its seed, so survivors of the preceding chapter are
    /// healthier.
    FrailProcess,
    /// The seed decides; side two crashes at a quarter of the seeds at which side one does.
    SeedDecidedFix,
}

impl Blocks {
    /// Draws block `round` of `rounds`; `batch` is the rate of its batch.
    fn draw(self, dice: &mut Dice, (round, rounds): (u32, u32), batch: &mut f64) -> [SideEnd; 2] {
        let measured =
            |dice: &mut Dice, rates: [f64; 2]| rates.map(|rate| SideEnd::measured(dice.bad(rate)));
        let reached = |dice: &mut Dice, before: f64, rates: [f64; 2]| {
            let is_reached = !dice.bad(before);
            let [one, two] = measured(dice, rates);
            [one, if is_reached { two } else { SideEnd::Absent }]
        };
        match self {
            Blocks::Independent(rates) => measured(dice, rates),
            Blocks::SharedSeed(rho) => {
                let rate = dice.frail(0.3, rho);
                measured(dice, [rate, rate])
            }
            Blocks::OneOfEachPair => {
                let one = dice.bad(0.5);
                [SideEnd::measured(one), SideEnd::measured(!one)]
            }
            Blocks::Batches(rho) => {
                if round % 10 == 0 {
                    *batch = dice.frail(0.3, rho);
                }
                measured(dice, [*batch, *batch])
            }
            Blocks::Drift => {
                let rate = 0.05 + 0.55 * f64::from(round) / f64::from(rounds);
                measured(dice, [rate, rate])
            }
            Blocks::Censored => {
                let rate = dice.frail(0.3, 0.5);
                reached(dice, rate, [rate, rate])
            }
            Blocks::SeedDecides => {
                let rate = dice.frail(0.3, 1.0);
                reached(dice, rate * 0.7, [rate, rate])
            }
            Blocks::FrailProcess => {
                let (alone, together) = (dice.frail(0.3, 0.5), dice.frail(0.3, 0.5));
                let one = dice.bad(alone);
                let is_reached = !dice.bad(together);
                let two = SideEnd::measured(dice.bad(together));
                let two = if is_reached { two } else { SideEnd::Absent };
                [SideEnd::measured(one), two]
            }
            Blocks::SeedDecidedFix => {
                let seed = dice.uniform();
                [0.4, 0.1].map(|rate| SideEnd::measured(seed < rate))
            }
        }
    }

    fn design(self) -> Design {
        match self {
            Blocks::Censored | Blocks::SeedDecides | Blocks::FrailProcess => Design::Matched,
            _ => Design::Complete,
        }
    }
}

/// Caches comparisons, because the same counts recur.
#[derive(Default)]
pub(crate) struct Tests(HashMap<(bool, [u64; 6]), Comparison>);

impl Tests {
    fn compare(&mut self, table: &PairTable, design: Design) -> Comparison {
        let (blocks, [one, two]) = (
            table.blocks(),
            table.sides().expect("the counts are in range"),
        );
        let key = [
            blocks.both,
            blocks.only_one,
            blocks.only_two,
            blocks.neither,
            one.bad() * 1000 + one.n(),
            two.bad() * 1000 + two.n(),
        ];
        let make = || compare_blocks(table, design, ALPHA).expect("alpha is valid");
        *(self.0.entry((design == Design::Matched, key))).or_insert_with(make)
    }

    /// The number of runs with a verdict, with `rounds` blocks fixed in advance.
    pub(crate) fn fixed(&mut self, blocks: Blocks, rounds: u32, runs: u32, dice: &mut Dice) -> u32 {
        let verdicts = (0..runs).filter(|_| {
            let (mut table, mut batch) = (PairTable::default(), 0.0);
            for round in 0..rounds {
                let [one, two] = blocks.draw(dice, (round, rounds), &mut batch);
                table.add(one, two);
            }
            let comparison = self.compare(&table, blocks.design());
            comparison.differs(comparison.p, ALPHA)
        });
        verdicts.count() as u32
    }
}

/// Runs that stop at their verdict, inspected after every block: the number of runs with a verdict
/// within `rounds`, and the mean number of blocks until then.
pub(crate) fn peeking(blocks: Blocks, rounds: u32, runs: u32, dice: &mut Dice) -> (u32, f64) {
    let (mut verdicts, mut total) = (0, 0);
    for _ in 0..runs {
        let mut watch = PairWatch::new(ALPHA, 1).expect("alpha is valid");
        let mut batch = 0.0;
        for round in 0..rounds {
            let ends = blocks.draw(dice, (round, rounds), &mut batch);
            if !ends.contains(&SideEnd::Absent) {
                watch.push(ends.map(|end| Some(end == SideEnd::Bad)));
            }
            if watch.is_decided() {
                verdicts += 1;
                total += round + 1;
                break;
            }
        }
    }
    (verdicts, f64::from(total) / f64::from(verdicts.max(1)))
}

/// Several gates at 10 %, at these true rates, for up to `rounds` rounds each: the number of runs
/// that end with every gate shown (exit code 0), and with one refuted (exit code 120).
pub(crate) fn gates(rates: &[f64], rounds: u32, runs: u32, dice: &mut Dice) -> [u32; 2] {
    let mut ended = [0, 0];
    for _ in 0..runs {
        let verdicts: Vec<GateVerdict> = (rates.iter())
            .map(|rate| {
                let mut watch =
                    GateWatch::new(0.1, ALPHA, rates.len()).expect("the limit is valid");
                for _ in 0..rounds {
                    watch.push(Some(dice.bad(*rate)));
                    if watch.is_decided() {
                        break;
                    }
                }
                watch.verdict()
            })
            .collect();
        ended[0] += u32::from(verdicts.iter().all(|v| *v == GateVerdict::Below));
        ended[1] += u32::from(verdicts.contains(&GateVerdict::Above));
    }
    ended
}

/// The number of runs that raise an alarm of dependence, with `units` units at a rate of 30 % and
/// independent rounds.
pub(crate) fn alarms(units: usize, rounds: u32, runs: u32, dice: &mut Dice) -> u32 {
    let alarms = (0..runs).filter(|_| {
        let all: Vec<Vec<bool>> = (0..units)
            .map(|_| (0..rounds).map(|_| dice.bad(0.3)).collect())
            .filter(|rounds: &Vec<bool>| has_order(rounds))
            .collect();
        let alpha = INDEPENDENCE_ALPHA / all.len().max(1) as f64;
        all.iter().any(|rounds| {
            independence(rounds, alpha).is_some_and(|found| found.pattern != Pattern::Independent)
        })
    });
    alarms.count() as u32
}

/// Whether `hits` of `runs` are too many for a rate of `most`: one-sided binomial test at 0.001.
pub(crate) fn is_beyond(hits: u32, runs: u32, most: f64) -> bool {
    let at_most = Binomial::new(most, runs.into()).expect("the rate is valid");
    hits > 0 && at_most.sf(u64::from(hits) - 1) < 0.001
}

/// The null hypotheses of the table: name, blocks, and whether too many false verdicts are a known
/// limitation that reports caution about.
pub(crate) const NULLS: [(&str, Blocks, bool); 12] = [
    ("independent, 30 %", Blocks::Independent([0.3, 0.3]), false),
    (
        "shared seed, correlation 0.02",
        Blocks::SharedSeed(0.02),
        false,
    ),
    (
        "shared seed, correlation 0.1",
        Blocks::SharedSeed(0.1),
        false,
    ),
    (
        "shared seed, correlation 0.5",
        Blocks::SharedSeed(0.5),
        false,
    ),
    (
        "batches of 10, correlation 0.1",
        Blocks::Batches(0.1),
        false,
    ),
    (
        "batches of 10, correlation 0.3",
        Blocks::Batches(0.3),
        false,
    ),
    ("exactly one of each pair", Blocks::OneOfEachPair, false),
    ("drift from 5 to 60 %", Blocks::Drift, false),
    ("unequal censoring", Blocks::Censored, false),
    ("censored, seed decides", Blocks::SeedDecides, false),
    ("independent, 2 %", Blocks::Independent([0.02, 0.02]), false),
    (
        "frail process (with its caution)",
        Blocks::FrailProcess,
        true,
    ),
];
