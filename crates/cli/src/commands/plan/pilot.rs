//! Rounds planned from the rates of a pilot run, with their uncertainty.

use std::fmt::Write as _;

use crashrate_model::ALPHA;
use crashrate_report::{DEFAULT_DETECT, Share, View, axes, compare_within, count, units};
use crashrate_stats::{StatsError, newcombe, rounds_to_detect, wilson};

use crate::values::rounded_percent;

/// The rounds to see each rate halved, and to tell the two sides of the run apart.
pub(super) fn pilot(view: &View, power: f64, alpha: f64) -> Result<String, StatsError> {
    let mut text = String::new();
    for (unit, results) in units(view) {
        let rounds = rounds_to_see_half(results.first_attempt, power, alpha)?;
        let _ = writeln!(text, "{unit}: {rounds}");
    }
    if let Some(axis) = axes(&view.units).first() {
        let compared = compare_within(view, *axis, DEFAULT_DETECT, None);
        for one in compared.list.iter().filter(|one| one.primary) {
            let [first, second] = one.sides.each_ref().map(|side| side.share);
            let labels = one.sides.each_ref().map(|side| side.label.as_str());
            let rounds = rounds_to_tell_apart(first, second, power, alpha)?;
            let _ = writeln!(text, "{} v {}: {rounds}", labels[0], labels[1]);
        }
    }
    Ok(text)
}

/// The rounds to see the rate of a unit halved.
fn rounds_to_see_half(share: Share, power: f64, alpha: f64) -> Result<String, StatsError> {
    if share.n == 0 {
        return Ok("no rounds in the pilot".to_owned());
    }
    if share.bad == 0 {
        return Ok(format!(
            "none of {} bad: plan with --below or --detect",
            count(share.n.into())
        ));
    }
    let interval = wilson(share.counts()?, ALPHA)?;
    let halved = |rate: f64| {
        let plan = rounds_to_detect(rate, rate / 2.0, power, alpha);
        plan.map_or_else(
            |_| "more than can be planned".to_owned(),
            |plan| count(plan.per_side),
        )
    };
    Ok(format!(
        "{}/{} bad (95%: {} to {}); rounds a side to see a fix that is expected to halve it: {} \
         ({} to {} over the interval)",
        count(share.bad.into()),
        count(share.n.into()),
        rounded_percent(interval.lo),
        rounded_percent(interval.hi),
        halved(f64::from(share.bad) / f64::from(share.n)),
        halved(interval.hi),
        halved(interval.lo)
    ))
}

/// The rounds to tell the two sides of the pilot apart, if their difference is real.
fn rounds_to_tell_apart(
    first: Share,
    second: Share,
    power: f64,
    alpha: f64,
) -> Result<String, StatsError> {
    if first.n == 0 || second.n == 0 {
        return Ok("a side has no rounds in the pilot".to_owned());
    }
    let rate = |share: Share| f64::from(share.bad) / f64::from(share.n);
    let (one, two) = (rate(first), rate(second));
    if one == two {
        return Ok(
            "both sides have the same rate in the pilot: plan with --detect for a \
                   difference that matters"
                .to_owned(),
        );
    }
    let between = newcombe(second.counts()?, first.counts()?, ALPHA)?;
    let plan = |difference: f64| {
        let other = (one + difference).clamp(0.0, 1.0);
        let plan = rounds_to_detect(one, other, power, alpha);
        plan.map_or_else(|_| "no number".to_owned(), |plan| count(plan.per_side))
    };
    // The end of the interval that is nearer to zero decides whether the plan is safe.
    let (far, near) = if two > one {
        (between.hi, between.lo)
    } else {
        (between.lo, between.hi)
    };
    let worst = if between.contains(0.0) {
        "no number is enough if there is no difference, which the pilot does not rule out"
            .to_owned()
    } else {
        format!("{} if it is as small as the interval allows", plan(near))
    };
    Ok(format!(
        "{} rounds a side if the difference is as seen ({} v {}), {} if it is as large as the \
         interval allows, {worst}; the pilot's difference is uncertain itself, so plan for one \
         that matters (--detect)",
        plan(two - one),
        rounded_percent(one),
        rounded_percent(two),
        plan(far)
    ))
}
