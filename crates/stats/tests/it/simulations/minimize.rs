//! Simulated programs that crash when certain chapters run together, for the searches. Shared by
//! the quick test and by the example that prints the whole table.

use crashrate_stats::{Answer, Death, Minimizer};

use super::dice::Dice;

/// The error that the searches may make.
pub(crate) const ERROR: f64 = 0.05;

/// The rate of crashes in any round, at a random chapter.
pub(crate) const NOISE: f64 = 0.005;

/// Searches that need more rounds are given up.
const MOST_RUNS: u64 = 100_000;

/// How a death is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeathPlace {
    /// In the last needed chapter.
    Victim,
    /// Nobody knows where.
    Unknown,
    /// In a random chapter from the last needed one on.
    Varies,
}

/// A program of `chapters`: it crashes with probability `rate` for each of `needed` that is in the
/// part as a whole, and with probability `noise` anyway.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) chapters: usize,
    pub(crate) needed: Vec<Vec<usize>>,
    pub(crate) rate: f64,
    pub(crate) noise: f64,
    pub(crate) place: DeathPlace,
    /// The probability that a round dies in another way.
    pub(crate) other: f64,
}

impl Program {
    pub(crate) fn new(chapters: usize, needed: Vec<usize>, place: DeathPlace) -> Self {
        Self {
            chapters,
            needed: vec![needed],
            rate: 0.3,
            noise: NOISE,
            place,
            other: 0.0,
        }
    }

    /// Runs one round of `part`.
    pub(crate) fn run(&self, part: &[usize], dice: &mut Dice) -> Death {
        if dice.bad(self.other) {
            return Death::Other;
        }
        let noise = dice.bad(self.noise).then(|| part[dice.below(part.len())]);
        let mut crash = None;
        for needed in &self.needed {
            if needed.iter().all(|c| part.contains(c)) && dice.bad(self.rate) {
                let victim = *needed.last().expect("a chapter is needed");
                let behind: Vec<usize> = part.iter().copied().filter(|c| *c >= victim).collect();
                let at = match self.place {
                    DeathPlace::Varies => behind[dice.below(behind.len())],
                    DeathPlace::Victim | DeathPlace::Unknown => victim,
                };
                crash = Some(crash.map_or(at, |other: usize| other.min(at)));
            }
        }
        let at = match (noise, crash) {
            (Some(one), Some(other)) => one.min(other),
            (one, other) => match one.or(other) {
                Some(at) => at,
                None => return Death::None,
            },
        };
        Death::Target((self.place != DeathPlace::Unknown).then_some(at))
    }

    /// Whether the answer names exactly the chapters that are needed.
    pub(crate) fn is_right(&self, answer: &Answer) -> bool {
        self.needed.contains(&answer.kept)
    }
}

/// How a search ended, and after how many rounds; one that takes too long is given up.
struct Search {
    answer: Option<Answer>,
    runs: u64,
}

/// Minimizes the program, one round at a time.
fn minimize(program: &Program, dice: &mut Dice) -> Search {
    let mut search = Minimizer::new(program.chapters, ERROR).expect("the arguments are valid");
    let mut runs = 0;
    while runs < MOST_RUNS {
        let Some(part) = search.next(&[]) else {
            break;
        };
        let death = program.run(&part, dice);
        search.push(&part, death);
        runs += 1;
    }
    Search {
        answer: search.answer(),
        runs,
    }
}

/// Programs of one kind, and how well they should be minimized.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    pub(crate) make: fn(&mut Dice) -> Program,
    /// The least share of right answers, and the most rounds on average.
    pub(crate) least: Option<f64>,
    pub(crate) most: Option<f64>,
}

/// The results of many searches.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) right: f64,
    pub(crate) mean: f64,
    /// Nine of ten searches ended within this many rounds.
    pub(crate) nine_of_ten: u64,
}

impl Scene {
    pub(crate) fn measure(&self, seed: u64, repetitions: u32) -> Measured {
        let mut right = 0;
        let mut runs = Vec::new();
        for repetition in 0..repetitions {
            let mut dice = Dice::new(seed, repetition.into());
            let program = (self.make)(&mut dice);
            let search = minimize(&program, &mut dice);
            right += u32::from(
                search
                    .answer
                    .is_some_and(|answer| program.is_right(&answer)),
            );
            runs.push(search.runs);
        }
        runs.sort_unstable();
        Measured {
            right: f64::from(right) / f64::from(repetitions),
            mean: runs.iter().sum::<u64>() as f64 / f64::from(repetitions),
            nine_of_ten: runs[runs.len() * 9 / 10],
        }
    }

