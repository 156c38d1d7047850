//! The verdict of a comparison in a sentence.

use crashrate_model::{Outcome, OutcomeSet};
use crashrate_stats::{Blocks, Test, Worse};

use super::history::rounds;
use super::{Compared, Comparisons, Doubt, Evidence, FixedTest, PairEvidence, Planned, Side};
use crate::words::{count, p_value, percent_of, plural, points, share};

/// The verdict in a sentence, without its full stop.
pub(crate) fn verdict(all: &Comparisons, one: &Compared) -> String {
    let verdict = match &one.evidence {
        Evidence::Fixed(test) => by_test(all, one, test),
        Evidence::Pairs(pairs) => by_pairs(all, one, pairs),
        Evidence::Untested => match one.sides.iter().any(|side| side.share.n == 0) {
            true => "no verdict: a side has no rounds".to_owned(),
            false => "no verdict: the data decided how many rounds there are".to_owned(),
        },
    };
    verdict + &not_worse(one)
}

/// `new crashes less often: 0/20 v 12/20`, with a remark if that side does not pass more often.
fn direction_of(all: &Comparisons, one: &Compared, worse: Worse, within: Option<Blocks>) -> String {
    let [better, worse] = match worse {
        Worse::One => [&one.sides[1], &one.sides[0]],
        Worse::Two => [&one.sides[0], &one.sides[1]],
    };
    let subject = &one.sides[1];
    let other = &one.sides[0];
    let often = if subject.label == better.label {
        "less"
    } else {
        "more"
    };
    let verb = verb(&all.bad, &one.sides);
    // Within blocks, only blocks with both sides measured count.
    let [of_other, of_subject] = match within {
        Some(blocks) => blocks_shares(blocks),
        None => [other, subject].map(|side| share(side.share.bad, side.share.n)),
    };
    let mut text = format!(
        "{} {verb} {often} often: {} v {}",
        subject.name(),
        of_subject,
        of_other
    );
    let passed = |side: &Side| {
        f64::from(side.outcomes.get(Outcome::Passed)) / f64::from(side.share.n.max(1))
    };
    if passed(better) <= passed(worse) && better.share.n > 0 {
        let failed = |side: &Side| side.outcomes.get(Outcome::Failed);
        text += &format!(
            "; but {} passes no more often: {} bad and {} failed v {} bad and {} failed",
            better.name(),
            worse.share.bad,
            failed(worse),
            better.share.bad,
            failed(better)
        );
    }
    text
}

/// The bad blocks of each side.
fn blocks_shares(blocks: Blocks) -> [String; 2] {
    let n = rounds(blocks.n());
    [blocks.only_one, blocks.only_two].map(|only| share(rounds(blocks.both + only), n))
}

/// The verb for the bad rounds of both sides.
fn verb(bad: &OutcomeSet, sides: &[Side; 2]) -> &'static str {
    let occurred = |outcome: &Outcome| sides.iter().any(|side| side.outcomes.get(*outcome) > 0);
    let kinds: Vec<Outcome> = bad.iter().filter(occurred).collect();
    match kinds.as_slice() {
        [Outcome::Crashed] => "crashes",
        [Outcome::TimedOut] => "times out",
        [Outcome::OutOfMemory] => "runs out of memory",
        [Outcome::Failed] => "fails",
        _ => "ends badly",
    }
}

/// The non-inferiority result, if a margin was given.
fn not_worse(one: &Compared) -> String {
    let describe = |margin: f64, shown: bool, evidence: String| {
        let margin = percent_of(margin);
        let label = one.sides[1].name();
        match shown {
            true => format!("; shown: {label} is no worse by {margin} or more ({evidence})"),
            false => {
                format!("; not shown that {label} is no worse by {margin} or more ({evidence})")
            }
        }
    };
    match &one.evidence {
        Evidence::Fixed(test) => test.not_worse.map_or_else(String::new, |not_worse| {
            let p = format!("p = {}", p_value(not_worse.p));
            describe(not_worse.margin, not_worse.shown, p)
        }),
        Evidence::Pairs(pairs) => {
            (pairs.watch.margin()).map_or_else(String::new, |(margin, ln_e)| {
                let shown = pairs.counts && pairs.watch.is_not_worse() == Some(true);
                let evidence = format!("evidence {}:1", e_value(ln_e));
                describe(margin, shown, evidence)
            })
        }
        Evidence::Untested => String::new(),
    }
}

/// The blocks within which the comparison is made, if any.
fn within_blocks(one: &Compared) -> String {
    // If no block differs, the counts of both sides are sufficient.
    let differ = one
        .blocks
        .filter(|blocks| blocks.only_one + blocks.only_two > 0);
    differ.map_or_else(String::new, |blocks| {
        format!(
            "; of {} with both sides measured, only {} was bad in {} and only {} in {}",
            blocks_of(blocks.n()),
            one.sides[0].name(),
            count(blocks.only_one),
            one.sides[1].name(),
            count(blocks.only_two)
        )
    })
}

fn blocks_of(n: u64) -> String {
    plural(rounds(n), "block")
}

