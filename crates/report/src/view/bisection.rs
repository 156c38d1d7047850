//! A search for the commit that raised a crash rate.

use crashrate_model::{BisectAnswer, BisectRule, Bisected};

use super::Share;

/// What a search has tried and found.
#[derive(Clone, Debug, PartialEq)]
pub struct Bisection {
    /// The rule.
    pub rule: BisectRule,
    /// What was run at every commit.
    pub unit: String,
    /// A short name of each commit, in the order of the history.
    pub labels: Vec<String>,
    /// The signature that was searched, or a text in it; `None` while it is unknown.
    pub target: Option<String>,
    /// How often each signature was seen in any round, the most frequent first.
    pub signatures: Vec<(String, u32)>,
    /// The commits that were built or run, in the order of the history.
    pub commits: Vec<CommitSeen>,
    /// How far it was at the last record; `None` before the first.
    pub found: Option<Bisected>,
}

/// A commit that was built or run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitSeen {
    /// Its index in the history.
    pub index: u32,
    /// Rounds that did not die, or died with the signature.
    pub rounds: u32,
    /// The rounds of them that died.
    pub deaths: u32,
    /// Rounds that ended badly in another way, and were drawn again.
    pub others: u32,
    /// Whether it was built.
    pub is_built: bool,
    /// Why it cannot be tested.
    pub problem: Option<String>,
}

impl CommitSeen {
    /// Its rounds that died with the signature.
    pub fn share(&self) -> Share {
        Share {
            bad: self.deaths,
            n: self.rounds,
        }
    }
}

impl Bisection {
    /// The noun for one of the things that are searched; its plural has an `s`.
    pub fn noun(&self) -> &'static str {
        self.rule.kind.noun()
    }

    /// The answer, if there is one.
    pub fn answer(&self) -> Option<&BisectAnswer> {
        self.found.as_ref()?.answer.as_ref()
    }

    /// The first and the last commit among which the rate rose, if they are known.
    pub fn rise(&self) -> Option<[u32; 2]> {
        match self.answer()? {
            BisectAnswer::Rise { first, last } => Some([*first, *last]),
            _ => None,
        }
    }

    /// The rounds before the rise and from it on. Those of commits in between are in neither.
    pub fn sides(&self, [first, last]: [u32; 2]) -> [Share; 2] {
        let sum = |is_on: &dyn Fn(u32) -> bool| {
            let commits = self.commits.iter().filter(|seen| is_on(seen.index));
            commits.fold(Share::default(), |sum, seen| Share {
                bad: sum.bad + seen.deaths,
                n: sum.n + seen.rounds,
            })
        };
        [sum(&|index| index < first), sum(&|index| index >= last)]
    }

    /// The commits that were built.
    pub fn builds(&self) -> u32 {
        self.commits.iter().filter(|seen| seen.is_built).count() as u32
    }

    /// The short name of a commit.
    pub fn label(&self, index: u32) -> &str {
        self.labels.get(index as usize).map_or("", String::as_str)
    }
}
