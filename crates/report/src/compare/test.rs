//! Tests for rounds that were fixed in advance.

use crashrate_stats::{
    Comparison, Counts, Design, Interval, PairTable, Role, Worse, compare, compare_blocks,
    compare_machines, farrington_manning, gatekeeping, risk_ratio, rounds_to_detect, tango_test,
};

use super::{Compared, Evidence, How, POWER, Planned};
use crate::view::Share;

/// Two rates compared. Differences and ratios are those of the second side against the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixedTest {
    /// The difference with its interval, and this comparison's unadjusted p-value.
    pub comparison: Comparison,
    /// The p-value, adjusted for the comparisons made together.
    pub p: f64,
    /// Whether it is left out of the adjustment: so few rounds could not show any difference.
    pub apart: bool,
    /// Whether test and interval agree that the rates differ, however missing rounds ended.
    pub differs: bool,
    /// Whether they would differ but for rounds without a result.
    pub prevented: bool,
    /// The ratio of the rates with its interval, if both sides had bad rounds.
    pub ratio: Option<(f64, Interval)>,
    /// The non-inferiority test, if a margin was given.
    pub not_worse: Option<NotWorse>,
}

/// A test of whether the second side is worse than the first by at most a margin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NotWorse {
    /// The margin, as a share.
    pub margin: f64,
    /// The one-sided p-value, adjusted like those of differences. Missing rounds count against it.
    pub p: f64,
    /// Whether it is shown.
    pub shown: bool,
}

/// The side that is bad more often, by the difference of the second side against the first.
pub(super) fn worse(difference: Option<f64>) -> Worse {
    match difference.is_some_and(|difference| difference > 0.0) {
        true => Worse::Two,
        false => Worse::One,
    }
}

/// The blocks of one run.
#[derive(Clone, Debug)]
pub(super) struct Tables {
    /// With their final results.
    pub(super) measured: PairTable,
    /// With every round missing whose first attempt vanished.
    pub(super) strict: PairTable,
    /// The same two for each machine of a merged run.
    pub(super) machines: Vec<[PairTable; 2]>,
    pub(super) design: Design,
}

impl Tables {
    fn compare(&self, alpha: f64) -> Option<Comparison> {
        let machines: Vec<_> = self
            .machines
            .iter()
            .map(|[measured, _]| *measured)
            .collect();
        match machines.is_empty() {
            true => compare_blocks(&self.measured, self.design, alpha).ok(),
            false => compare_machines(&machines, self.design, alpha).ok(),
        }
    }

    /// The same with missing results counted most strongly against `worse`.
    fn worst(&self, worse: Worse, alpha: f64) -> Option<Comparison> {
        let machines = self
            .machines
            .iter()
            .map(|[_, strict]| strict.against(worse));
        let machines: Vec<_> = machines.collect();
        match machines.is_empty() {
            true => compare_blocks(&self.strict.against(worse), self.design, alpha).ok(),
            false => compare_machines(&machines, self.design, alpha).ok(),
        }
    }
}

/// Two sides to be tested.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    /// The comparison, still without evidence of a test and without a plan.
    pub(super) compared: Compared,
    /// Rounds run on each side.
    pub(super) rounds: [u32; 2],
    /// The sides block by block; `None` for two runs.
    pub(super) tables: Option<Tables>,
}

