//! Change detection over a history of runs: whether the rate of a row changed.
//!
//! Runs arrive one after the other, and each is a new look at the same rows, so all looks share one
//! error budget. [`history_looks`] spends `alpha` over the looks (Lan and DeMets 1983, "Discrete
//! sequential boundaries for clinical trials", Biometrika 70: 659-663). A look tests every split of
//! the runs so far into "before" and "after" by Fisher's exact test of the pooled counts. The union
//! bound covers the splits, the rows and the looks. It holds under any dependence between them, and
//! the looks are strongly dependent.
//!
//! A look uses only its own run and the runs before it, so adding runs never withdraws a change
//! already shown.

use crate::counts::Counts;
use crate::error::{StatsError, open_unit};
use crate::fisher::{fisher_exact, fisher_tail};

/// How quickly the budget falls over the looks: look j spends a share proportional to
/// j^-[`SPENDING`].
///
/// Measured on 1,000 histories of 20 runs of 50 rounds: with 2, a step from 10 % to 20 % halfway is
/// shown in 56 %; with 1.5 in 65 %; with 1.25 in 66 %. But with 1.25 the first looks have only half
/// of the budget that 1.5 gives them.
const SPENDING: f64 = 1.5;

/// The sum of j^-[`SPENDING`] over all j >= 1: Riemann's zeta function at 3/2.
const SPENDING_SUM: f64 = 2.612_375_348_685_488;

/// The result for one row of the look after one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HistoryLook {
    /// Index of the first run of the "after" side, for the split with the smallest p-value.
    pub from: usize,
    /// The pooled counts before that run.
    pub before: Counts,
    /// The pooled counts from that run up to the look.
    pub after: Counts,
    /// Fisher's two-sided p-value of this split alone.
    pub p: f64,
    /// `p` times the number of splits and of rows, at most 1.
    pub p_adjusted: f64,
    /// The budget of this look.
    pub alpha: f64,
    /// The number of splits times the number of rows.
    pub tests: f64,
}

impl HistoryLook {
    /// Whether the look shows a change.
    pub fn is_shown(self) -> bool {
        self.p_adjusted <= self.alpha
    }

    /// Whether the change is shown for every possible outcome of the rounds without a result.
    /// `missing` gives their number before and after the change; each counts as the outcome most
    /// unfavourable to the change.
    pub fn holds(self, missing: [u64; 2]) -> bool {
        if !self.is_shown() || missing == [0, 0] {
            return self.is_shown();
        }
        let rate = |counts: Counts| counts.rate().unwrap_or(0.0);
        let rises = rate(self.after) > rate(self.before);
        let with = |counts: Counts, missing: u64, bad: bool| {
            let bad = counts.bad() + if bad { missing } else { 0 };
            Counts::new(bad, counts.n() + missing)
        };
        let before = with(self.before, missing[0], rises);
        let after = with(self.after, missing[1], !rises);
        let (Ok(before), Ok(after)) = (before, after) else {
            return false;
        };
        let still = (rate(after) > rate(before)) == rises && rate(after) != rate(before);
        still && fisher_exact(before, after).two_sided * self.tests <= self.alpha
    }
}

/// The budget of look `look` (1 is the look after the second run) out of `alpha` for all looks.
///
/// The shares of all looks sum to `alpha`.
fn look_alpha(alpha: f64, look: u32) -> Result<f64, StatsError> {
    if look == 0 {
        return Err(StatsError::Zero { what: "a look" });
    }
    let alpha = open_unit("alpha", alpha)?;
    Ok(alpha * f64::from(look).powf(-SPENDING) / SPENDING_SUM)
}

