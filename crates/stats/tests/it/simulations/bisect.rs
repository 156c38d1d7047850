//! Simulated histories whose crash rate changes, for the bisection. Shared by the quick test and by
//! the example that prints the whole table.

use crashrate_stats::{
    BisectAnswer, BisectFinding, BisectPurpose, BisectRound, BisectSettings, BisectStep, Bisection,
    ChangesShown,
};

use super::dice::Dice;

/// The error that the searches may make.
pub(crate) const ERROR: f64 = 0.05;

/// Searches that need more rounds are given up.
const MOST_RUNS: u64 = 20_000;

/// A mean may exceed the reference by this factor.
pub(crate) const SLACK: f64 = 1.1;

/// A history: the crash rate at each commit, and whether the commit builds.
#[derive(Clone, Debug)]
pub(crate) struct History {
    rates: Vec<f64>,
    builds: Vec<bool>,
    build_cost: f64,
    /// The probability that a round ends in another way.
    other: f64,
}

impl History {
    fn new(rates: Vec<f64>) -> Self {
        Self {
            builds: vec![true; rates.len()],
            rates,
            build_cost: 100.0,
            other: 0.0,
        }
    }

    /// One change from the rate `old` to `new`, at a random one of the commits 1 to `commits`.
    fn step(dice: &mut Dice, commits: usize, [old, new]: [f64; 2]) -> Self {
        let change = 1 + dice.below(commits);
        let rate = |commit: usize| if commit < change { old } else { new };
        Self::new((0..=commits).map(rate).collect())
    }

    fn costing(mut self, rounds: f64) -> Self {
        self.build_cost = rounds;
        self
    }

    /// Bursts of four commits that do not build, a fifth of all, the ends excluded.
    fn broken(mut self, dice: &mut Dice) -> Self {
        let commits = self.rates.len() - 1;
        for _ in 0..commits / 20 {
            let first = 1 + dice.below(commits - 4);
            self.builds[first..first + 4].fill(false);
        }
        self
    }

    fn last(&self) -> usize {
        self.rates.len() - 1
    }

    fn run(&self, commit: usize, dice: &mut Dice) -> BisectRound {
        if dice.bad(self.other) {
            return BisectRound::Other;
        }
        match dice.bad(self.rates[commit]) {
            true => BisectRound::Bad,
            false => BisectRound::Good,
        }
    }

    /// Whether the rate rises in the named group, from its parent to its last commit, and the group
    /// has no commit that builds but the last one.
    fn is_right(&self, finding: &BisectFinding) -> bool {
        let (first, last) = (finding.suspect.first, finding.suspect.last);
        self.rates[last] > self.rates[first - 1] && !self.builds[first..last].contains(&true)
    }
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Right,
    Wrong,
    /// The gate or the search shows no change.
    NoChange,
    /// An end cannot be tested, or there are too many rounds.
    GivenUp,
}

/// One search.
pub(crate) struct Search {
    pub(crate) end: End,
    /// Rounds of the gate, the search and the certificates.
    pub(crate) runs: [u64; 3],
    pub(crate) builds: u64,
    pub(crate) says_several: bool,
    /// Whether the confidence set contained a commit at which the rate rises, after every step.
    pub(crate) is_covered: bool,
    /// The rounds and builds left when the gate was passed, estimated then and counted later.
    pub(crate) left: Option<[[f64; 2]; 2]>,
}

/// Follows the steps of a bisection, one round at a time.
pub(crate) fn bisect(history: &History, dice: &mut Dice) -> Search {
    let mut settings = BisectSettings::new(history.last());
    settings.build_cost = history.build_cost;
    settings.error = ERROR;
    let mut search = Bisection::new(&settings).expect("the settings are valid");
    let mut runs = [0; 3];
    let (mut estimate, mut is_covered) = (None, true);
    while runs.iter().sum::<u64>() < MOST_RUNS && follow(&mut search, history, dice, &mut runs) {
        estimate = estimate.or_else(|| first_estimate(&search, history));
        is_covered = is_covered && covers_a_rise(&search, history);
    }
    let end = match search.answer() {
        Some(BisectAnswer::Found(finding)) if history.is_right(&finding) => End::Right,
        Some(BisectAnswer::Found(_)) => End::Wrong,
        Some(BisectAnswer::NoChange | BisectAnswer::GateGaveUp { .. }) => End::NoChange,
        Some(BisectAnswer::EndUntestable { .. }) | None => End::GivenUp,
    };
    let says_several = match search.answer() {
        Some(BisectAnswer::Found(finding)) => finding.changes == ChangesShown::Several,
        _ => false,
    };
    Search {
        end,
        runs,
        builds: search.builds(),
        says_several,
        is_covered,
        left: estimate.map(|([runs, builds], estimate)| {
            let counted = [search.runs() - runs, search.builds() - builds];
            [estimate, counted.map(|count| count as f64)]
        }),
    }
}

