//! The search for the commit that raised a crash rate: its rule and its result.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{Deaths, OutcomeSet, TargetChoice, Unit};

/// The deaths of one signature at the bad end after which it is the one that is searched, if no
/// other is close.
const SIDE_DEATHS: usize = 3;
/// By how many deaths it must lead.
const LEAD: usize = 2;

/// The rule of a search for the commit that raised the rate of a crash.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BisectRule {
    /// The signature that is searched, or a text in it; the most frequent one at the bad end if
    /// `None`.
    pub signature: Option<String>,
    /// The probability of naming a commit that did not raise the rate.
    pub error: f64,
    /// Pairs of the two ends after which the search gives up if they show no change.
    pub pairs: u64,
    /// The cost of a build, in rounds; measured if `None`.
    pub build_cost: Option<f64>,
    /// The command that shows the difference again; `{parent}` and `{suspect}` stand for the two
    /// commits.
    pub again: Option<String>,
    /// What the units are.
    pub kind: PointKind,
    /// What each unit is, in the order of the history: the good end first.
    pub points: Vec<Point>,
}

/// What a history consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PointKind {
    /// Commits of a repository.
    Commit,
    /// Versions of a package.
    Version,
    /// Items of a list.
    Item,
}

impl PointKind {
    /// The noun for one of them; its plural has an `s`.
    pub fn noun(self) -> &'static str {
        match self {
            PointKind::Commit => "commit",
            PointKind::Version => "version",
            PointKind::Item => "item",
        }
    }
}

/// A commit, a version, or an item of a list.
#[skip_serializing_none]
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema
)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// The full hash, the version, or the item.
    pub name: String,
    /// The author date of a commit, RFC 3339.
    pub date: Option<String>,
    /// The first line of its message.
    pub subject: Option<String>,
}

/// How far a search is. The last record counts.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bisected {
    /// Seconds since `opened`.
    pub at: f64,
    /// The signature that was searched, or a text in it; `None` if it is still unknown.
    pub target: Option<String>,
    /// The answer; `None` while there is none.
    pub answer: Option<BisectAnswer>,
    /// The posterior probability of each range of commits that have equal ones, in their order.
    pub posterior: Vec<BisectedRange>,
    /// The posterior probability that nothing changed.
    pub none: f64,
    /// The commits that the data do not exclude, as ranges of indices; the first and the last one
    /// each. It has the right one with a probability of at least 95% at all times.
    pub confidence: Vec<[u32; 2]>,
    /// Pairs of the two ends that were measured, and how often each end crashed in them.
    pub ends: BisectedPair,
    /// The pairs of the last suspect.
    pub suspect: Option<BisectedPair>,
    /// Whether more than one change is shown.
    pub several: bool,
}

/// Commits that share a posterior probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BisectedRange {
    /// The index of the first one.
    pub first: u32,
    /// The index of the last one.
    pub last: u32,
    /// Their probability together.
    pub probability: f64,
}

/// Fresh rounds of two commits in turn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BisectedPair {
    /// The indices of the commits, the older first.
    pub commits: [u32; 2],
    /// The rounds of each.
    pub rounds: [u64; 2],
    /// Those that died with the signature.
    pub deaths: [u64; 2],
    /// The evidence that the second one crashes more often, as a natural logarithm.
    pub ln_e: f64,
    /// The evidence that is needed.
    pub ln_needed: f64,
}

/// What a search has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BisectAnswer {
    /// The rate rose within these commits, which no commit that can be tested tells apart. Usually
    /// it is one.
    Rise {
        /// The index of the first one.
        first: u32,
        /// The index of the last one.
        last: u32,
    },
    /// The two ends show no difference.
    EndsAlike,
    /// The ends differ, and no commit is shown to have made the difference.
    NoChange,
    /// An end of the history cannot be tested.
    EndUntestable {
        /// Its index.
        commit: u32,
    },
}

impl BisectRule {
    /// The reader of the rounds of such a search; each ran the unit of that index.
    pub fn deaths(&self, units: &[Unit], bad: &OutcomeSet) -> Deaths<u32> {
        let chapters = units.first().map_or(&[][..], |unit| &unit.chapters);
        let bad_end = u32::try_from(units.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let choice = TargetChoice {
            deaths: SIDE_DEATHS,
            lead: LEAD,
            among: Some(bad_end),
        };
        Deaths::new(chapters, bad, self.signature.as_deref(), choice)
    }
}
