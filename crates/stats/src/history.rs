//! Change detection over a history of runs: whether, where and how the rate of a row changed.
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
use crate::fisher::fisher_exact;
use crate::special::ln_beta_kernel;

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
        let Some(counts) = counts.filter(|counts| counts.n() > 0) else {
            looks.push(None);
            continue;
        };
        splitter.push(run, counts);
        let (rows, alpha) = budgets[run];
        let look = splitter.best().map(|best| HistoryLook {
            from: best.from,
            before: best.before,
            after: best.after,
            p: best.p,
            p_adjusted: (best.p * splitter.splits() as f64 * rows as f64).min(1.0),
            alpha,
            tests: splitter.splits() as f64 * rows as f64,
        });
        looks.push(look);
    }
    looks
}

/// A split of a row and its p-value.
#[derive(Debug, Clone, Copy)]
struct Split {
    from: usize,
    before: Counts,
    after: Counts,
    p: f64,
}

/// The runs of a row so far, and the search for the split with the smallest p-value.
#[derive(Debug, Default)]
struct Splitter {
    /// The index of each run with rounds, and the cumulative counts up to it.
    sums: Vec<(usize, Counts)>,
    /// The best split of the previous look. The next best split is usually close to it.
    last_best: usize,
    ln_factorials: LnFactorials,
}

impl Splitter {
    fn push(&mut self, run: usize, counts: Counts) {
        let before = self.sums.last().map(|(_, sum)| *sum);
        let sum = pooled(before.into_iter().chain([counts]));
        self.sums.extend(sum.map(|sum| (run, sum)));
    }

    fn splits(&self) -> usize {
        self.sums.len().saturating_sub(1)
    }

    /// The split with the smallest p-value, the first of equal ones; `None` with fewer than two
    /// runs.
    fn best(&mut self) -> Option<Split> {
        let (_, all) = *self.sums.last()?;
        self.ln_factorials.reach(all.n());
        let mut best: Option<(usize, Split)> = None;
        for at in std::iter::once(self.last_best).chain(0..self.splits()) {
            let ((_, before), (from, _)) = (*self.sums.get(at)?, *self.sums.get(at + 1)?);
            let after = Counts::new(all.bad() - before.bad(), all.n() - before.n()).ok()?;
            let cannot_be_best =
                |(_, best): (usize, Split)| self.ln_factorials.exceeds(before, after, best.p);
            if best.is_some_and(cannot_be_best) {
                continue;
            }
            let p = fisher_exact(before, after).two_sided;
            if best.is_none_or(|(place, best)| p < best.p || (p == best.p && at < place)) {
                let split = Split {
                    from,
                    before,
                    after,
                    p,
                };
                best = Some((at, split));
            }
        }
        let (at, best) = best?;
        self.last_best = at;
        Some(best)
    }
}

/// Logarithms of factorials, for a quick lower bound of p-values. The bound only rules splits out;
/// where it does not, the exact test decides.
#[derive(Debug, Default)]
struct LnFactorials(Vec<f64>);

impl LnFactorials {
    /// Beyond this many rounds no bound is computed: the table would be large and its errors would
    /// accumulate.
    const MOST: u64 = 1_000_000;
    /// The bound is lowered by this much, far above the errors of the table.
    const SLACK: f64 = 1e-6;

    /// Extends the table up to `n`!.
    fn reach(&mut self, n: u64) {
        if n > Self::MOST {
            return;
        }
        if self.0.is_empty() {
            self.0.push(0.0);
        }
        for next in self.0.len() as u64..=n {
            let last = self.0[next as usize - 1];
            self.0.push(last + (next as f64).ln());
        }
    }

    /// ln of the binomial coefficient.
    fn ln_choose(&self, n: u64, k: u64) -> f64 {
        let ln = |n: u64| self.0[n as usize];
        ln(n) - ln(k) - ln(n - k)
    }

