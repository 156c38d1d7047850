//! Simulated racy programs and perturbations, for the search for conditions under which a program
//! crashes more often. Shared by the quick test and by the example that prints the whole table.

use crashrate_stats::{Provocation, ProvokeAnswer, ProvokeSettings, Slice, SliceResult};

use super::dice::Dice;

/// The error that the searches may make.
pub(crate) const ERROR: f64 = 0.05;

/// The gain to show.
pub(crate) const GAIN: f64 = 5.0;

/// The arm that joins once a crash was seen.
const LEARNED: usize = ARMS.len();

/// The arms from the beginning on. The last one joins later.
const ARMS: [&str; 9] = [
    "base", "tracer", "blind", "stops", "delays", "malloc", "crowd", "yield", "fence",
];

/// The highest probability of a crash in a round.
const MOST: f64 = 0.95;

/// A program: its crash rate, and the gains of the arms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// The probability of a crash in an unperturbed round.
    base: f64,
    /// The seconds of a round that passes. One that crashes ends at a random moment.
    round: f64,
    /// Gains other than 1.
    gains: &'static [(usize, f64)],
    /// Load multiplies all rates by a number between this and 1, which changes every three seconds.
    load: f64,
    /// The wanted share of searches that show a gain, if there is such an arm.
    pub(crate) least: Option<f64>,
}

impl Program {
    const fn new(name: &'static str, base: f64, gains: &'static [(usize, f64)]) -> Self {
        Self {
            name,
            base,
            round: 0.01,
            gains,
            load: 1.0,
            least: None,
        }
    }

    const fn lasting(mut self, seconds: f64) -> Self {
        self.round = seconds;
        self
    }

    const fn loaded(mut self, factor: f64) -> Self {
        self.load = factor;
        self
    }

    const fn found(mut self, least: f64) -> Self {
        self.least = Some(least);
        self
    }

    /// The gain of an arm in crashes a second.
    fn gain(&self, arm: usize) -> f64 {
        match self.base > 0.0 {
            true => a_second(self.rate(arm)) / a_second(self.base),
            false => 1.0,
        }
    }

    /// The probability of a crash in a round of an arm.
    fn rate(&self, arm: usize) -> f64 {
        let found = self.gains.iter().find(|(of, _)| *of == arm);
        let rate = found.map_or(1.0, |(_, gain)| *gain) * a_second(self.base);
        (rate / (1.0 + rate / 2.0)).min(MOST)
    }

    fn run(&self, slice: Slice, factor: f64, dice: &mut Dice) -> SliceResult {
        let rate = self.rate(slice.arm) * factor;
        let mut result = SliceResult::default();
        while result.seconds < 0.25 {
            let crashes = dice.uniform() < rate;
            let share = if crashes { dice.uniform() } else { 1.0 };
            result.seconds += (share * self.round).max(0.001);
            result.rounds += 1;
            result.crashes += u64::from(crashes);
        }
        result
    }
}

/// The crashes in the time of a round that passes, for the probability of a crash in a round. A round
/// that crashes takes half of that time on average.
fn a_second(rate: f64) -> f64 {
    rate / (1.0 - rate / 2.0)
}

/// How a search ended, and after how many seconds.
#[derive(Clone, Copy, Debug)]
struct Search {
    shown: Option<usize>,
    seconds: f64,
}

fn provoke(program: &Program, budget: f64, seed: u64, dice: &mut Dice) -> Search {
    let settings = ProvokeSettings {
        budget,
        seed,
        gain: GAIN,
        error: ERROR,
        ..ProvokeSettings::new(ARMS.len())
    };
    let mut search = Provocation::new(settings).expect("the settings are valid");
    let (mut factor, mut until, mut learned) = (1.0, 0.0, false);
    let mut seconds = 0.0;
    while let Some(slice) = search.next() {
        if seconds >= until {
            factor = program.load + (1.0 - program.load) * dice.uniform();
            until += 3.0;
        }
        let result = program.run(slice, factor, dice);
        seconds += result.seconds;
        search.push(slice, result).expect("the arm exists");
        if result.crashes > 0 && !learned {
            learned = true;
            assert_eq!(search.add_arm(), LEARNED);
        }
    }
    Search {
        shown: match search.answer() {
            Some(ProvokeAnswer::Shown(shown)) => Some(shown.arm),
            _ => None,
        },
        seconds,
    }
}

/// The results of many searches for one program.
#[derive(Debug)]
pub(crate) struct Measured {
    /// The share of searches that showed a gain that the arm has.
    pub(crate) right: f64,
    /// The share that showed one that it does not have.
    pub(crate) wrong: f64,
    /// The seconds of the searches that showed a gain, in ascending order.
    pub(crate) seconds: Vec<f64>,
    /// The mean seconds of the others.
    pub(crate) without: f64,
}

