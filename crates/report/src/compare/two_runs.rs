//! Tests the rows that two runs share.

use crashrate_model::{ALPHA, OutcomeSet};
use crashrate_stats::Role;

use super::blocks::outcomes;
use super::plan::Planner;
use super::test::{Pair, Together, doubt, fixed, taking_part};
use super::{Compared, Comparisons, Detect, Evidence, How, Side, What};
use crate::view::{OptionalStopping, Results, Share};

/// A row that both runs have. Its sides are still empty.
pub(super) struct SharedRow<'a> {
    pub(super) compared: Compared,
    pub(super) results: [&'a Results; 2],
    pub(super) shares: [Share; 2],
}

/// Two runs to compare.
pub(super) struct TwoRuns<'a> {
    pub(super) what: What,
    pub(super) labels: [String; 2],
    pub(super) optional_stopping: [OptionalStopping; 2],
    pub(super) bad: &'a OutcomeSet,
    pub(super) detect: Detect,
    pub(super) margin: Option<f64>,
    pub(super) warnings: Vec<String>,
}

impl TwoRuns<'_> {
    /// Compares the rows. No test is valid if the data may have stopped either run: two runs have
    /// no pairs.
    pub(super) fn compare(self, rows: Vec<SharedRow>) -> Comparisons {
        let how = match self.optional_stopping.contains(&OptionalStopping::Possible) {
            true => How::Untested,
            false => How::FixedRounds,
        };
        let pairs: Vec<Pair> = rows.iter().map(SharedRow::pair).collect();
        let together = Together {
            alpha: ALPHA,
            margin: self.margin,
        };
        let tests = match how {
            How::FixedRounds => fixed(&pairs, together),
            _ => vec![None; pairs.len()],
        };
        let planner = Planner::new(self.detect, ALPHA, taking_part(&pairs, ALPHA));
        let list = rows.into_iter().zip(tests).map(|(row, test)| {
            let SharedRow {
                compared,
                results,
                shares,
            } = row;
            let mut compared = Compared {
                sides: [0, 1].map(|side| Side {
                    label: self.labels[side].clone(),
                    share: shares[side],
                    outcomes: outcomes(&results[side].cells),
                    bounds: results[side].bounds,
                    optional_stopping: self.optional_stopping[side],
                }),
                doubt: doubt(results, compared.censored),
                evidence: test.map_or(Evidence::Untested, Evidence::Fixed),
                ..compared
            };
            if how == How::FixedRounds && !compared.differs() {
                compared.plan = planner.plan(shares);
            }
            compared
        });
        Comparisons {
            what: self.what,
            how,
            bad: self.bad.clone(),
            alpha: ALPHA,
            list: list.collect(),
            warnings: self.warnings,
        }
    }
}

impl SharedRow<'_> {
    fn pair(&self) -> Pair {
        let role = match self.compared.primary {
            true => Role::Primary,
            false => Role::Explains,
        };
        let rounds = self.results.map(|results| results.rounds);
        let bounds = self.results.map(|results| results.bounds);
        Pair::of_runs(self.shares, rounds, bounds, role)
    }
}