fn covers_a_rise(search: &Bisection, history: &History) -> bool {
    let set = search.progress().confidence_set;
    let mut commits = set.iter().flat_map(|range| range.first..=range.last);
    commits.any(|commit| history.rates[commit] > history.rates[commit - 1])
}

/// The rounds and builds so far, and estimates of those left, before the first commit between the
/// ends is built.
fn first_estimate(search: &Bisection, history: &History) -> Option<([u64; 2], [f64; 2])> {
    match search.next() {
        BisectStep::Build(commit) if commit != 0 && commit != history.last() => {}
        _ => return None,
    }
    let progress = search.progress();
    let left = [progress.runs_left?, progress.builds_left?];
    Some(([progress.runs, progress.builds], left))
}

/// Takes one step, up to the first result; false once the search is answered.
fn follow(search: &mut Bisection, history: &History, dice: &mut Dice, runs: &mut [u64; 3]) -> bool {
    let (purpose, commit) = match search.next() {
        BisectStep::Answered => return false,
        BisectStep::Build(commit) if history.builds[commit] => {
            search.built(commit).expect("the commit is in the history");
            return true;
        }
        BisectStep::Build(commit) => {
            (search.build_failed(commit)).expect("the commit is in the history");
            return true;
        }
        BisectStep::Run { commit, .. } => (BisectPurpose::Search, commit),
        BisectStep::Pairs {
            purpose,
            commits,
            rounds: [one, two],
        } => (purpose, commits[usize::from(two > one)]),
    };
    runs[purpose as usize] += 1;
    let round = history.run(commit, dice);
    (search.push(purpose, commit, round)).expect("the commit is in the history");
    true
}

fn mean_left(searches: &[Search]) -> [[f64; 2]; 2] {
    let passed: Vec<[[f64; 2]; 2]> = searches.iter().filter_map(|search| search.left).collect();
    [0, 1].map(|kind| {
        [0, 1].map(|unit| {
            let sum = passed.iter().fold(0.0, |sum, left| sum + left[kind][unit]);
            sum / passed.len().max(1) as f64
        })
    })
}

/// Histories of one kind, and how well they should be searched.
#[derive(Clone, Copy)]
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    make: fn(&mut Dice) -> History,
    /// The reference means of rounds and builds.
    pub(crate) reference: Option<[f64; 2]>,
    /// The end that is right, and its least share.
    pub(crate) wanted: Option<(End, f64)>,
}

/// The results of many searches.
#[derive(Debug)]
pub(crate) struct Measured {
    ends: Vec<End>,
    pub(crate) mean_runs: f64,
    /// The mean rounds of the gate, the search and the certificates.
    pub(crate) by_purpose: [f64; 3],
    /// Nine of ten searches ended within this many rounds.
    pub(crate) nine_of_ten: u64,
    pub(crate) mean_builds: f64,
    /// The share of searches that say that there is more than one change.
    pub(crate) several: f64,
    /// The share of searches whose confidence set always contained a rise.
    pub(crate) covered: f64,
    /// The mean rounds and builds left after the gate: estimated, and counted.
    pub(crate) left: [[f64; 2]; 2],
}

impl Measured {
    pub(crate) fn share(&self, end: End) -> f64 {
        let these = self.ends.iter().filter(|one| **one == end).count();
        these as f64 / self.ends.len() as f64
    }
}

impl Scene {
    pub(crate) fn measure(&self, seed: u64, repetitions: u32) -> Measured {
        let searches: Vec<Search> = (0..repetitions)
            .map(|repetition| {
                let mut dice = Dice::new(seed, repetition.into());
                let history = (self.make)(&mut dice);
                bisect(&history, &mut dice)
            })
            .collect();
        let mean = |number: fn(&Search) -> f64| {
            searches.iter().map(number).sum::<f64>() / f64::from(repetitions)
        };
        let all_runs = |search: &Search| search.runs.iter().sum::<u64>();
        let mut runs: Vec<u64> = searches.iter().map(all_runs).collect();
        runs.sort_unstable();
        Measured {
            ends: searches.iter().map(|search| search.end).collect(),
            mean_runs: mean(|search| search.runs.iter().sum::<u64>() as f64),
            by_purpose: [
                mean(|search| search.runs[0] as f64),
                mean(|search| search.runs[1] as f64),
                mean(|search| search.runs[2] as f64),
            ],
            nine_of_ten: runs[runs.len() * 9 / 10],
            mean_builds: mean(|search| search.builds as f64),
            covered: mean(|search| f64::from(u8::from(search.is_covered))),
            left: mean_left(&searches),
            several: mean(|search| f64::from(u8::from(search.says_several))),
        }
    }