impl Program {
    pub(crate) fn measure(&self, budget: f64, seed: u64, repetitions: u32) -> Measured {
        let searches: Vec<Search> = (0..repetitions)
            .map(|repetition| {
                let mut dice = Dice::new(seed, repetition.into());
                provoke(self, budget, seed + u64::from(repetition), &mut dice)
            })
            .collect();
        let share = |is_right: bool| {
            let these = searches.iter().filter_map(|search| search.shown);
            let these = these.filter(|arm| (self.gain(*arm) >= GAIN) == is_right);
            these.count() as f64 / f64::from(repetitions)
        };
        let shown = searches.iter().filter(|search| search.shown.is_some());
        let mut seconds: Vec<f64> = shown.map(|search| search.seconds).collect();
        seconds.sort_by(f64::total_cmp);
        let others = searches.iter().filter(|search| search.shown.is_none());
        let without = others.clone().fold(0.0, |sum, search| sum + search.seconds);
        Measured {
            without: without / others.count().max(1) as f64,
            right: share(true),
            wrong: share(false),
            seconds,
        }
    }

    /// Whether the results are within the limits; `slack` more is allowed of each.
    pub(crate) fn holds(&self, measured: &Measured, slack: f64) -> bool {
        measured.wrong <= ERROR + slack
            && self
                .least
                .is_none_or(|least| measured.right >= least - slack)
    }
}

const BLIND: usize = 2;
const STOPS: usize = 3;
const DELAYS: usize = 4;
const MALLOC: usize = 5;
const CROWD: usize = 6;
const YIELD: usize = 7;
const FENCE: usize = 8;

/// The measured programs: those with an arm of at least five times, then the others. The
/// base rates lie in the measured range, and rounds of 10 ms are assumed.
pub(crate) const PROGRAMS: [Program; 14] = [
    Program::new("use-after-free", 0.0005, &[(LEARNED, 374.0), (STOPS, 84.0)]).found(0.99),
    Program::new("signal handler", 0.001, &[(LEARNED, 82.0)]).found(0.95),
    Program::new("lazy init", 0.003, &[(BLIND, 20.0), (YIELD, 15.0)]).found(0.99),
    Program::new("vector growth", 0.03, &[(YIELD, 14.0), (BLIND, 5.6)]).found(0.99),
    Program::new("heap overflow", 0.002, &[(YIELD, 335.0)]).found(0.99),
    Program::new(
        "static destructors",
        0.003,
        &[(YIELD, 140.0), (DELAYS, 113.0), (FENCE, 23.0)],
    )
    .found(0.99),
    Program::new("dlclose", 0.001, &[(DELAYS, 159.0), (YIELD, 110.0)]).found(0.99),
    Program::new(
        "start order",
        0.0002,
        &[(CROWD, 298.0), (DELAYS, 121.0), (STOPS, 49.0)],
    )
    .found(0.99),
    Program::new(
        "uninitialised heap",
        0.0002,
        &[(MALLOC, 1375.0), (STOPS, 34.0), (CROWD, 20.0)],
    )
    .found(0.99),
    Program::new("ABA", 0.0005, &[(FENCE, 267.0), (MALLOC, 239.0)]).found(0.99),
    Program::new("lost wake-up", 0.01, &[(BLIND, 3.0)]),
    Program::new("double free", 0.005, &[(BLIND, 2.0), (STOPS, 3.9)]),
    Program::new("reference count", 0.007, &[(YIELD, 3.0)]),
    Program::new("hash", 0.01, &[]),
];

/// Programs at the edges: no crash, gains just below the one to show, long rounds, load.
pub(crate) const EDGES: [Program; 7] = [
    Program::new("clean", 0.0, &[]),
    Program::new(
        "gain 4.99 of 0.2 %",
        0.002,
        &[(BLIND, 4.99), (DELAYS, 4.99)],
    ),
    Program::new("gain 4.99 of 5 %", 0.05, &[(BLIND, 4.99), (DELAYS, 4.99)]),
    Program::new(
        "gain 4.99, rounds of 2 s",
        0.1,
        &[(BLIND, 4.99), (DELAYS, 4.99)],
    )
    .lasting(2.0),
    Program::new("gain 4.99, load", 0.02, &[(BLIND, 4.99), (DELAYS, 4.99)]).loaded(0.05),
    Program::new("gain 20, rounds of 0.5 s", 0.03, &[(BLIND, 20.0)])
        .lasting(0.5)
        .found(0.95),
    Program::new("gain 20, load", 0.01, &[(BLIND, 20.0)])
        .loaded(0.05)
        .found(0.95),
];
