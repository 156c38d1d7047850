//! Comparisons and gates in sentences, the same in every format.

use crashrate_model::{Axis, Outcome, OutcomeSet};
use crashrate_stats::{GateVerdict, Method, PairWatch, Side as Worse};

use super::claims::Claimed;
use super::plan::{Origin, POWER, Planned};
use super::{Compared, Comparisons, Evidence, FixedTest, How, What};
use crate::clean::{NAME, SENTENCE, clean};
use crate::view::{GateSeen, View};
use crate::words::{count, estimate, of_unit, p_value, percent_of, points};

/// What was compared, and how.
pub(crate) fn intro(all: &Comparisons) -> String {
    let sides = match all.what {
        What::Within(Axis::Mode) => {
            "Sequential against isolated: a chapter given that it was reached, and the sequence as a whole against whole \
             blocks of its chapters isolated, bad if any of them was"
        }
        What::Within(Axis::Variant) => {
            "Each variant against the first; a chapter of a sequence given that it was reached"
        }
        What::Within(Axis::Spawn) => {
            "Forked from a process that was warm against executed; a chapter of a sequence given that it was reached"
        }
        What::Runs => {
            "The second run against the first; a chapter of a sequence given that it was reached"
        }
        What::Record => "This run against the record",
        What::Claim => "What the report claims",
    };
    let several = all.list.len() > 1;
    let n = count(all.list.len() as u64);
    let how = match all.how {
        How::FixedRounds if several => format!(
            "{n} comparisons by exact tests, p adjusted by Holm's method{}; a difference is said only if the test and the \
             interval agree",
            apart(all)
        ),
        How::FixedRounds => {
            "By exact tests; a difference is said only if the test and the interval agree"
                .to_owned()
        }
        How::Pairs => {
            let each = if several {
                format!(", for each of {n} comparisons")
            } else {
                String::new()
            };
            format!("By pairs, block by block: E says how much against equal rates{each}")
        }
        How::Untested => "No test holds".to_owned(),
    };
    format!("{sides}. First attempts. {how}.")
}

/// Those that are in no adjustment.
fn apart(all: &Comparisons) -> String {
    let apart = |one: &&Compared| matches!(&one.evidence, Evidence::Fixed(test) if test.apart);
    match all.list.iter().filter(apart).count() {
        0 => String::new(),
        n => format!(
            " but for {} with too few rounds to show anything, whatever they came to",
            count(n as u64)
        ),
    }
}

/// What a report claims, and what its rounds say of that.
pub(crate) fn claimed(claim: &Claimed) -> String {
    let text = clean(&claim.text, SENTENCE);
    let shown = match claim.is_shown() {
        true => "the two differ",
        false => "not shown",
    };
    let lines = lines(&claim.comparison);
    format!(
        "The report claims \"{text}\": {shown}. {}",
        lines.join("; ")
    )
}

/// The same in short, where the comparison itself stands below.
pub(crate) fn claimed_in_short(claim: &Claimed, number: u32) -> String {
    let text = clean(&claim.text, SENTENCE);
    let about = claim.comparison.list.iter().map(|one| {
        let p = match &one.evidence {
            Evidence::Fixed(test) => format!(" (p = {})", p_value(test.p)),
            _ => String::new(),
        };
        (name(one), p)
    });
    let shown = match claim.is_shown() {
        true => "the two differ",
        false => "not shown",
    };
    let about: Vec<_> = about
        .map(|(name, p)| format!("{name}: {shown}{p}."))
        .collect();
    format!("N={number} claims \"{text}\" of {}", about.join(" "))
}

/// A line for each comparison.
pub(crate) fn lines(all: &Comparisons) -> Vec<String> {
    let line = |one: &Compared| format!("{}: {}: {}", name(one), rates(one), verdict(all, one));
    all.list.iter().map(line).collect()
}

/// The comparisons that show a difference, or a line that says that none does.
pub(crate) fn shown(all: &Comparisons) -> Vec<String> {
    let differ = all.list.iter().filter(|one| one.differs());
    let said: Vec<_> = differ
        .map(|one| format!("{}: {}.", name(one), verdict(all, one)))
        .collect();
    match (said.is_empty(), all.list.len()) {
        (false, _) => said,
        (true, 1) => vec!["The comparison shows no difference.".to_owned()],
        (true, n) => vec![format!(
            "None of {} comparisons shows a difference.",
            count(n as u64)
        )],
    }
}

/// What is compared.
pub(crate) fn name(one: &Compared) -> String {
    let variant = one.variant.as_deref().unwrap_or("default");
    match (&one.chapter, &one.sequence) {
        (Some(chapter), Some(sequence)) => {
            format!(
                "{} in {}",
                clean(chapter, NAME),
                of_unit(sequence, None, variant)
            )
        }
        (Some(chapter), None) => of_unit(chapter, one.mode, variant),
        (None, Some(sequence)) => format!("{} as a whole", of_unit(sequence, None, variant)),
        (None, None) => "all".to_owned(),
    }
}

/// Both sides with their rates.
fn rates(one: &Compared) -> String {
    let of_blocks = one.chapter.is_none() && one.mode.is_none();
    let sides = one.sides.each_ref().map(|side| {
        let share = side.share;
        let rate = match share.n {
            0 if of_blocks => "no whole block".to_owned(),
            0 => "no rounds".to_owned(),
            n => estimate(share.bad, n, side.by_data),
        };
        format!("{} {rate}", clean(&side.label, NAME))
    });
    sides.join(", ")
}