fn by_test(all: &Comparisons, one: &Compared, test: &FixedTest) -> String {
    let matched = match test.comparison.test {
        Test::McNemar => within_blocks(one),
        _ => String::new(),
    };
    let within = one.blocks.filter(|_| test.comparison.test == Test::McNemar);
    let worse = match test.comparison.difference.unwrap_or_default() > 0.0 {
        true => Worse::Two,
        false => Worse::One,
    };
    match one.doubt {
        Some(Doubt::Clustered(side)) => {
            return format!(
                "no verdict: bad rounds of {} come in clusters or drift, and the test assumes \
                 independent rounds; {}",
                one.sides[side].name(),
                numbers(test)
            );
        }
        Some(Doubt::Unmatched) => {
            return format!(
                "no verdict: not all rounds got this far, and those that did cannot be matched; {}",
                numbers(test)
            );
        }
        None => {}
    }
    if test.differs {
        return format!(
            "{}: {}{matched}",
            direction_of(all, one, worse, within),
            beyond(test)
        );
    }
    let numbers = numbers(test);
    if test.prevented {
        return format!(
            "no verdict: {} would be shown, unless {}; {numbers}{matched}",
            direction_of(all, one, worse, within),
            unless(one, worse)
        );
    }
    if !one.primary && test.p > test.comparison.p && test.comparison.p <= all.alpha {
        return format!("not judged: no difference is shown as a whole; {numbers}{matched}");
    }
    format!("{}; {numbers}{matched}", no_verdict(one))
}

/// The missing results that would change the verdict.
fn unless(one: &Compared, worse: Worse) -> String {
    let bad = match worse {
        Worse::One => 1,
        Worse::Two => 0,
    };
    let describe = |side: usize, how: &str| {
        let bounds = one.sides[side].bounds?;
        let label = one.sides[side].name();
        Some(format!(
            "{} of {label} {how}",
            plural(bounds.missing, "missing round")
        ))
    };
    let all = [
        describe(bad, "ended badly"),
        describe(1 - bad, "ended well"),
    ];
    let all: Vec<_> = all.into_iter().flatten().collect();
    match all.is_empty() {
        true => "missing rounds changed that".to_owned(),
        false => all.join(" and "),
    }
}

/// Fewer bad blocks than this may coincide by chance.
const COINCIDE: u64 = 5;

/// Says that there is no verdict, and whether more rounds would help.
fn no_verdict(one: &Compared) -> String {
    if let Some(blocks) = one
        .blocks
        .filter(|b| b.both >= COINCIDE && b.only_one + b.only_two == 0)
    {
        return format!(
            "no difference shown: both sides were bad in the same {} of {}, so something they \
             share decides, such as the seed",
            count(blocks.both),
            blocks_of(blocks.n())
        );
    }
    match &one.plan {
        Some(plan) if plan.is_short() => too_few(plan),
        Some(_) => "no difference shown".to_owned(),
        None => "no verdict".to_owned(),
    }
}

fn too_few(plan: &Planned) -> String {
    let [one, two] = plan.rates.map(percent_of);
    match plan.plan {
        None => format!("no number of rounds can distinguish {one} from {two}"),
        Some(found) => format!(
            "too few rounds to tell (about {} each would do for {one} v {two})",
            count(found.per_side)
        ),
    }
}

/// The numbers of a difference that is shown.
fn beyond(test: &FixedTest) -> String {
    let ratio = test.ratio.map_or_else(String::new, |(ratio, interval)| {
        let ratios = [ratio, interval.lo, interval.hi].map(times);
        format!(
            ", risk ratio {} (95%: {}..{})",
            ratios[0], ratios[1], ratios[2]
        )
    });
    format!("{}, {}{ratio}", difference(test), p(test))
}

/// The numbers of a difference that is not shown.
fn numbers(test: &FixedTest) -> String {
    format!("{}, {}", p(test), difference(test))
}

fn difference(test: &FixedTest) -> String {
    let difference = test.comparison.difference.unwrap_or_default();
    let interval = test.comparison.interval;
    let sign = if difference > 0.0 { "+" } else { "" };
    format!(
        "{sign}{} points (95%: {}..{})",
        points(difference),
        points(interval.lo),
        points(interval.hi)
    )
}

fn p(test: &FixedTest) -> String {
    let alone = test.comparison.p;
    match p_value(test.p) == p_value(alone) {
        true => format!("p = {}", p_value(alone)),
        false => format!("p = {} (alone {})", p_value(test.p), p_value(alone)),
    }
}

fn times(ratio: f64) -> String {
    match ratio {
        0.0 => "0".to_owned(),
        1000.0.. | ..0.01 => format!("{ratio:.1e}"),
        10.0.. => format!("{ratio:.0}"),
        _ => format!("{ratio:.2}"),
    }
}

fn by_pairs(all: &Comparisons, one: &Compared, pairs: &PairEvidence) -> String {
    let watch = &pairs.watch;
    let evidence = format!(
        "evidence {}:1 for a difference ({} needed) after {}",
        e_value(watch.ln_e()),
        e_value(watch.ln_needed()),
        blocks_of(watch.blocks().n())
    );
    if let Some(worse) = watch.verdict() {
        return match pairs.counts {
            true => format!(
                "{}; {evidence}",
                direction_of(all, one, worse, Some(watch.blocks()))
            ),
            false => format!("not judged: no difference is shown as a whole; {evidence}"),
        };
    }
    if let Some(worse) = watch.worse().filter(|_| watch.is_prevented()) {
        return format!(
            "no verdict: {} would be shown, unless {}; {evidence}",
            direction_of(all, one, worse, Some(watch.blocks())),
            unless(one, worse)
        );
    }
    let plan = one.plan.as_ref().filter(|plan| plan.is_short());
    let plan = plan.map_or_else(String::new, |plan| format!("; {}", too_few(plan)));
    format!("no verdict yet: {evidence}{plan}")
}

fn e_value(ln_e: f64) -> String {
    let e = ln_e.exp();
    match e {
        1e6.. if e.is_finite() => format!("{e:.1e}"),
        1e6.. => format!("10^{:.0}", ln_e / std::f64::consts::LN_10),
        9.95.. => count(e.round() as u64),
        0.095.. => format!("{e:.1}"),
        _ => "<0.1".to_owned(),
    }
}