    /// Whether Fisher's two-sided p-value certainly exceeds `p`, by the sum over the tables at most
    /// as likely as the observed one. Tables of about the same likelihood on the other side are
    /// left out: the exact test decides ties.
    fn exceeds(&self, one: Counts, two: Counts, p: f64) -> bool {
        let (n, bad) = (one.n() + two.n(), one.bad() + two.bad());
        if n >= self.0.len() as u64 {
            return false;
        }
        let ln_table = self.ln_choose(one.n(), one.bad()) + self.ln_choose(two.n(), two.bad());
        let observed = (ln_table - self.ln_choose(n, bad)).exp();
        let enough = p * (1.0 + Self::SLACK);
        // In the observed tail, bad rounds move from the side that is bad less often to the other
        // one.
        let (less, more) = match u128::from(one.bad()) * u128::from(two.n())
            <= u128::from(two.bad()) * u128::from(one.n())
        {
            true => (one, two),
            false => (two, one),
        };
        let mut table = Table {
            from: [less.bad() as f64, less.good() as f64],
            to: [more.bad() as f64, more.good() as f64],
            chance: observed,
        };
        let mut sum = observed;
        table.sum(&mut sum, enough);
        if sum > enough || observed == 0.0 {
            return sum > enough;
        }
        // The other tail begins beyond the most likely table, where tables are as unlikely as the
        // observed one.
        let mut table = Table {
            from: [more.bad() as f64, more.good() as f64],
            to: [less.bad() as f64, less.good() as f64],
            chance: observed,
        };
        table.next();
        while table.chance > observed * (1.0 - Self::SLACK) {
            table.next();
        }
        sum += table.chance;
        table.sum(&mut sum, enough);
        sum > enough
    }
}

/// A table of bad and good rounds on two sides, with its probability given the margins.
struct Table {
    from: [f64; 2],
    to: [f64; 2],
    chance: f64,
}

impl Table {
    /// Moves a bad round from one side to the other. The probability becomes 0 if none is left.
    fn next(&mut self) {
        let ([bad, good], [other_bad, other_good]) = (&mut self.from, &mut self.to);
        self.chance *= (*bad * *other_good) / ((*good + 1.0) * (*other_bad + 1.0));
        (*bad, *good) = (*bad - 1.0, *good + 1.0);
        (*other_bad, *other_good) = (*other_bad + 1.0, *other_good - 1.0);
    }

    /// Adds the following tables until the sum is sufficient or the rest is negligible.
    fn sum(&mut self, sum: &mut f64, enough: f64) {
        while *sum <= enough && self.chance > *sum * 1e-9 {
            self.next();
            *sum += self.chance;
        }
    }
}

fn pooled(counts: impl Iterator<Item = Counts>) -> Option<Counts> {
    let (bad, n) = counts.fold((0, 0), |(bad, n), one| (bad + one.bad(), n + one.n()));
    Counts::new(bad, n).ok()
}

/// The location of a change, assuming that the rate changed exactly once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// The most probable index: the first point with the new rate.
    pub at: usize,
    /// The posterior probability of that index.
    pub probability: f64,
    /// The first index of the shortest range around `at` that has at least 1 - alpha of the
    /// posterior.
    pub first: usize,
    /// The last index of that range.
    pub last: usize,
    /// The pooled counts before `at`.
    pub before: Counts,
    /// The pooled counts from `at` on.
    pub after: Counts,
}