/// Tests pairs that share this error budget, and plans more rounds where no difference is shown.
/// `margin` is the difference in rates up to which the second side counts as no worse; `rates` are
/// those to tell apart.
pub(super) fn judge(
    pairs: Vec<Pair>,
    how: How,
    alpha: f64,
    margin: Option<f64>,
    rates: [f64; 2],
) -> Vec<Compared> {
    if how == How::Untested {
        return pairs.into_iter().map(|pair| pair.compared).collect();
    }
    let (tests, comparisons) = match how {
        How::FixedRounds => (fixed(&pairs, alpha, margin), taking_part(&pairs, alpha)),
        _ => {
            let primary = pairs.iter().filter(|pair| pair.compared.primary);
            (vec![None; pairs.len()], primary.count())
        }
    };
    let alpha = alpha / comparisons.max(1) as f64;
    let plan = rounds_to_detect(rates[0], rates[1], POWER, alpha).ok();
    let judged = pairs.into_iter().zip(tests).map(|(pair, test)| {
        let [one, two] = pair.compared.shares();
        let mut compared = pair.compared;
        if let Some(test) = test {
            compared.evidence = Evidence::Fixed(test);
        }
        if one.n > 0 && two.n > 0 && !compared.differs() {
            compared.plan = Some(Planned {
                rates,
                per_side: one.n.min(two.n).into(),
                plan,
                alpha,
            });
        }
        compared
    });
    judged.collect()
}

impl Pair {
    fn role(&self) -> Role {
        match self.compared.primary {
            true => Role::Primary,
            false => Role::Explains,
        }
    }

    /// Whether a side has no rounds with a result. Such sides are not compared.
    fn is_empty(&self) -> bool {
        self.compared.shares().iter().any(|share| share.n == 0)
    }

    /// Whether a test of this many rounds could show a difference at all.
    ///
    /// Tests that cannot are left out of the adjustment (Tarone 1990). The error stays controlled
    /// because this depends on the rounds run, not on their results; for a chapter of a sequence,
    /// they include rounds that did not reach it.
    fn takes_part(&self, alpha: f64) -> bool {
        /// With this many rounds on both sides a test can always show a difference at 5 %.
        const ENOUGH: u32 = 10;
        let [one, two] = self.rounds;
        let least = one.min(two);
        if self.is_empty() || least == 0 {
            return false;
        }
        let tables = self.tables.as_ref();
        if tables.is_some_and(|tables| tables.design == Design::Matched) {
            return 2.0 * 0.5f64.powi(i32::try_from(least).unwrap_or(i32::MAX)) <= alpha;
        }
        if least >= 2 * ENOUGH || (least >= ENOUGH && alpha >= 0.01) {
            return true;
        }
        let most_unlike = || {
            let none = Counts::new(0, one.into()).ok()?;
            let all = Counts::new(two.into(), two.into()).ok()?;
            compare(none, all, alpha).ok()
        };
        most_unlike().is_some_and(|c| c.p <= alpha)
    }

    fn test(&self, alpha: f64) -> Option<Comparison> {
        if self.is_empty() {
            return None;
        }
        match &self.tables {
            Some(tables) => tables.compare(alpha),
            None => compare_shares(self.compared.shares(), alpha),
        }
    }

    /// The same with missing results counted most strongly against `worse`.
    fn worst(&self, worse: Worse, alpha: f64) -> Option<Comparison> {
        match &self.tables {
            Some(tables) => tables.worst(worse, alpha),
            None => compare_shares(self.compared.extreme(worse), alpha),
        }
    }

    fn has_missing(&self) -> bool {
        match &self.tables {
            Some(tables) => tables.strict.missing() != [0, 0],
            None => self.compared.sides.iter().any(|side| side.bounds.is_some()),
        }
    }

    /// The one-sided p-value of "the second side is bad more often by `margin` or more". Missing
    /// results count towards that hypothesis.
    fn not_worse(&self, margin: f64) -> Option<f64> {
        let [one, two] = match &self.tables {
            Some(tables) => {
                let table = tables.strict.against(Worse::One);
                if tables.design == Design::Matched {
                    let blocks = table.blocks();
                    let (only_one, only_two) = (blocks.only_one, blocks.only_two);
                    return tango_test(only_two, only_one, blocks.n(), margin).ok();
                }
                table.sides().ok()?
            }
            None => {
                let [one, two] = self.compared.extreme(Worse::One);
                [one.counts().ok()?, two.counts().ok()?]
            }
        };
        farrington_manning(two, one, margin).ok()
    }

