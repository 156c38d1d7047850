//! The search for a perturbation under which a program crashes more often.

use crashrate_model::{ProvokeAnswer, ProvokedArm};

use super::crashes::class;
use super::unfinished::unfinished;
use super::{Block, Table, Text};
use crate::clean::{NAME, SENTENCE, clean};
use crate::compare::e_value;
use crate::view::{Provocation, View};
use crate::words::{count, joined, plural, seconds, share};

/// The most classes of an arm's crashes that its row names.
const NAMED: usize = 2;

/// The answer in sentences, or how far the search is.
pub(super) fn in_words(view: &View, search: &Provocation) -> Vec<String> {
    let Some(found) = &search.found else {
        return Vec::new();
    };
    let gain = times(search.rule.gain);
    let mut lines = match (&found.answer, search.shown()) {
        (
            Some(ProvokeAnswer::Shown {
                ln_e, ln_needed, ..
            }),
            Some(arm),
        ) => vec![
            helps(search, arm),
            format!(
                "Shown on fresh rounds: at least {gain} times as many crashes a second \
                 (evidence {}:1, {} needed).",
                e_value(*ln_e),
                e_value(*ln_needed)
            ),
            format!("Run it: {}", next(view, search, arm)),
            "Its rate is not the program's: use it to find the cause, not to measure.".to_owned(),
        ],
        (Some(_), _) => vec![format!(
            "Nothing is shown to help: no perturbation was shown to give {gain} times as many \
             crashes a second."
        )],
        (None, _) => vec!["No perturbation is shown to help yet.".to_owned()],
    };
    if found.answer.is_none() {
        lines.extend(unfinished(view, "provoke"));
    }
    lines.extend(hopes(search));
    lines.push(match &search.target {
        Some(target) if target == "any" => {
            "The unperturbed program did not crash: any crash was searched.".to_owned()
        }
        Some(target) => format!("The crash searched: {}.", clean(target, SENTENCE)),
        None => "Nothing crashed.".to_owned(),
    });
    lines.extend(only_perturbed(search));
    lines.push(format!(
        "{} in {} of rounds.",
        plural(view.totals.first_attempt.n, "round"),
        seconds(found.secs)
    ));
    lines
}

/// What a search without an answer leaves open.
fn hopes(search: &Provocation) -> Option<String> {
    let found = search.found.as_ref()?;
    let base = found.arms.first().filter(|base| base.rounds > 0)?;
    if base.crashes == base.rounds {
        return Some("It crashes in every round already.".to_owned());
    }
    if search.shown().is_some() {
        return None;
    }
    let from = |arm: &ProvokedArm| arm.gain_from.unwrap_or_default();
    let best = found.arms[1..]
        .iter()
        .max_by(|one, two| from(one).total_cmp(&from(two)))?;
    (from(best) > search.rule.gain).then(|| {
        format!(
            "`{}` seems to: {}. It was not confirmed on fresh rounds in time; allow more (--for).",
            label(search, best),
            gain(best)
        )
    })
}

/// `stops` and what it gains.
fn helps(search: &Provocation, arm: &ProvokedArm) -> String {
    let name = label(search, arm);
    let rate = |arm: &ProvokedArm| {
        format!(
            "{} of {} in {}",
            count(arm.crashes),
            plural(u32::try_from(arm.rounds).unwrap_or(u32::MAX), "round"),
            seconds(arm.secs)
        )
    };
    let base = search.found.as_ref().and_then(|found| found.arms.first());
    let base = base.map_or_else(String::new, |base| format!("; unperturbed {}", rate(base)));
    format!(
        "`{name}` makes it crash {}: {}{base}.",
        gain(arm),
        rate(arm)
    )
}

/// `84 times as often (25 to 250)`.
fn gain(arm: &ProvokedArm) -> String {
    let from = arm.gain_from.map_or_else(|| "0".to_owned(), times);
    match (arm.gain, arm.gain_to) {
        (Some(gain), Some(to)) => {
            format!("{} times as often ({from} to {})", times(gain), times(to))
        }
        _ => format!("at least {from} times as often"),
    }
}

/// A factor to two or three digits.
fn times(factor: f64) -> String {
    match factor {
        10.0.. => count(factor.round() as u64),
        _ if factor == factor.round() => format!("{factor:.0}"),
        _ => format!("{factor:.1}"),
    }
}

fn label(search: &Provocation, arm: &ProvokedArm) -> String {
    labelled(search, arm, " at learned places")
}

