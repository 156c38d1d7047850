//! Comparisons, gates and independence in JSON.

use crashrate_model::{Axis, Gate, Mode, Outcome};
use crashrate_stats::{GateVerdict, Independence, Interval, Method, Test};
use serde::Serialize;

use super::values::Estimated;
use crate::compare::{
    Claimed, Compared, Comparisons, Evidence, FixedTest, How, POWER, PairEvidence, Planned, What,
    cautions, claimed, gate, intro, verdict,
};
use crate::view::{Bounds, GateSeen};
use crate::words::pattern;

#[derive(Serialize)]
pub(super) struct Set<'a> {
    /// `mode`, `variant`, `spawn`, `run`, `baseline` or `claim`.
    by: &'static str,
    /// `fixed-rounds`, `pairs` or `none`.
    method: &'static str,
    compared: String,
    bad: Vec<Outcome>,
    /// The error budget of the primary comparisons.
    alpha: f64,
    comparisons: Vec<One<'a>>,
    cautions: Vec<String>,
    warnings: &'a [String],
}

impl<'a> Set<'a> {
    pub(super) fn of(all: &'a Comparisons) -> Self {
        Set {
            by: match all.what {
                What::Within(Axis::Mode) => "mode",
                What::Within(Axis::Variant) => "variant",
                What::Within(Axis::Spawn) => "spawn",
                What::Runs => "run",
                What::Baseline => "baseline",
                What::Claim => "claim",
            },
            method: match all.how {
                How::FixedRounds => "fixed-rounds",
                How::Pairs => "pairs",
                How::Untested => "none",
            },
            compared: intro(all),
            bad: all.bad.iter().collect(),
            alpha: all.alpha,
            cautions: cautions(all),
            comparisons: all.list.iter().map(|one| One::of(all, one)).collect(),
            warnings: &all.warnings,
        }
    }
}

#[derive(Serialize)]
pub(super) struct One<'a> {
    chapter: Option<&'a str>,
    sequence: Option<&'a str>,
    mode: Option<Mode>,
    variant: Option<&'a str>,
    /// Whether it answers the run's question; the others explain the answer.
    primary: bool,
    sides: [OneSide<'a>; 2],
    /// The number of blocks with both sides measured; `null` for two runs.
    blocks: Option<Blocks>,
    differs: bool,
    /// Whether it would show a difference but for rounds without a result.
    prevented_by_missing: bool,
    verdict: String,
    #[serde(flatten)]
    test: Option<Tested>,
    #[serde(flatten)]
    pairs: Option<Pairs>,
    plan: Option<Rounds>,
}

impl<'a> One<'a> {
    fn of(all: &Comparisons, one: &'a Compared) -> Self {
        One {
            chapter: one.chapter.as_deref(),
            sequence: one.sequence.as_deref(),
            mode: one.mode,
            variant: one.variant.as_deref(),
            sides: one.sides.each_ref().map(|side| OneSide {
                label: &side.label,
                bad: side.share.bad,
                n: side.share.n,
                crash_rate: Estimated::of(side.share, side.optional_stopping),
                bounds: side.bounds,
            }),
            primary: one.primary,
            blocks: one.blocks.map(Blocks::from),
            differs: one.differs(),
            prevented_by_missing: one.is_prevented(),
            verdict: verdict(all, one),
            test: match &one.evidence {
                Evidence::Fixed(test) => Some(Tested::of(test)),
                _ => None,
            },
            pairs: match &one.evidence {
                Evidence::Pairs(PairEvidence { watch, .. }) => Some(Pairs {
                    pairs: watch.blocks().n(),
                    bad_alone: [watch.blocks().only_one, watch.blocks().only_two],
                    missing_pairs: watch.missing(),
                    ln_e: watch.ln_e(),
                    ln_e_needed: watch.ln_needed(),
                    not_worse_by: watch.margin().map(|(margin, _)| margin),
                    no_worse: watch.is_not_worse(),
                }),
                _ => None,
            },
            plan: one.plan.as_ref().map(Rounds::of),
        }
    }
}

#[derive(Serialize)]
struct OneSide<'a> {
    label: &'a str,
    bad: u32,
    n: u32,
    crash_rate: Option<Estimated>,
    /// The rates possible given the rounds without a result.
    bounds: Option<Bounds>,
}

/// Numbers of blocks by the ends of both sides.
#[derive(Serialize)]
struct Blocks {
    both_bad: u64,
    only_first_bad: u64,
    only_second_bad: u64,
    neither_bad: u64,
}

