//! Comparisons, gates and independence in JSON.

use crashrate_model::{Axis, Gate, Mode, Outcome};
use crashrate_stats::{GateVerdict, Independence, Interval, Method, Test};
use serde::Serialize;

use super::values::Estimated;
use crate::compare::{
    Claimed, Compared, Comparisons, Evidence, FixedTest, How, POWER, Planned, What, claimed, gate,
    intro, verdict,
};
use crate::view::GateSeen;
use crate::words::pattern;

#[derive(Serialize)]
pub(super) struct Set<'a> {
    /// `mode`, `variant` or `run`.
    by: &'static str,
    /// `fixed-rounds`, `pairs` or `none`.
    method: &'static str,
    compared: String,
    bad: Vec<Outcome>,
    comparisons: Vec<One<'a>>,
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
                What::Record => "record",
                What::Claim => "claim",
            },
            method: match all.how {
                How::FixedRounds => "fixed-rounds",
                How::Pairs => "pairs",
                How::Untested => "none",
            },
            compared: intro(all),
            bad: all.bad.iter().collect(),
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
    sides: [OneSide<'a>; 2],
    differs: bool,
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
                crash_rate: Estimated::of(side.share, side.by_data),
            }),
            differs: one.differs(),
            verdict: verdict(all, one),
            test: match &one.evidence {
                Evidence::Fixed(test) => Some(Tested::of(test)),
                _ => None,
            },
            pairs: match &one.evidence {
                Evidence::Pairs(watch) => Some(Pairs {
                    pairs: watch.process().pairs(),
                    bad_in_pairs: watch.process().bad().into(),
                    ln_e: watch.process().ln_e(),
                    ln_e_needed: watch.ln_needed(),
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
}

#[derive(Serialize)]
struct Ends {
    lo: f64,
    /// `null`: there is none.
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
            },
            risk_ratio: test.ratio.map(|(ratio, _)| ratio),
            risk_ratio_interval: test.ratio.map(|(_, interval)| interval.into()),
        }
    }
}

#[derive(Serialize)]
struct Pairs {
    pairs: u64,
    bad_in_pairs: [u64; 2],
    ln_e: f64,
    ln_e_needed: f64,
}

#[derive(Serialize)]
struct Rounds {
    rates: [f64; 2],
    rates_are: &'static str,
    per_side_now: u64,
    power_now: f64,
    per_side: Option<u64>,
    power: f64,
    method: Option<&'static str>,
}

impl Rounds {
    fn of(plan: &Planned) -> Self {
        Rounds {
            rates: plan.rates,
            rates_are: plan.origin.word(),
            per_side_now: plan.per_side,
            power_now: plan.power.0,
            per_side: plan.plan.map(|plan| plan.per_side),
            power: POWER,
            method: plan.plan.map(|plan| match plan.method {
                Method::Exact => "exact",
                Method::Normal => "normal",
            }),
        }
    }
}

/// A claim of an imported report, and what its rounds say of it.
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

/// A gate and what it says.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    #[serde(flatten)]
    gate: &'a Gate,
    verdict: &'static str,
    bad: u64,
    n: u64,
    said: String,
}

impl<'a> Shown<'a> {
    pub(super) fn of(seen: &'a GateSeen) -> Self {
        let (bad, n) = seen.watch.seen();
        Shown {
            gate: &seen.gate,
            verdict: match seen.watch.verdict() {
                GateVerdict::Below => "below",
                GateVerdict::Above => "above",
                GateVerdict::Undecided => "inconclusive",
            },
            bad,
            n,
            said: gate(seen),
        }
    }
}

/// Whether rounds look independent.
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