/// All looks at a history. `rows[r][t]` has the counts of row r in run t; `None` if run t does not
/// have the row, or if its counts are excluded from tests. The result has the same shape, with
/// `None` where no test is possible: the row needs rounds in run t and in an earlier run.
///
/// Over a whole history in which no rate changes, the probability that any look shows a change in
/// any row is at most `alpha`. This requires independent rounds: a rate that varies from run to run
/// counts as changing.
pub fn history_looks(
    rows: &[Vec<Option<Counts>>],
    alpha: f64,
) -> Result<Vec<Vec<Option<HistoryLook>>>, StatsError> {
    open_unit("alpha", alpha)?;
    let runs = rows.iter().map(Vec::len).max().unwrap_or(0);
    // A row counts from the first run that contains it.
    let first: Vec<_> = rows
        .iter()
        .map(|row| row.iter().position(Option::is_some))
        .collect();
    let mut budgets = Vec::with_capacity(runs);
    for run in 0..runs {
        let so_far = first.iter().flatten().filter(|&&first| first <= run);
        let look = u32::try_from(run).unwrap_or(u32::MAX);
        budgets.push((so_far.count(), look_alpha(alpha, look.max(1))?));
    }
    Ok(rows.iter().map(|row| row_looks(row, &budgets)).collect())
}

/// The looks at one row, given the number of rows and the budget of each run.
fn row_looks(row: &[Option<Counts>], budgets: &[(usize, f64)]) -> Vec<Option<HistoryLook>> {
    let mut splitter = Splitter::default();
    let mut looks = Vec::with_capacity(row.len());
    for (run, counts) in row.iter().enumerate() {
        looks.push(match counts {
            Some(counts) if counts.n() > 0 => {
                splitter.push(run, *counts);
                splitter.look(budgets[run])
            }
            _ => None,
        });
    }
    looks
}

/// The runs of a row so far, and the search for the split with the smallest p-value.
#[derive(Debug, Default)]
struct Splitter {
    /// The index of each run with rounds, and the cumulative counts up to it.
    sums: Vec<(usize, Counts)>,
    /// The best split of the previous look. The next best split is usually close to it.
    last_best: usize,
}

impl Splitter {
    fn push(&mut self, run: usize, counts: Counts) {
        let before = self.sums.last().map(|(_, sum)| *sum);
        let sum = Counts::sum(before.into_iter().chain([counts]));
        self.sums.extend(sum.map(|sum| (run, sum)));
    }