/// The posterior of the change point, for points in the order of time. The prior is Beta(1/2, 1/2)
/// for the rates before and after the change, and uniform over all indices but the first. `None`
/// with fewer than two points.
///
/// Smith 1975, "A Bayesian approach to inference about a change-point in a sequence of random
/// variables", Biometrika 62: 407-416. It describes a change that a test has shown; it is no
/// evidence that a change exists.
pub fn change_point(points: &[Counts], alpha: f64) -> Result<Option<ChangePoint>, StatsError> {
    let alpha = open_unit("alpha", alpha)?;
    let Some(splits) = splits(points)? else {
        return Ok(None);
    };
    let weights: Vec<f64> = (splits.iter())
        .map(|&(before, after)| ln_marginal(before) + ln_marginal(after))
        .collect();
    let largest = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = weights.iter().map(|w| (w - largest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    let posterior: Vec<f64> = weights.iter().map(|w| w / sum).collect();
    let best = (0..posterior.len())
        .max_by(|&one, &two| {
            posterior[one]
                .total_cmp(&posterior[two])
                .then(two.cmp(&one))
        })
        .unwrap_or(0);
    let (first, last) = range(&posterior, best, 1.0 - alpha);
    Ok(Some(ChangePoint {
        at: best + 1,
        probability: posterior[best],
        first: first + 1,
        last: last + 1,
        before: splits[best].0,
        after: splits[best].1,
    }))
}

/// The pooled counts on both sides of each split; `None` with fewer than two points.
fn splits(points: &[Counts]) -> Result<Option<Vec<(Counts, Counts)>>, StatsError> {
    if points.len() < 2 {
        return Ok(None);
    }
    let sum = |counts: &[Counts]| {
        let (bad, n) = (counts.iter()).fold((0, 0), |(bad, n), one| (bad + one.bad(), n + one.n()));
        Counts::new(bad, n)
    };
    let all = sum(points)?;
    let (mut bad, mut n) = (0, 0);
    let mut splits = Vec::with_capacity(points.len() - 1);
    for point in &points[..points.len() - 1] {
        bad += point.bad();
        n += point.n();
        splits.push((
            Counts::new(bad, n)?,
            Counts::new(all.bad() - bad, all.n() - n)?,
        ));
    }
    Ok(Some(splits))
}

/// ln B(bad + 1/2, good + 1/2): the probability of the counts under a Beta(1/2, 1/2) rate, up to a
/// constant.
fn ln_marginal(counts: Counts) -> f64 {
    let (a, b) = (counts.bad() as f64 + 0.5, counts.good() as f64 + 0.5);
    let (x, y) = (a / (a + b), b / (a + b));
    a * x.ln() + b * y.ln() - ln_beta_kernel(a, b, x, y)
}

/// The shortest range that contains `best` and has at least this share of the posterior. Of equally
/// short ranges, the one with the largest share.
fn range(posterior: &[f64], best: usize, coverage: f64) -> (usize, usize) {
    // Floating-point sums that should be 1 may be slightly less.
    const ROUNDING: f64 = 1e-12;
    let mut shortest: Option<(usize, usize, f64)> = None;
    for first in 0..=best {
        let mut mass: f64 = posterior[first..best].iter().sum();
        for (last, weight) in posterior.iter().enumerate().skip(best) {
            mass += weight;
            if mass < coverage - ROUNDING {
                continue;
            }
            let better = shortest.is_none_or(|(from, to, most)| {
                let (new, old) = (last - first, to - from);
                new < old || (new == old && mass > most)
            });
            if better {
                shortest = Some((first, last, mass));
            }
            break;
        }
    }
    shortest.map_or((0, posterior.len() - 1), |(first, last, _)| (first, last))
}

/// The shape of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeShape {
    /// An abrupt change from one rate to another.
    Step,
    /// A gradual change from run to run.
    Creeping,
}

/// Whether a single step fits the points better than a trend, by the maximum likelihood of each:
/// two rates and the best index for the step, a logit linear in the index for the trend.
///
/// This is a description, not a test. The step has one more parameter, so a trend is reported only
/// if it clearly fits better.
pub fn change_shape(points: &[Counts]) -> ChangeShape {
    /// The likelihoods of two points, or of points that one step fits perfectly, agree only up to
    /// rounding.
    const ROUNDING: f64 = 1e-6;
    let Ok(Some(splits)) = splits(points) else {
        return ChangeShape::Step;
    };
    let step = (splits.iter())
        .map(|&(before, after)| ln_likelihood(before) + ln_likelihood(after))
        .fold(f64::NEG_INFINITY, f64::max);
    match logit_trend(points) > step + ROUNDING {
        true => ChangeShape::Creeping,
        false => ChangeShape::Step,
    }
}

/// The maximum log-likelihood of counts under one rate.
fn ln_likelihood(counts: Counts) -> f64 {
    let n = counts.n() as f64;
    let term = |k: u64| match k {
        0 => 0.0,
        k => k as f64 * (k as f64 / n).ln(),
    };
    term(counts.bad()) + term(counts.good())
}

/// The maximum log-likelihood of rates whose logit is linear in the index, by Newton's method. The
/// function is concave. If the maximum is at infinity, the steps end close enough to it.
fn logit_trend(points: &[Counts]) -> f64 {
    const STEPS: u32 = 60;
    const HALVINGS: u32 = 30;
    let Some(all) = pooled(points.iter().copied()) else {
        return f64::NEG_INFINITY;
    };
    // Indices are scaled to -1 to 1, so that both parameters have the same scale.
    let middle = (points.len() - 1) as f64 / 2.0;
    let places = |at: usize| (at as f64 - middle) / middle.max(0.5);
    let value = |level: f64, slope: f64| -> f64 {
        let terms = points.iter().enumerate().map(|(at, counts)| {
            let logit = level + slope * places(at);
            let ln_one_plus_exp = logit.max(0.0) + (-logit.abs()).exp().ln_1p();
            counts.bad() as f64 * logit - counts.n() as f64 * ln_one_plus_exp
        });
        terms.sum()
    };
    let mut level = ((all.bad() as f64 + 0.5) / (all.good() as f64 + 0.5)).ln();
    let mut slope = 0.0;
    let mut best = value(level, slope);
    for _ in 0..STEPS {
        let (mut g0, mut g1, mut h00, mut h01, mut h11) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (at, counts) in points.iter().enumerate() {
            let (x, n) = (places(at), counts.n() as f64);
            let rate = 1.0 / (1.0 + (-(level + slope * x)).exp());
            let (residual, weight) = (counts.bad() as f64 - n * rate, n * rate * (1.0 - rate));
            g0 += residual;
            g1 += residual * x;
            h00 += weight;
            h01 += weight * x;
            h11 += weight * x * x;
        }
        let determinant = h00 * h11 - h01 * h01;
        if determinant <= f64::MIN_POSITIVE {
            break;
        }
        let (mut d0, mut d1) = (
            (h11 * g0 - h01 * g1) / determinant,
            (h00 * g1 - h01 * g0) / determinant,
        );
        let before = best;
        for _ in 0..HALVINGS {
            let next = value(level + d0, slope + d1);
            if next > best {
                (level, slope, best) = (level + d0, slope + d1, next);
                break;
            }
            (d0, d1) = (d0 / 2.0, d1 / 2.0);
        }
        if best - before <= 1e-10 {
            break;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(counts: &[(u64, u64)]) -> Vec<Counts> {
        let counts = counts.iter().map(|&(bad, n)| Counts::new(bad, n).unwrap());
        counts.collect()
    }

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

    /// The bound never decides: the smallest p-value equals the minimum over all splits.
    #[test]
    fn the_smallest_p_is_that_of_all_splits() {
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
                let of_all = splits(&row[..end]).unwrap().unwrap();
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
    fn a_look_depends_on_earlier_runs_only_and_shares_its_budget_with_the_rows_so_far() {
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

    /// Worked by hand: B(1/2 + k1, 1/2 + n1 - k1) B(1/2 + k2, 1/2 + n2 - k2) for 0/1, 0/1, 1/1 is 3
    /// pi/8 * pi/2 for the first split (0/1 and 1/2: B(1/2, 3/2) B(3/2, 3/2) = pi/2 * pi/8) and
    /// B(1/2, 5/2) B(3/2, 1/2) = 3 pi/8 * pi/2 for the second.
    #[test]
    fn the_posterior_of_three_points_is_that_by_hand() {
        let found = change_point(&points(&[(0, 1), (0, 1), (1, 1)]), 0.05);
        let found = found.unwrap().unwrap();
        assert_eq!((found.at, found.first, found.last), (2, 1, 2));
        assert!((found.probability - 0.75).abs() < 1e-12, "{found:?}");
        let narrow = change_point(&points(&[(0, 1), (0, 1), (1, 1)]), 0.3).unwrap();
        assert_eq!(narrow.map(|found| (found.first, found.last)), Some((2, 2)));
    }

    #[test]
    fn a_clear_step_is_found_where_it_is() {
        let mut row = vec![(5, 50); 10];
        row.extend([(15, 50); 10]);
        let found = change_point(&points(&row), 0.05).unwrap().unwrap();
        assert_eq!(
            (found.at, found.before.bad(), found.after.bad()),
            (10, 50, 150)
        );
        assert!(found.first <= 10 && 10 <= found.last && found.last - found.first <= 4);
        assert_eq!(change_shape(&points(&row)), ChangeShape::Step);
        assert_eq!(change_point(&points(&row[..1]), 0.05).unwrap(), None);
    }

    #[test]
    fn a_step_is_told_from_a_creep() {
        let creep: Vec<_> = (0..20).map(|at| (1 + at, 50)).collect();
        assert_eq!(change_shape(&points(&creep)), ChangeShape::Creeping);
        let down: Vec<_> = creep.into_iter().rev().collect();
        assert_eq!(change_shape(&points(&down)), ChangeShape::Creeping);
        // One step fits perfectly, and so does a trend of infinite slope.
        for step in [
            &[(0, 9), (9, 9)][..],
            &[(0, 50), (0, 50), (50, 50)],
            &[(0, 5)],
            &[],
        ] {
            assert_eq!(change_shape(&points(step)), ChangeShape::Step, "{step:?}");
        }
    }
}