    fn ratio(&self, alpha: f64) -> Option<(f64, Interval)> {
        let [one, two] = self.compared.shares();
        let (first, second) = (one.counts().ok()?, two.counts().ok()?);
        let (a, b) = first.rate().zip(second.rate())?;
        if one.bad == 0 || two.bad == 0 {
            return None;
        }
        Some((b / a, risk_ratio(second, first, alpha).ok()?))
    }
}

fn compare_shares([one, two]: [Share; 2], alpha: f64) -> Option<Comparison> {
    compare(two.counts().ok()?, one.counts().ok()?, alpha).ok()
}

/// The number of primary comparisons, which share the error budget.
fn taking_part(pairs: &[Pair], alpha: f64) -> usize {
    let of = |role| {
        let same = pairs.iter().filter(|pair| pair.role() == role);
        same.filter(|pair| pair.takes_part(alpha)).count()
    };
    match of(Role::Primary) {
        0 => of(Role::Explains),
        n => n,
    }
}

/// The adjusted p-values of the pairs at these places.
fn adjusted(
    pairs: &[Pair],
    places: &[usize],
    p_of: &dyn Fn(usize) -> Option<f64>,
) -> Vec<Option<f64>> {
    let tests: Vec<_> = (places.iter())
        .map(|&place| (pairs[place].role(), p_of(place).unwrap_or(1.0)))
        .collect();
    let mut all = vec![None; pairs.len()];
    for (place, p) in places.iter().zip(gatekeeping(&tests).unwrap_or_default()) {
        all[*place] = Some(p);
    }
    all
}

/// Runs tests made together: the primary ones, then those that explain them.
fn fixed(pairs: &[Pair], alpha: f64, margin: Option<f64>) -> Vec<Option<FixedTest>> {
    let tested: Vec<_> = (pairs.iter())
        .map(|pair| Some((pair, pair.takes_part(alpha), pair.test(alpha)?)))
        .collect();
    let worst: Vec<_> = (tested.iter())
        .map(|tested| {
            let (pair, _, comparison) = tested.as_ref()?;
            match pair.has_missing() {
                true => pair.worst(worse(comparison.difference), alpha),
                false => Some(*comparison),
            }
        })
        .collect();
    let takes_part = |place: &usize| matches!(tested[*place], Some((_, true, _)));
    let places: Vec<usize> = (0..tested.len()).filter(takes_part).collect();
    let adjust = |p_of: &dyn Fn(usize) -> Option<f64>| adjusted(pairs, &places, p_of);
    let of_measured = adjust(&|place| tested[place].as_ref().map(|(_, _, c)| c.p));
    let of_worst = adjust(&|place| worst[place].map(|c| c.p));
    let not_worse = |place: usize| pairs[place].not_worse(margin?);
    let of_margin = adjust(&not_worse);
    let judged = tested.iter().enumerate().map(|(place, tested)| {
        let (pair, takes_part, comparison) = tested.as_ref()?;
        let says = |comparison: &Comparison, p: Option<f64>| {
            p.is_some_and(|p| comparison.differs(p, alpha))
        };
        let is_measured = says(comparison, of_measured[place]);
        let holds = worst[place].is_some_and(|worst| {
            // Missing results may even reverse the difference.
            let same = worst.difference.zip(comparison.difference);
            same.is_some_and(|(a, b)| a * b > 0.0) && says(&worst, of_worst[place])
        });
        Some(FixedTest {
            comparison: *comparison,
            p: of_measured[place].unwrap_or(comparison.p),
            apart: !takes_part,
            differs: is_measured && holds,
            prevented: is_measured && !holds,
            ratio: pair.ratio(alpha),
            not_worse: margin.zip(not_worse(place)).map(|(margin, alone)| {
                let p = of_margin[place].unwrap_or(alone);
                NotWorse {
                    margin,
                    p,
                    shown: *takes_part && p <= alpha,
                }
            }),
        })
    });
    judged.collect()
}