/// The verdict in a sentence, without its full stop.
pub(crate) fn verdict(all: &Comparisons, one: &Compared) -> String {
    match &one.evidence {
        Evidence::Fixed(test) => by_test(&all.bad, one, test),
        Evidence::Pairs(watch) => by_pairs(&all.bad, one, watch),
        Evidence::Untested => match one.sides.iter().any(|side| side.share.n == 0) {
            true => "no verdict: a side has no rounds".to_owned(),
            false => "no verdict: the data decided how many rounds there are".to_owned(),
        },
    }
}

/// What a side does more or less often.
fn verb(bad: &OutcomeSet) -> &'static str {
    match bad.contains(Outcome::Crashed) {
        true => "crashes",
        false => "ends badly",
    }
}

fn by_test(bad: &OutcomeSet, one: &Compared, test: &FixedTest) -> String {
    if !test.differs {
        let numbers = numbers(test);
        return match &one.plan {
            None => format!("no verdict ({numbers})"),
            Some(plan) => format!("no verdict ({numbers}): {}", present(plan)),
        };
    }
    let label = clean(&one.sides[1].label, NAME);
    format!("{label} {}: {}", direction(bad, test), beyond(test))
}

/// `crashes less`.
pub(super) fn direction(bad: &OutcomeSet, test: &FixedTest) -> String {
    let more = if test.comparison.difference.unwrap_or_default() > 0.0 {
        "more"
    } else {
        "less"
    };
    format!("{} {more}", verb(bad))
}

/// The numbers of a difference that is shown.
pub(super) fn beyond(test: &FixedTest) -> String {
    let ratio = test.ratio.map_or_else(String::new, |(ratio, interval)| {
        let ratios = [ratio, interval.lo, interval.hi].map(times);
        format!(
            ", risk ratio {} (95%: {}..{})",
            ratios[0], ratios[1], ratios[2]
        )
    });
    format!("{}, {}{ratio}", difference(test), p(test))
}

/// The numbers of a difference that is not.
pub(super) fn numbers(test: &FixedTest) -> String {
    format!("{}; {}", p(test), difference(test))
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

fn by_pairs(bad: &OutcomeSet, one: &Compared, watch: &PairWatch) -> String {
    let process = watch.process();
    let seen = format!(
        "E = {} after {} {}",
        e_value(process.ln_e()),
        count(process.pairs()),
        if process.pairs() == 1 {
            "pair"
        } else {
            "pairs"
        }
    );
    let better = match process.worse() {
        Some(Worse::One) => 1,
        _ => 0,
    };
    if watch.is_decided() {
        let label = clean(&one.sides[better].label, NAME);
        return format!("{label} {} less: {seen}", verb(bad));
    }
    let needs = e_value(watch.ln_needed());
    let plan = one.plan.as_ref().map_or_else(String::new, |plan| {
        format!("; with rounds fixed in advance, {}", future(plan))
    });
    format!("no verdict yet: {seen} (needs {needs}){plan}")
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

/// What the rounds that there are can do, and how many would do.
fn present(plan: &Planned) -> String {
    let now = match plan.per_side {
        1 => "1 round a side detects".to_owned(),
        n => format!("{} rounds a side detect", count(n)),
    };
    let percent = points(plan.power.0);
    format!(
        "{now} {} {percent}% of the time{}; {}",
        pair(plan),
        method(plan.power.1),
        planned(plan)
    )
}

fn planned(plan: &Planned) -> String {
    match plan.plan {
        None => "no number of rounds is enough".to_owned(),
        Some(found) => format!(
            "plan {} a side, which detect it in {:.0} of 100 cases{}",
            count(found.per_side),
            100.0 * POWER,
            method(found.method)
        ),
    }
}

fn future(plan: &Planned) -> String {
    match plan.plan {
        None => format!("no number of rounds detects {}", pair(plan)),
        Some(found) => format!(
            "{} rounds a side detect {} in {:.0} of 100 cases{}",
            count(found.per_side),
            pair(plan),
            100.0 * POWER,
            method(found.method)
        ),
    }
}

fn method(method: Method) -> &'static str {
    match method {
        Method::Exact => " (exact)",
        Method::Normal => " (normal approximation)",
    }
}

/// The two rates of a plan. People think of rounds that went well as often as of those that did not.
fn pair(plan: &Planned) -> String {
    let said = |[one, two]: [f64; 2]| format!("{} v {}", percent_of(one), percent_of(two));
    let origin = plan.origin.word();
    match plan.origin {
        Origin::Observed => {
            let well = said(plan.rates.map(|rate| 1.0 - rate));
            format!("{} bad, {well} not bad ({origin})", said(plan.rates))
        }
        _ => format!("{} ({origin})", said(plan.rates)),
    }
}

/// A line for each gate.
pub(crate) fn gates(view: &View) -> Vec<String> {
    view.gates.iter().map(gate).collect()
}

/// What a gate says.
pub(crate) fn gate(seen: &GateSeen) -> String {
    let gate = &seen.gate;
    let name = of_unit(&gate.name, Some(gate.mode), &gate.variant);
    let (bad, n) = seen.watch.seen();
    let counted = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let rounds = match n {
        1 => "1 round".to_owned(),
        n => format!("{} rounds", count(n)),
    };
    let below = percent_of(gate.limit.below);
    let verdict = match seen.watch.verdict() {
        GateVerdict::Below => format!("below {below} (95%) after {rounds}"),
        GateVerdict::Above => format!("above {below} (95%) after {rounds}"),
        GateVerdict::Undecided => format!("inconclusive after {rounds}"),
    };
    let what = gate.limit.outcome.map_or("bad", Outcome::word);
    let rate = match n {
        0 => String::new(),
        n => format!("; {what} {}", estimate(counted(bad), counted(n), true)),
    };
    format!("{name}: {}: {verdict}{rate}", gate.limit)
}