    /// The split with the smallest p-value, the first of equal ones; `None` with fewer than two
    /// runs.
    fn look(&mut self, (rows, alpha): (usize, f64)) -> Option<HistoryLook> {
        let (_, all) = *self.sums.last()?;
        let splits = self.sums.len() - 1;
        let mut best: Option<(usize, f64)> = None;
        for at in std::iter::once(self.last_best).chain(0..splits) {
            let (_, before) = self.sums[at];
            let after = all.without(before);
            if best.is_some_and(|(_, least)| fisher_tail(before, after) > least) {
                continue;
            }
            let p = fisher_exact(before, after).two_sided;
            if best.is_none_or(|(place, least)| p < least || (p == least && at < place)) {
                best = Some((at, p));
            }
        }
        let (at, p) = best.filter(|_| splits > 0)?;
        self.last_best = at;
        let tests = splits as f64 * rows as f64;
        Some(HistoryLook {
            from: self.sums[at + 1].0,
            before: self.sums[at].1,
            after: all.without(self.sums[at].1),
            p,
            p_adjusted: (p * tests).min(1.0),
            alpha,
            tests,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::splits;
    use crate::change::tests::points;

    #[test]
    fn unknown_results_count_against_a_change() {
        let run = |bad, n| Some(Counts::new(bad, n).unwrap());
        let rows = [vec![run(0, 50), run(0, 50), run(20, 50)]];
        let look = history_looks(&rows, 0.05).unwrap()[0][2].unwrap();
        assert!(look.is_shown() && look.holds([0, 0]) && look.holds([3, 3]));
        assert!(!look.holds([40, 0]));
    }

    #[test]
    fn the_budgets_of_all_looks_sum_to_alpha() {
        const LOOKS: u32 = 1_000_000;
        let spent: f64 = (1..=LOOKS)
            .map(|look| look_alpha(0.05, look).unwrap())
            .sum();
        let rest = 0.05 * f64::from(LOOKS).powf(1.0 - SPENDING) / ((SPENDING - 1.0) * SPENDING_SUM);
        assert!((spent + rest - 0.05).abs() < 1e-9, "{spent} {rest}");
        assert!(look_alpha(0.05, 0).is_err() && look_alpha(1.0, 1).is_err());
    }

    /// The bound only saves work: the p-value still equals the minimum over all splits.
    #[test]
    fn the_p_value_is_the_minimum_over_all_splits() {
        let few = points(&[
            (1, 9),
            (0, 4),
            (3, 20),
            (9, 14),
            (2, 7),
            (30, 31),
            (0, 5),
            (0, 5),
        ]);
        let many = points(&[
            (100, 900_000),
            (150, 900_000),
            (160, 900_000),
            (90, 900_000),
        ]);
        let same = points(&[(5, 50); 9]);
        let extreme = points(&[(0, 50), (0, 50), (50, 50), (50, 50), (0, 50)]);
        for row in [few, many, same, extreme] {
            let cells: Vec<_> = row.iter().copied().map(Some).collect();
            let looks = history_looks(&[cells], 0.05).unwrap();
            for end in 2..=row.len() {
                let look = looks[0][end - 1].unwrap();
                let of_all = splits(&row[..end]).unwrap();
                let each: Vec<_> = (of_all.iter())
                    .map(|&(before, after)| fisher_exact(before, after).two_sided)
                    .collect();
                let smallest = each.iter().copied().fold(f64::INFINITY, f64::min);
                let first = each.iter().position(|p| *p == smallest).unwrap();
                assert_eq!((look.p, look.from), (smallest, first + 1), "{row:?}");
                assert_eq!((look.before, look.after), of_all[first]);
            }
        }
    }

    #[test]
    fn a_look_depends_only_on_runs_and_rows_so_far() {
        let row: Vec<_> = points(&[(0, 50), (1, 50), (0, 50), (30, 50), (1, 50)])
            .into_iter()
            .map(Some)
            .collect();
        let mut late = vec![None, None, Some(row[0].unwrap()), None, row[1]];
        let whole = history_looks(&[row.clone(), late.clone()], 0.05).unwrap();
        let shown: Vec<_> = (whole[0].iter())
            .map(|look| look.is_some_and(HistoryLook::is_shown))
            .collect();
        assert_eq!(shown, [false, false, false, true, true]);
        let look = whole[0][3].unwrap();
        assert_eq!((look.from, look.after.bad(), look.before.n()), (3, 30, 150));
        assert!((look.p_adjusted - look.p * 3.0 * 2.0).abs() < 1e-18);
        assert_eq!(whole[0][1].unwrap().p_adjusted, 1.0);
        for end in 0..row.len() {
            late.truncate(end);
            let part = history_looks(&[row[..end].to_vec(), late.clone()], 0.05).unwrap();
            assert_eq!(part[0], whole[0][..end]);
            assert_eq!(part[1], whole[1][..end]);
            late = vec![None, None, Some(row[0].unwrap()), None, row[1]];
        }
        // The late row has its first test in the last run.
        let tested = whole[1].iter().filter(|look| look.is_some()).count();
        assert_eq!((tested, whole[1][4].unwrap().from), (1, 4));
    }

    #[test]
    fn missing_counts_are_not_tested() {
        let none = Some(Counts::new(0, 0).unwrap());
        let looks = history_looks(&[vec![none, none, Some(Counts::new(1, 2).unwrap())]], 0.05);
        assert_eq!(looks.unwrap(), [[None, None, None]]);
        assert_eq!(history_looks(&[], 0.05).unwrap(), Vec::<Vec<_>>::new());
        assert!(history_looks(&[], 0.0).is_err());
    }
}
