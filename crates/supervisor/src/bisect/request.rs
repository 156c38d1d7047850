//! From what a user asks of `crashrate bisect` to its plan and rule.

use crashrate_model::{BisectRule, Outcome, OutcomeSet, Point, PointKind};

use crate::build::SKIP;
use crate::plan::Plan;

/// What to search, and in which history.
#[derive(Clone, Debug, PartialEq)]
pub struct BisectOptions {
    /// What the variants are.
    pub kind: PointKind,
    /// What each variant is, in the order of the history.
    pub points: Vec<Point>,
    /// The command that shows the difference again; `{parent}` and `{suspect}` stand for the two
    /// commits.
    pub again: Option<String>,
    /// The signature, or a text in it; the most frequent one at the bad end if `None`.
    pub signature: Option<String>,
    /// The probability of naming a commit that did not raise the rate.
    pub error: f64,
    /// Pairs of the two ends after which the search gives up if they show no change.
    pub pairs: u64,
    /// The cost of a build, in rounds; measured if `None`.
    pub build_cost: Option<f64>,
}

/// The plan and the rule of a search among the variants of a plan. As in `git bisect run`, exit code
/// 125 skips a commit and any other one but 0 is bad.
pub(crate) fn plan(mut plan: Plan, options: &BisectOptions) -> (Plan, BisectRule) {
    for chapter in &mut plan.suite.chapters {
        chapter.exit_codes.skipped.insert(SKIP);
    }
    plan.suite.bad = OutcomeSet::new(plan.suite.bad.iter().chain([Outcome::Failed]));
    let rule = BisectRule {
        signature: options.signature.clone(),
        error: options.error,
        pairs: options.pairs,
        build_cost: options.build_cost,
        again: options.again.clone(),
        kind: options.kind,
        points: options.points.clone(),
    };
    (plan, rule)
}