    pub(crate) fn holds(&self, measured: &Measured) -> bool {
        self.least.is_none_or(|least| measured.right >= least)
            && self.most.is_none_or(|most| measured.mean <= most)
    }

    const fn new(name: &'static str, make: fn(&mut Dice) -> Program) -> Self {
        Self {
            name,
            make,
            least: None,
            most: None,
        }
    }

    const fn least(mut self, share: f64) -> Self {
        self.least = Some(share);
        self
    }

    const fn most(mut self, runs: f64) -> Self {
        self.most = Some(runs);
        self
    }
}

fn random(dice: &mut Dice, chapters: usize, needed: usize, place: DeathPlace) -> Program {
    Program::new(chapters, dice.choose(needed, chapters), place)
}

fn at_rate(rate: f64, dice: &mut Dice) -> Program {
    let mut program = random(dice, 64, 2, DeathPlace::Victim);
    program.rate = rate;
    program
}

/// A polluter directly before the victim.
fn adjacent(dice: &mut Dice) -> Program {
    let polluter = dice.below(63);
    Program::new(64, vec![polluter, polluter + 1], DeathPlace::Victim)
}

/// Either of two polluters is enough.
fn alternatives(dice: &mut Dice) -> Program {
    let chosen = dice.choose(3, 64);
    let mut program = Program::new(64, vec![chosen[0], chosen[2]], DeathPlace::Victim);
    program.needed.push(vec![chosen[1], chosen[2]]);
    program
}

fn with_others(dice: &mut Dice) -> Program {
    let mut program = random(dice, 64, 2, DeathPlace::Victim);
    program.other = 0.2;
    program
}

/// The kinds with a limit.
pub(crate) const SCENES: [Scene; 10] = {
    use DeathPlace::{Unknown, Victim};
    [
        Scene::new("pair of 4", |dice| random(dice, 4, 2, Victim))
            .least(0.99)
            .most(65.0),
        Scene::new("pair of 16", |dice| random(dice, 16, 2, Victim))
            .least(0.99)
            .most(80.0),
        Scene::new("pair of 64", |dice| random(dice, 64, 2, Victim))
            .least(0.99)
            .most(95.0),
        Scene::new("pair of 200", |dice| random(dice, 200, 2, Victim))
            .least(0.99)
            .most(110.0),
        Scene::new("pair of 4, blind", |dice| random(dice, 4, 2, Unknown))
            .least(0.985)
            .most(160.0),
        Scene::new("pair of 16, blind", |dice| random(dice, 16, 2, Unknown))
            .least(0.985)
            .most(210.0),
        Scene::new("pair of 64, blind", |dice| random(dice, 64, 2, Unknown))
            .least(0.985)
            .most(255.0),
        Scene::new("pair of 200, blind", |dice| random(dice, 200, 2, Unknown))
            .least(0.985)
            .most(295.0),
        Scene::new("three of 64", |dice| random(dice, 64, 3, Victim)).least(0.95),
        Scene::new("three of 64, blind", |dice| random(dice, 64, 3, Unknown)).least(0.95),
    ]
};

/// Kinds at the edges of what the search is made for.
pub(crate) const EDGES: [Scene; 11] = {
    use DeathPlace::{Unknown, Varies, Victim};
    [
        Scene::new("victim alone, of 64", |dice| random(dice, 64, 1, Victim)).least(0.95),
        Scene::new("victim alone, of 64, blind", |dice| {
            random(dice, 64, 1, Unknown)
        })
        .least(0.95),
        Scene::new("one chapter", |dice| random(dice, 1, 1, Victim)).least(0.99),
        Scene::new("pair of 64, rate 1", |dice| at_rate(1.0, dice))
            .least(0.99)
            .most(40.0),
        Scene::new("pair of 64, rate 0.05", |dice| at_rate(0.05, dice)),
        Scene::new("pair of 64, rate 0.02", |dice| at_rate(0.02, dice)),
        Scene::new("polluter directly before", adjacent).least(0.95),
        Scene::new("either of two polluters", alternatives).least(0.95),
        Scene::new("place of death varies", |dice| random(dice, 64, 2, Varies)).least(0.95),
        Scene::new("20 % other deaths", with_others).least(0.95),
        Scene::new("no noise, pair of 64", |dice| {
            let mut program = random(dice, 64, 2, Victim);
            program.noise = 0.0;
            program
        })
        .least(0.99),
    ]
};