    /// Whether the results are within the limits; `slack` more is allowed of each.
    pub(crate) fn holds(&self, measured: &Measured, slack: f64) -> bool {
        let is_cheap = self.reference.is_none_or(|[runs, builds]| {
            let most = SLACK * (1.0 + slack);
            measured.mean_runs <= most * runs && measured.mean_builds <= most * builds
        });
        let is_wanted =
            (self.wanted).is_none_or(|(end, least)| measured.share(end) >= least - slack);
        let has_change = (self.wanted).is_none_or(|(end, _)| end == End::Right);
        let is_covered = !has_change || measured.covered >= 1.0 - ERROR - slack;
        is_cheap && is_wanted && is_covered && measured.share(End::Wrong) <= ERROR + slack
    }

    const fn new(name: &'static str, make: fn(&mut Dice) -> History) -> Self {
        Self {
            name,
            make,
            reference: None,
            wanted: None,
        }
    }

    /// The means of the reference.
    const fn reference(mut self, runs: f64, builds: f64) -> Self {
        self.reference = Some([runs, builds]);
        self
    }

    const fn wants(mut self, end: End, least: f64) -> Self {
        self.wanted = Some((end, least));
        self
    }
}

/// The crash comes with one commit, goes, and comes again.
fn comes_and_goes(dice: &mut Dice) -> History {
    let turn = |dice: &mut Dice, from: usize| from + 4 + dice.below(28);
    let first = turn(dice, 0);
    let second = turn(dice, first);
    let third = turn(dice, second);
    let rate = |commit: usize| match commit {
        commit if commit < first => 0.01,
        commit if commit < second => 0.3,
        commit if commit < third => 0.01,
        _ => 0.3,
    };
    History::new((0..=128).map(rate).collect())
}

fn with_others(dice: &mut Dice) -> History {
    let mut history = History::step(dice, 128, [0.01, 0.2]);
    history.other = 0.2;
    history
}

/// The kinds of the reference: commits, rates before and after, cost of a build.
pub(crate) const REFERENCE: [Scene; 11] = [
    Scene::new("128, 0 -> 0.2", |dice| History::step(dice, 128, [0.0, 0.2])).reference(266.0, 9.1),
    Scene::new("128, 0.01 -> 0.2", |dice| {
        History::step(dice, 128, [0.01, 0.2])
    })
    .reference(330.0, 9.1),
    Scene::new("16, 0.01 -> 0.2", |dice| {
        History::step(dice, 16, [0.01, 0.2])
    })
    .reference(250.0, 6.0),
    Scene::new("128, 0.01 -> 0.4", |dice| {
        History::step(dice, 128, [0.01, 0.4])
    })
    .reference(145.0, 9.1),
    Scene::new("128, 0.05 -> 0.2", |dice| {
        History::step(dice, 128, [0.05, 0.2])
    })
    .reference(666.0, 9.3),
    Scene::new("128, 0 -> 0.9", |dice| History::step(dice, 128, [0.0, 0.9])).reference(46.0, 9.0),
    Scene::new("128, 0 -> 0.2, free builds", |dice| {
        History::step(dice, 128, [0.0, 0.2]).costing(0.0)
    })
    .reference(212.0, 30.0),
    Scene::new("1024, 0.01 -> 0.2", |dice| {
        History::step(dice, 1024, [0.01, 0.2])
    })
    .reference(405.0, 12.2),
    Scene::new("1024, 0 -> 0.2, builds cost 10", |dice| {
        History::step(dice, 1024, [0.0, 0.2]).costing(10.0)
    })
    .reference(272.0, 12.9),
    Scene::new("1024, 0.05 -> 0.4", |dice| {
        History::step(dice, 1024, [0.05, 0.4])
    })
    .reference(251.0, 12.2),
    Scene::new("1024, 0 -> 0.05", |dice| {
        History::step(dice, 1024, [0.0, 0.05])
    })
    .reference(1177.0, 12.3),
];

/// Kinds beyond the reference.
pub(crate) const EDGES: [Scene; 8] = [
    Scene::new("no change, rate 0.05", |_| History::new(vec![0.05; 129]))
        .wants(End::NoChange, 0.97),
    Scene::new("no change, rate 0.3", |_| History::new(vec![0.3; 129])).wants(End::NoChange, 0.97),
    Scene::new("no change, rate 0", |_| History::new(vec![0.0; 129])).wants(End::NoChange, 0.97),
    Scene::new("a fifth does not build", |dice| {
        History::step(dice, 128, [0.01, 0.2]).broken(dice)
    })
    .wants(End::Right, 0.95),
    Scene::new("a fifth of rounds ends otherwise", with_others).wants(End::Right, 0.95),
    Scene::new("comes and goes", comes_and_goes).wants(End::Right, 0.95),
    Scene::new("one commit, 0.01 -> 0.2", |dice| {
        History::step(dice, 1, [0.01, 0.2])
    })
    .wants(End::Right, 0.95),
    Scene::new("one commit, 0.01 -> 0.05", |dice| {
        History::step(dice, 1, [0.01, 0.05])
    }),
];