impl From<crashrate_stats::Blocks> for Blocks {
    fn from(blocks: crashrate_stats::Blocks) -> Self {
        Blocks {
            both_bad: blocks.both,
            only_first_bad: blocks.only_one,
            only_second_bad: blocks.only_two,
            neither_bad: blocks.neither,
        }
    }
}

#[derive(Serialize)]
struct Ends {
    lo: f64,
    /// `null` if there is none.
    hi: Option<f64>,
}

impl From<Interval> for Ends {
    fn from(interval: Interval) -> Self {
        Ends {
            lo: interval.lo,
            hi: Some(interval.hi).filter(|hi| hi.is_finite()),
        }
    }
}

/// Of the second side against the first.
#[derive(Serialize)]
pub(super) struct Tested {
    difference: Option<f64>,
    difference_interval: Ends,
    p: f64,
    p_adjusted: f64,
    test: &'static str,
    risk_ratio: Option<f64>,
    risk_ratio_interval: Option<Ends>,
    not_worse_by: Option<f64>,
    not_worse_p: Option<f64>,
    no_worse: Option<bool>,
}

impl Tested {
    pub(super) fn of(test: &FixedTest) -> Self {
        Tested {
            difference: test.comparison.difference,
            difference_interval: test.comparison.interval.into(),
            p: test.comparison.p,
            p_adjusted: test.p,
            test: match test.comparison.test {
                Test::Boschloo => "boschloo",
                Test::FisherMidP => "fisher-mid-p",
                Test::McNemar => "mcnemar",
            },
            risk_ratio: test.ratio.map(|(ratio, _)| ratio),
            risk_ratio_interval: test.ratio.map(|(_, interval)| interval.into()),
            not_worse_by: test.not_worse.map(|not_worse| not_worse.margin),
            not_worse_p: test.not_worse.map(|not_worse| not_worse.p),
            no_worse: test.not_worse.map(|not_worse| not_worse.shown),
        }
    }
}

#[derive(Serialize)]
struct Pairs {
    pairs: u64,
    bad_alone: [u64; 2],
    missing_pairs: u64,
    ln_e: f64,
    ln_e_needed: f64,
    not_worse_by: Option<f64>,
    no_worse: Option<bool>,
}

#[derive(Serialize)]
struct Rounds {
    /// The two rates to tell apart.
    rates: [f64; 2],
    per_side_now: u64,
    per_side: Option<u64>,
    power: f64,
    alpha: f64,
    method: Option<&'static str>,
}

impl Rounds {
    fn of(plan: &Planned) -> Self {
        Rounds {
            rates: plan.detect.rates,
            per_side_now: plan.per_side,
            per_side: plan.plan.map(|plan| plan.per_side),
            power: POWER,
            alpha: plan.alpha,
            method: plan.plan.map(|plan| match plan.method {
                Method::Exact => "exact",
                Method::Normal => "normal",
            }),
        }
    }
}

/// A claim of an imported report, and what its rounds show.
#[derive(Serialize)]
pub(super) struct OneClaim<'a> {
    text: &'a str,
    shown: bool,
    said: String,
    comparison: One<'a>,
}

impl<'a> OneClaim<'a> {
    pub(super) fn all(claims: &'a [Claimed]) -> Vec<Self> {
        let each = claims.iter().flat_map(|claim| {
            let all = &claim.comparison;
            all.list.iter().map(move |one| OneClaim {
                text: &claim.text,
                shown: claim.is_shown(),
                said: claimed(claim),
                comparison: One::of(all, one),
            })
        });
        each.collect()
    }
}

/// A gate and its verdict.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    #[serde(flatten)]
    gate: &'a Gate,
    verdict: &'static str,
    bad: u64,
    n: u64,
    /// Started rounds without a result.
    missing: u64,
    clustered: bool,
    said: String,
}

impl<'a> Shown<'a> {
    pub(super) fn of(seen: &'a GateSeen) -> Self {
        let (bad, n) = seen.watch.seen();
        Shown {
            gate: &seen.gate,
            verdict: match seen.verdict() {
                GateVerdict::Below => "below",
                GateVerdict::Above => "above",
                GateVerdict::Undecided => "inconclusive",
            },
            bad,
            n,
            missing: seen.watch.missing(),
            clustered: seen.clustered,
            said: gate(seen),
        }
    }
}

/// The test of whether rounds are independent.
#[derive(Serialize)]
pub(super) struct Order {
    pattern: &'static str,
    runs_p: f64,
    trend_p: f64,
}

impl From<Independence> for Order {
    fn from(tested: Independence) -> Self {
        Order {
            pattern: pattern(tested.pattern),
            runs_p: tested.runs.two_sided,
            trend_p: tested.trend.p,
        }
    }
}
