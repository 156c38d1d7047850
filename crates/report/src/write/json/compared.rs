//! Comparisons, claims, gates, the baseline and independence in JSON.

use crashrate_stats::{GateVerdict, Independence, Interval, Method, PairWatch, Test};
use serde_json::{Value, json};

use super::values::{crash_rate, joined};
use crate::compare::{
    BaselineRow, BesideBaseline, Claimed, Compared, Comparisons, Evidence, FixedTest, POWER,
    Planned, cautions, claimed, gate as gate_sentence, intro, verdict,
};
use crate::view::{GateSeen, OptionalStopping, Share, View};
use crate::words::{baseline_sentences, pattern};

pub(super) fn comparisons(all: &Comparisons) -> Value {
    json!({
        "by": all.what,
        "method": all.how,
        "compared": intro(all),
        "bad": all.bad,
        // The error budget of the primary comparisons.
        "alpha": all.alpha,
        "comparisons": all.list.iter().map(|one| compared(all, one)).collect::<Vec<_>>(),
        "cautions": cautions(all),
        "warnings": all.warnings,
    })
}

fn compared(all: &Comparisons, one: &Compared) -> Value {
    let sides = one.sides.each_ref().map(|side| {
        json!({
            "label": side.label,
            "bad": side.share.bad,
            "n": side.share.n,
            "crash_rate": crash_rate(side.share, side.optional_stopping),
            // The rates possible given the rounds without a result.
            "bounds": side.bounds,
        })
    });
    let blocks = one.blocks.map(|blocks| {
        json!({
            "both_bad": blocks.both,
            "only_first_bad": blocks.only_one,
            "only_second_bad": blocks.only_two,
            "neither_bad": blocks.neither,
        })
    });
    let first = json!({
        "chapter": one.chapter,
        "sequence": one.sequence,
        "mode": one.mode,
        "variant": one.variant,
        // Whether it answers the run's question; the others explain the answer.
        "primary": one.primary,
        "sides": sides,
        // The number of blocks with both sides measured; null for two runs.
        "blocks": blocks,
        "differs": one.differs(),
        // Whether it would show a difference but for rounds without a result.
        "prevented_by_missing": one.is_prevented(),
        "verdict": verdict(all, one),
    });
    let evidence = match &one.evidence {
        Evidence::Fixed(test) => tested(test),
        Evidence::Pairs { watch, .. } => pairs(watch),
        Evidence::Untested => json!({}),
    };
    joined(
        joined(first, evidence),
        json!({"plan": one.plan.as_ref().map(plan)}),
    )
}

/// A test of the second side against the first.
fn tested(test: &FixedTest) -> Value {
    json!({
        "difference": test.comparison.difference,
        "difference_interval": interval(test.comparison.interval),
        "p": test.comparison.p,
        "p_adjusted": test.p,
        "test": match test.comparison.test {
            Test::Boschloo => "boschloo",
            Test::FisherMidP => "fisher-mid-p",
            Test::McNemar => "mcnemar",
            Test::MantelHaenszel => "mantel-haenszel",
        },
        "risk_ratio": test.ratio.map(|(ratio, _)| ratio),
        "risk_ratio_interval": test.ratio.map(|(_, of_ratio)| interval(of_ratio)),
        "not_worse_by": test.not_worse.map(|not_worse| not_worse.margin),
        "not_worse_p": test.not_worse.map(|not_worse| not_worse.p),
        "no_worse": test.not_worse.map(|not_worse| not_worse.shown),
    })
}

/// An interval; an infinite end is null.
fn interval(interval: Interval) -> Value {
    json!({"lo": interval.lo, "hi": interval.hi})
}

fn pairs(watch: &PairWatch) -> Value {
    let blocks = watch.blocks();
    json!({
        "pairs": blocks.n(),
        "bad_alone": [blocks.only_one, blocks.only_two],
        "missing_pairs": watch.missing(),
        "ln_e": watch.ln_e(),
        "ln_e_needed": watch.ln_needed(),
        "not_worse_by": watch.margin().map(|(margin, _)| margin),
        "no_worse": watch.is_not_worse(),
    })
}

fn plan(plan: &Planned) -> Value {
    json!({
        // The two rates to tell apart.
        "rates": plan.rates,
        "per_side_now": plan.per_side,
        "per_side": plan.plan.map(|plan| plan.per_side),
        "power": POWER,
        "alpha": plan.alpha,
        "method": plan.plan.map(|plan| match plan.method {
            Method::Exact => "exact",
            Method::Normal => "normal",
        }),
    })
}

/// A claim of an imported report, and what its rounds show.
pub(super) fn claims(claim: &Claimed) -> impl Iterator<Item = Value> {
    let all = &claim.comparison;
    all.list.iter().map(move |one| {
        json!({
            "text": claim.text,
            "shown": claim.is_shown(),
            "said": claimed(claim),
            "comparison": compared(all, one),
        })
    })
}

/// A gate and its verdict.
pub(super) fn gate(seen: &GateSeen) -> Value {
    let (bad, n) = seen.watch.seen();
    let more = json!({
        "verdict": match seen.verdict() {
            GateVerdict::Below => "below",
            GateVerdict::Above => "above",
            GateVerdict::Undecided => "inconclusive",
        },
        "bad": bad,
        "n": n,
        // Started rounds without a result.
        "missing": seen.watch.missing(),
        "clustered": seen.clustered,
        "said": gate_sentence(seen),
    });
    joined(json!(seen.gate), more)
}

/// The test of whether rounds are independent.
pub(super) fn independence(tested: Independence) -> Value {
    json!({
        "pattern": pattern(tested.pattern),
        "runs_p": tested.runs.two_sided,
        "trend_p": tested.trend.p,
    })
}

/// The comparison with the suite's baseline.
pub(super) fn beside_baseline(view: &View, beside: &BesideBaseline) -> Value {
    let run = view.baseline.as_ref().map(|baseline| &baseline.run);
    let imported = run.and_then(|run| run.imported.as_ref());
    let optional_stopping = view.run.optional_stopping();
    let rows = beside.rows.iter();
    json!({
        "number": beside.number,
        "file": imported.map(|imported| &imported.file),
        "device": run.map(|run| &run.device),
        "rows": rows.map(|row| baseline_row(row, optional_stopping)).collect::<Vec<_>>(),
        // Sequential against isolated on this machine, for whole sequences.
        "modes": beside.modes.as_ref().map(comparisons),
        // This machine against the baseline.
        "machine": comparisons(&beside.machine),
        "said": baseline_sentences(view, beside),
    })
}

fn baseline_row(row: &BaselineRow, optional_stopping: OptionalStopping) -> Value {
    let rate = |share: Option<Share>, optional_stopping| {
        share.map(|share| {
            json!({
                "first_attempt": share,
                "crash_rate": crash_rate(share, optional_stopping),
            })
        })
    };
    json!({
        "chapter": row.chapter,
        "sequence": row.sequence,
        "variant": row.variant,
        "baseline_in_sequence": rate(row.baseline_in_sequence, OptionalStopping::No),
        "baseline_isolated": rate(row.baseline_isolated, OptionalStopping::No),
        "in_sequence": rate(row.in_sequence, optional_stopping),
        "isolated": rate(row.isolated, optional_stopping),
        "baseline_died_in": row.baseline_died_in,
        "died_in": row.died_in,
    })
}