/// The perturbation, with `learned` if the arm ambushes learned places.
fn labelled(search: &Provocation, arm: &ProvokedArm, learned: &str) -> String {
    let learned = if arm.learned { learned } else { "" };
    format!("{}{learned}", clean(search.perturbation(arm), NAME))
}

/// The command that runs the program under the perturbation.
fn next(view: &View, search: &Provocation, arm: &ProvokedArm) -> String {
    let places = match (arm.learned, &search.rule.places) {
        (true, Some(earlier)) => format!(" --places {}", clean(earlier, NAME)),
        (true, None) => format!(" --places {}", view.run.number),
        (false, _) => String::new(),
    };
    let perturb = format!(
        "--perturb {}{places}",
        clean(search.perturbation(arm), NAME)
    );
    let again = search
        .rule
        .again
        .as_deref()
        .unwrap_or("crashrate run {perturb}");
    clean(&again.replace("{perturb}", &perturb), SENTENCE)
}

/// Kinds of bad ends that only perturbed rounds have shown, which are finds too.
fn only_perturbed(search: &Provocation) -> Option<String> {
    let all = search.only_perturbed.iter();
    let all = all.map(|(kind, n)| format!("{} ({}x)", clean(kind, NAME), count((*n).into())));
    let all = joined(all, ", ")?;
    Some(format!(
        "Only perturbed rounds ended with {all}. That may be another bug."
    ))
}

/// A row for each arm.
pub(super) fn arms(view: &View) -> Vec<Block> {
    let Some(search) = &view.provocation else {
        return Vec::new();
    };
    let Some(found) = &search.found else {
        return Vec::new();
    };
    let mut table = Table::titled(clean(&search.unit, NAME))
        .texts(["perturbation"])
        .numbers(["crashed", "a minute", "gain", "95%", "other bad ends"])
        .texts(["class"]);
    for (place, arm) in found.arms.iter().enumerate() {
        let rounds = u32::try_from(arm.rounds).unwrap_or(u32::MAX);
        let crashes = u32::try_from(arm.crashes).unwrap_or(u32::MAX);
        let minute = (arm.secs > 0.0).then(|| 60.0 * arm.crashes as f64 / arm.secs);
        let is_base = place == 0;
        table.row([
            Text::plain(labelled(search, arm, " (learned)")),
            Text::rate(share(crashes, rounds), crashes),
            Text::plain(minute.map_or_else(String::new, a_minute)),
            Text::plain(
                arm.gain
                    .filter(|_| !is_base)
                    .map_or_else(String::new, times),
            ),
            Text::plain(if is_base {
                String::new()
            } else {
                interval(arm)
            }),
            Text::count(u32::try_from(arm.others).unwrap_or(u32::MAX)),
            Text::long(classes(search, arm)),
        ]);
    }
    let has_others = found.arms.iter().any(|arm| arm.others > 0);
    let has_signatures = search.signatures.iter().any(|all| !all.is_empty());
    table.keep(&[true, true, true, true, true, has_others, has_signatures]);
    Block::table(table)
}

fn a_minute(rate: f64) -> String {
    match rate {
        0.0 => "0".to_owned(),
        100.0.. => count(rate.round() as u64),
        _ => format!("{rate:.2}"),
    }
}

fn interval(arm: &ProvokedArm) -> String {
    match (arm.gain_from, arm.gain_to) {
        (Some(from), Some(to)) => format!("{}-{}", times(from), times(to)),
        (Some(from), None) if from > 0.0 => format!("{} or more", times(from)),
        _ => String::new(),
    }
}

/// The most frequent classes of the arm's crashes. The list of crashes has the signatures.
fn classes(search: &Provocation, arm: &ProvokedArm) -> String {
    // A later arm may share its unit with an earlier one, whose row has them.
    let mut arms = search.found.iter().flat_map(|found| &found.arms);
    let is_first = arms.find(|other| other.unit == arm.unit) == Some(arm);
    let all = search
        .signatures
        .get(arm.unit as usize)
        .filter(|_| is_first);
    let mut classes: Vec<(String, u64)> = Vec::new();
    for (signature, n) in all.into_iter().flatten() {
        let class = class(signature);
        match classes.iter_mut().find(|(known, _)| *known == class) {
            Some((_, so_far)) => *so_far += u64::from(*n),
            None => classes.push((class, u64::from(*n))),
        }
    }
    let all = classes.iter().take(NAMED);
    let all = all.map(|(class, n)| format!("{class} {}x", count(*n)));
    joined(all, ", ").unwrap_or_default()
}
