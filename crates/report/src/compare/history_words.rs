//! Sentences about a history, used by every format.

use crashrate_model::{Outcome, OutcomeSet};
use crashrate_stats::ChangeShape;

use super::history::{is_rise, rises};
use super::words::row_name;
use super::{Change, History, Point, Trend, Untested};
use crate::view::Share;
use crate::words::{bad_outcomes, capitalized, count, counted, first_lines, percent, share};

/// The most runs, and the most differences, that a sentence names.
const NAMED: usize = 4;

/// The row of a history. If runs differ in what they run under this name, it names the first run.
pub(crate) fn trend_name(history: &History, trend: &Trend) -> String {
    let name = row_name(
        &trend.chapter,
        &trend.sequence,
        Some(trend.mode),
        &trend.variant,
    );
    match trend.points.first() {
        Some(first) if others(history, trend).next().is_some() => {
            format!("{name}, as in {}", number(history, first.run))
        }
        _ => name,
    }
}

/// The trends of the same name, which run something else.
fn others<'a>(history: &'a History, trend: &'a Trend) -> impl Iterator<Item = &'a Trend> {
    let named = history.trends.iter();
    named.filter(|other| other.has_name_of_trend(trend) && other.identity != trend.identity)
}

/// The runs that ran something else under this name.
fn ran_something_else(history: &History, trend: &Trend) -> Option<String> {
    let points = others(history, trend).flat_map(|other| history.listed_points(other));
    let mut runs: Vec<usize> = points.map(|point| point.run).collect();
    runs.sort_unstable();
    (!runs.is_empty()).then(|| {
        format!(
            "Not compared with {}: the command, parameters, directory or environment differs.",
            numbers(history, &runs)
        )
    })
}

/// How the runs of a history are tested.
pub(crate) fn history_intro(history: &History) -> String {
    format!(
        "After each run, every row is tested for a change of its rate. At most 5% of histories \
         without any change are ever marked, and a mark stays when runs are added. First attempts; \
         bad: {}.",
        bad_outcomes(&history.bad)
    )
}

/// What a history shows for a row: the change, what changed with it, and which runs were not
/// tested.
pub(crate) fn trend_sentences(history: &History, trend: &Trend) -> Vec<String> {
    let mut sentences = vec![match &trend.change {
        Some(change) => changed(history, trend, change),
        None => unchanged(trend),
    }];
    if let Some(change) = &trend.change {
        sentences.extend(coinciding(history, change));
    }
    sentences.extend(ran_something_else(history, trend));
    sentences.extend(not_tested(history, trend));
    sentences.extend(missing(history, trend));
    sentences
}

/// The result of the test after a run, in short.
pub(crate) fn look_in_short(history: &History, point: &Point) -> String {
    match (point.untested, point.look) {
        (Some(Untested::OptionalStopping), _) => {
            "not tested: the data decided the rounds".to_owned()
        }
        (Some(Untested::Running), _) => "not tested: still running".to_owned(),
        (None, Some(look)) if look.is_shown() && !point.holds => {
            "no change shown: missing rounds may explain it".to_owned()
        }
        (None, Some(look)) if look.is_shown() => {
            let [before, after] = [look.before, look.after].map(Share::from);
            format!(
                "{} at {}: {} to {}",
                verb(rises(look)),
                number(history, look.from),
                share(before.bad, before.n),
                share(after.bad, after.n)
            )
        }
        (None, Some(_)) => "no change shown".to_owned(),
        (None, None) => "-".to_owned(),
    }
}

fn unchanged(trend: &Trend) -> String {
    let looks = trend.points.iter().filter(|point| point.look.is_some());
    match looks.count() {
        0 => "Nothing to test: that takes two runs with rounds fixed in advance.".to_owned(),
        n => format!("No change shown over {} runs.", count(n as u64 + 1)),
    }
}

fn changed(history: &History, trend: &Trend, change: &Change) -> String {
    let what = rate_name(&history.bad);
    let run = |place| number(history, place);
    let (since, until) = (run(change.since), run(change.until));
    let shown = match (change.holds, change.since == change.until) {
        (true, _) => format!("shown since {since}"),
        (false, true) => format!("shown in {until}, not since"),
        (false, false) => format!("shown from {since} to {until}, not since"),
    };
    let mut sentence = format!("{what} {}; {shown}.", movement(history, change));
    let earlier = trend.marks.iter().filter(|mark| **mark < change.since);
    let earlier: Vec<String> = earlier.map(|mark| run(*mark)).collect();
    match earlier.as_slice() {
        [] => {}
        [only] => sentence += &format!(" An earlier change was shown in {only}."),
        [first, .., last] => {
            sentence += &format!(" An earlier change was shown between {first} and {last}.");
        }
    }
    sentence
}

