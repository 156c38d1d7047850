//! The verdict of a comparison in a sentence.

use crashrate_model::{ALPHA, Outcome, OutcomeSet};
use crashrate_stats::{Blocks, Counts, PairWatch, Test, Worse, confidence_sequence};

use super::test::worse;
use super::{Compared, Comparisons, Doubt, Evidence, FixedTest, Planned, Side};
use crate::view::rounds;
use crate::words::{count, p_value, percent_of, plural, points, share};

/// The verdict in a sentence, without its full stop.
pub(crate) fn verdict(all: &Comparisons, one: &Compared) -> String {
    let verdict = match &one.evidence {
        Evidence::Fixed(test) => by_test(all, one, test),
        Evidence::Pairs { watch, counts } => by_pairs(all, one, watch, *counts),
        Evidence::Untested if one.sides.iter().any(|side| side.share.n == 0) => {
            "no verdict: a side has no rounds".to_owned()
        }
        Evidence::Untested => "no verdict: the data decided how many rounds there are".to_owned(),
    };
    verdict + &not_worse(one)
}

/// `new crashes less often: 0/20 v 12/20`, with a remark if that side does not pass more often.
fn direction_of(all: &Comparisons, one: &Compared, worse: Worse, within: Option<Blocks>) -> String {
    let [other, subject] = &one.sides;
    let ([better, worse], often) = match worse {
        Worse::One => ([subject, other], "less"),
        Worse::Two => ([other, subject], "more"),
    };
    // Within blocks, only blocks with both sides measured count.
    let [of_other, of_subject] = match within {
        Some(blocks) => blocks_shares(blocks),
        None => [other, subject].map(|side| share(side.share.bad, side.share.n)),
    };
    let verb = verb(&all.bad, &one.sides);
    let mut text = format!(
        "{} {verb} {often} often: {of_subject} v {of_other}",
        subject.name()
    );
    let passed = |side: &Side| {
        f64::from(side.outcomes.get(Outcome::Passed)) / f64::from(side.share.n.max(1))
    };
    if passed(better) <= passed(worse) && better.share.n > 0 {
        let counts = |side: &Side| {
            let failed = side.outcomes.get(Outcome::Failed);
            format!("{} bad and {failed} failed", side.share.bad)
        };
        text += &format!(
            "; but {} passes no more often: {} v {}",
            better.name(),
            counts(worse),
            counts(better)
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
    let found = match &one.evidence {
        Evidence::Fixed(test) => test.not_worse.map(|found| {
            let evidence = format!("p = {}", p_value(found.p));
            (found.margin, found.shown, evidence)
        }),
        Evidence::Pairs { watch, counts } => watch.margin().map(|(margin, ln_e)| {
            let shown = *counts && watch.is_not_worse() == Some(true);
            (margin, shown, format!("evidence {}:1", e_value(ln_e)))
        }),
        Evidence::Untested => None,
    };
    let Some((margin, shown, evidence)) = found else {
        return String::new();
    };
    let shown = if shown { "shown:" } else { "not shown that" };
    let (margin, label) = (percent_of(margin), one.sides[1].name());
    format!("; {shown} {label} is no worse by {margin} or more ({evidence})")
}

/// The blocks within which the comparison is made.
fn within_blocks(one: &Compared, blocks: Blocks) -> String {
    // If no block differs, the counts of both sides are sufficient.
    if blocks.only_one + blocks.only_two == 0 {
        return String::new();
    }
    let [first, second] = one.sides.each_ref().map(Side::name);
    format!(
        "; of {} with both sides measured, only {first} was bad in {} and only {second} in {}",
        plural(blocks.n(), "block"),
        count(blocks.only_one),
        count(blocks.only_two)
    )
}

fn by_test(all: &Comparisons, one: &Compared, test: &FixedTest) -> String {
    let numbers = format!("{}, {}", p(test), difference(test));
    match one.doubt {
        Some(Doubt::Clustered(side)) => {
            return format!(
                "no verdict: bad rounds of {} come in clusters or drift, and the test assumes \
                 independent rounds; {numbers}",
                one.sides[side].name()
            );
        }
        Some(Doubt::Unmatched) => {
            return format!(
                "no verdict: not all rounds got this far, and those that did cannot be matched; \
                 {numbers}"
            );
        }
        None => {}
    }
    let within = one.blocks.filter(|_| test.comparison.test == Test::McNemar);
    let matched = within.map_or_else(String::new, |blocks| within_blocks(one, blocks));
    let worse = worse(test.comparison.difference);
    let direction = || direction_of(all, one, worse, within);
    if test.differs {
        return format!("{}: {}{matched}", direction(), beyond(test));
    }
    let verdict = if test.prevented {
        prevented(one, worse, &direction())
    } else if !one.primary && test.p > test.comparison.p && test.comparison.p <= all.alpha {
        NOT_JUDGED.to_owned()
    } else {
        no_verdict(one)
    };
    format!("{verdict}; {numbers}{matched}")
}

const NOT_JUDGED: &str = "not judged: no difference is shown as a whole";

/// Says that only missing results prevent a verdict.
fn prevented(one: &Compared, worse: Worse, direction: &str) -> String {
    let bad = usize::from(worse == Worse::One);
    let unless = [(bad, "ended badly"), (1 - bad, "ended well")];
    let unless = unless.into_iter().filter_map(|(side, how)| {
        let side = &one.sides[side];
        let missing = plural(side.bounds?.missing, "missing round");
        Some(format!("{missing} of {} {how}", side.name()))
    });
    let unless: Vec<_> = unless.collect();
    let unless = match unless.is_empty() {
        true => "missing rounds changed that".to_owned(),
        false => unless.join(" and "),
    };
    format!("no verdict: {direction} would be shown, unless {unless}")
}

/// Fewer bad blocks than this may coincide by chance.
const COINCIDE: u64 = 5;

/// Says that there is no verdict, and whether more rounds would help.
fn no_verdict(one: &Compared) -> String {
    let same = |blocks: &Blocks| blocks.both >= COINCIDE && blocks.only_one + blocks.only_two == 0;
    if let Some(blocks) = one.blocks.filter(same) {
        return format!(
            "no difference shown: both sides were bad in the same {} of {}, so something they \
             share decides, such as the seed",
            count(blocks.both),
            plural(blocks.n(), "block")
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
        let [ratio, lo, hi] = [ratio, interval.lo, interval.hi].map(times);
        format!(", risk ratio {ratio} (95%: {lo}..{hi})")
    });
    format!("{}, {}{ratio}", difference(test), p(test))
}

fn difference(test: &FixedTest) -> String {
    let difference = test.comparison.difference.unwrap_or_default();
    let interval = test.comparison.interval;
    let sign = if difference > 0.0 { "+" } else { "" };
    let [difference, lo, hi] = [difference, interval.lo, interval.hi].map(points);
    format!("{sign}{difference} points (95%: {lo}..{hi})")
}

fn p(test: &FixedTest) -> String {
    let [adjusted, alone] = [test.p, test.comparison.p].map(p_value);
    match adjusted == alone {
        true => format!("p = {alone}"),
        false => format!("p = {adjusted} (alone {alone})"),
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

/// The blocks that the evidence is from: `the first 14 of 63 blocks (the verdict was reached there;
/// later blocks do not change it)`.
fn blocks_that_count(one: &Compared, watch: &PairWatch) -> String {
    let n = watch.blocks().n();
    let all = one.blocks.map_or(n, |blocks| blocks.n());
    if all <= n || n == 0 {
        return plural(n, "block");
    }
    let why = match watch.verdict() {
        Some(_) => "the verdict was reached there; later blocks do not change it",
        None => "a block counts once all blocks begun before it have ended",
    };
    format!("the first {} of {} ({why})", count(n), plural(all, "block"))
}

fn by_pairs(all: &Comparisons, one: &Compared, watch: &PairWatch, counts: bool) -> String {
    let evidence = format!(
        "evidence {}:1 for a difference ({} needed) after {}",
        e_value(watch.ln_e()),
        e_value(watch.ln_needed()),
        blocks_that_count(one, watch)
    );
    let direction = |worse| direction_of(all, one, worse, Some(watch.blocks()));
    if let Some(worse) = watch.verdict() {
        let verdict = match counts {
            true => direction(worse),
            false => NOT_JUDGED.to_owned(),
        };
        let ratio = match counts {
            true => ratios(watch.blocks()).unwrap_or_default(),
            false => String::new(),
        };
        return format!("{verdict}; {evidence}{ratio}");
    }
    if let Some(worse) = watch.worse().filter(|_| watch.is_prevented()) {
        return format!("{}; {evidence}", prevented(one, worse, &direction(worse)));
    }
    if counts && watch.is_not_worse() == Some(true) {
        return format!("no difference shown: {evidence}");
    }
    let plan = one.plan.as_ref().filter(|plan| plan.is_short());
    let plan = plan.map_or_else(String::new, |plan| format!("; {}", too_few(plan)));
    format!("no verdict yet: {evidence}{plan}")
}

/// The ratio of the rates of side two and side one, and their odds ratio.
///
/// Only blocks in which one side alone was bad tell the sides apart. Their share with side two bad
/// is q, and q/(1-q) is the odds ratio. Its interval holds whenever the run stops, and excludes 1
/// exactly if the verdict is reached.
fn ratios(blocks: Blocks) -> Option<String> {
    let differ = blocks.only_one + blocks.only_two;
    let counts = Counts::new(blocks.only_two, differ).ok()?;
    let interval = confidence_sequence(counts, ALPHA).ok()?;
    let odds = |share: f64| times(share / (1.0 - share));
    let [one, two] = [blocks.only_one, blocks.only_two].map(|only| (blocks.both + only) as f64);
    let risk = match one > 0.0 {
        true => format!("; risk ratio {}", times(two / one)),
        false => String::new(),
    };
    let lo = odds(interval.lo);
    Some(match interval.hi < 1.0 {
        true => {
            let (ratio, hi) = (odds(counts.rate()?), odds(interval.hi));
            format!("{risk}; odds ratio {ratio} (95%: {lo} to {hi})")
        }
        false => format!("{risk}; odds ratio at least {lo} (95%)"),
    })
}

/// Evidence, given as its logarithm: how many times likelier one hypothesis makes the data.
pub(crate) fn e_value(ln_e: f64) -> String {
    let e = ln_e.exp();
    match e {
        1e6.. if e.is_finite() => format!("{e:.1e}"),
        1e6.. => format!("10^{:.0}", ln_e / std::f64::consts::LN_10),
        9.95.. => count(e.round() as u64),
        0.095.. => format!("{e:.1}"),
        _ => "<0.1".to_owned(),
    }
}
