//! The JSON Schema of a search for a commit.

use schemars::JsonSchema;

use super::SignatureCount;
use crate::view::Share;

/// A search for the commit that raised a crash rate. A commit is named by its full hash, its version
/// or its item.
#[derive(JsonSchema)]
pub(super) struct Bisection {
    /// What was run at every commit.
    unit: String,
    /// The signature that was searched, or a text in it; null while it is unknown.
    signature: Option<String>,
    /// The kind of the answer; null without one.
    answer: Option<BisectAnswer>,
    /// The commits among which the rate rose; usually one. Null if no rise was found.
    rise: Option<Vec<String>>,
    /// The rounds before the rise and from it on; null if none was found.
    sides: Option<[Share; 2]>,
    /// Whether more than one change is shown.
    several_changes: bool,
    /// The largest probability that the answer is wrong.
    error: f64,
    /// The commits that were built.
    builds: u32,
    /// The pairs of the two ends; null before the first build.
    ends: Option<BisectPair>,
    /// The pairs of the suspect and its parent; null before there is one.
    certificate: Option<BisectPair>,
    /// The posterior probability that nothing changed; null before the first build.
    none: Option<f64>,
    /// The posterior probability of each range of commits; null before the first build.
    posterior: Option<Vec<CommitRange>>,
    /// The ranges of commits that the data do not exclude, at 95%; null before the first build.
    confidence_set: Option<Vec<[String; 2]>>,
    /// How often each signature was seen, the most frequent first.
    signatures: Vec<SignatureCount>,
    /// The commits that were built or run, in the order of the history.
    commits: Vec<CommitRow>,
}

/// The kind of the answer of a search for a commit.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum BisectAnswer {
    /// A commit, or several that cannot be told apart, raised the rate.
    Rise,
    /// The two ends show no difference.
    EndsAlike,
    /// The ends differ, and no commit is shown to have made the difference.
    NoChange,
    /// An end of the history cannot be tested.
    EndUntestable,
}

/// Rounds of two commits in turn.
#[derive(JsonSchema)]
struct BisectPair {
    /// The commits, the older first.
    commits: [String; 2],
    /// The rounds of each.
    rounds: [u64; 2],
    /// Those that died with the signature.
    deaths: [u64; 2],
    /// The evidence that the second one crashes more often, as a natural logarithm.
    ln_e: f64,
    /// The evidence that is needed.
    ln_needed: f64,
}

/// Commits that share a posterior probability.
#[derive(JsonSchema)]
struct CommitRange {
    /// The first one.
    first: String,
    /// The last one.
    last: String,
    /// Their probability together.
    probability: f64,
}

/// A commit that was built or run.
#[derive(JsonSchema)]
struct CommitRow {
    /// Its name.
    name: String,
    /// Its index in the history.
    number: u32,
    /// Rounds that did not die, or died with the signature.
    rounds: u32,
    /// The rounds of them that died.
    deaths: u32,
    /// Rounds that ended badly in another way, and were drawn again.
    others: u32,
    /// Whether it was built.
    built: bool,
    /// Why it cannot be tested.
    problem: Option<String>,
}