/// How the rate changed.
fn movement(history: &History, change: &Change) -> String {
    let run = |place| number(history, place);
    let (at, rose) = (run(change.at), change.rose());
    let [before, after] = [change.before, change.after].map(rate);
    let rises = if rose { "rises" } else { "falls" };
    let [(first, one), (last, two)] = change.ends;
    // With few rounds per run, comparing only the first and last run could contradict the pooled
    // rates.
    let ends_agree = is_rise(one, two) == rose && is_rise(two, one) != rose;
    match change.shape {
        ChangeShape::Step => {
            let last = match change.first == change.last {
                true => String::new(),
                false => format!(" to {}", run(change.last)),
            };
            let first = run(change.first);
            format!(
                "{} from {before} to {after} at {at} (95%: {first}{last})",
                verb(rose)
            )
        }
        ChangeShape::Creeping if ends_agree => format!(
            "{rises} over the runs: {} in {} to {} in {}",
            share(one.bad, one.n),
            run(first),
            share(two.bad, two.n),
            run(last)
        ),
        ChangeShape::Creeping => {
            format!("{rises} over the runs: {before} before {at}, {after} from there")
        }
    }
}

/// Other facts that changed where the rate may have changed.
fn coinciding(history: &History, change: &Change) -> Option<String> {
    let places = match change.shape {
        ChangeShape::Step => change.base + 1..=change.last,
        ChangeShape::Creeping => change.ends[0].0 + 1..=change.until,
    };
    let mut changed: Vec<(&str, Vec<usize>)> = Vec::new();
    for place in places {
        for difference in &history.runs[place].differs {
            let mut known = changed.iter_mut();
            match known.find(|(what, _)| *what == difference.what) {
                Some((_, at)) => at.push(place),
                None => changed.push((&difference.what, vec![place])),
            }
        }
    }
    if changed.is_empty() {
        return None;
    }
    let changed = (changed.iter())
        .map(|(what, at)| format!("{} changed at {}", fact(what), numbers(history, at)));
    let named = first_lines(changed.collect(), NAMED, "other facts changed");
    Some(capitalized(&named.join("; ")) + ".")
}

/// A fact of a run, as a noun phrase.
fn fact(what: &str) -> String {
    match what {
        "counted as bad" => "what counts as bad".to_owned(),
        what if what.starts_with("what ") => what.to_owned(),
        what => format!("the {what}"),
    }
}

fn not_tested(history: &History, trend: &Trend) -> Vec<String> {
    let places = |why| -> Vec<usize> {
        let points = history.listed_points(trend);
        let points = points.filter(|point| point.untested == Some(why));
        points.map(|point| point.run).collect()
    };
    let stopped = places(Untested::OptionalStopping);
    let running = places(Untested::Running);
    let mut sentences = Vec::new();
    if !stopped.is_empty() {
        let verb = match stopped.len() {
            1 => "is not tested: its data decided how many rounds it has",
            _ => "are not tested: their data decided how many rounds they have",
        };
        sentences.push(format!("{} {verb}.", numbers(history, &stopped)));
    }
    if !running.is_empty() {
        let verb = if running.len() == 1 { "is" } else { "are" };
        let runs = numbers(history, &running);
        sentences.push(format!("{runs} {verb} still running and not tested yet."));
    }
    sentences
}

fn missing(history: &History, trend: &Trend) -> Option<String> {
    let points: Vec<_> = (history.listed_points(trend))
        .filter(|point| point.missing.sum() > 0)
        .collect();
    if points.is_empty() {
        return None;
    }
    let mut each: Vec<_> = (points.iter().take(NAMED))
        .map(|point| {
            let what = counted(&point.missing, |_| true);
            format!("{what} in {}", number(history, point.run))
        })
        .collect();
    if points.len() > NAMED {
        let more = count((points.len() - NAMED) as u64);
        each.push(format!("and more in {more} other runs"));
    }
    Some(format!(
        "Rounds without a result: {}; a change is shown only if it holds however they ended.",
        each.join("; ")
    ))
}

fn rate_name(bad: &OutcomeSet) -> &'static str {
    match bad.contains(Outcome::Crashed) {
        true => "Crash rate",
        false => "Rate of bad rounds",
    }
}

/// The direction and size of the change.
pub(crate) fn verb(rose: bool) -> &'static str {
    if rose { "rose" } else { "fell" }
}

fn rate(counted: Share) -> String {
    let Share { bad, n } = counted;
    format!("{} ({})", percent(bad, n), share(bad, n))
}

/// `N=11`.
pub(crate) fn number(history: &History, place: usize) -> String {
    format!("N={}", history.runs[place].number)
}

/// `N=1, N=2 and N=7`.
fn numbers(history: &History, places: &[usize]) -> String {
    let all = places.iter().map(|place| number(history, *place));
    let mut named = first_lines(all.collect(), NAMED, "more runs");
    let last = named.pop().unwrap_or_default();
    match named.is_empty() {
        true => last,
        false => format!("{} and {last}", named.join(", ")),
    }
}
