//! The run in two sentences, made from its counts and saying nothing beyond them.

use crashrate_model::{Outcome, StopReason};

use super::crashes::beside_the_outcomes;
use super::doubts::doubts;
use super::estimates::{estimate, rate_of};
use super::fault::fault;
use super::findings::imported;
use super::names::{counted, of_chapter, of_unit};
use super::notes::units;
use super::numbers::{count, rate};
use crate::clean::{NAME, clean};
use crate::view::{Results, Share, View};

/// Rows that a sentence names before it says how many more there are.
const NAMED: usize = 3;

/// How far the run is and how its rounds ended; then where the bad ends were.
pub(crate) fn summary(view: &View) -> [String; 2] {
    [ends(view), bad_ends(view)]
}

/// What leads every report, because it bears on all that follows.
pub(crate) fn leading(view: &View) -> Vec<String> {
    let facts = imported(view).into_iter().chain(fault(view));
    let facts = facts.chain(doubts(view));
    facts.chain(beside_the_outcomes(view)).collect()
}

fn ends(view: &View) -> String {
    let totals = &view.totals;
    let planned = count(totals.planned.into());
    let rounds = if totals.planned == 1 {
        "round"
    } else {
        "rounds"
    };
    if totals.planned == 0 {
        return "No rounds were planned.".to_owned();
    }
    let far = match (view.run.complete, view.run.live) {
        (true, _) if totals.first_attempt.n < totals.planned => stopped(view),
        (true, _) => format!("All {planned} planned {rounds} have an end"),
        (false, live) => {
            let so_far = if live { "So far " } else { "" };
            let ended = count(totals.first_attempt.n.into());
            format!("{so_far}{ended} of {planned} planned {rounds} have an end")
        }
    };
    let far = if totals.planned == 1 {
        far.replace("All 1 planned round have", "The planned round has")
    } else {
        far
    };
    if totals.first_attempt.n == 0 {
        return format!("{far}.");
    }
    let mut text = format!(
        "{far}; on the first attempt {}",
        counted(&totals.outcomes, Outcome::counts)
    );
    if view.run.retries > 0 {
        let after = rate(totals.passed_after_retries, totals.after_retries.n);
        text += &format!("; after retries {after} passed");
    }
    text + "."
}

/// How a run with a rule of its own ended before all the rounds that it may have.
fn stopped(view: &View) -> String {
    let why = match view.run.stopped {
        Some(StopReason::TimeBudget) => "Its time was over",
        _ => "Stopped by its rule",
    };
    let (n, most) = (view.totals.first_attempt.n, view.totals.planned);
    format!(
        "{why} after {} of at most {} rounds",
        count(n.into()),
        count(most.into())
    )
}

fn bad_ends(view: &View) -> String {
    let bad: Vec<_> = view.run.bad.iter().map(|outcome| outcome.word()).collect();
    if view.totals.first_attempt.n == 0 {
        return "No rate can be given yet.".to_owned();
    }
    let mut places = bad_places(view);
    if places.is_empty() {
        return format!("None was {}: {}.", listed(&bad), bounds(view));
    }
    places.sort_by_key(|(share, _)| std::cmp::Reverse(share.bad));
    let left = places.len().saturating_sub(NAMED);
    let mut words: Vec<_> = places.into_iter().take(NAMED).map(|(_, w)| w).collect();
    if left > 0 {
        words.push(format!("and {left} more"));
    }
    format!("Bad ends ({}): {}.", bad.join(", "), words.join("; "))
}

/// What a clean run says of its units all the same.
fn bounds(view: &View) -> String {
    let all: Vec<_> = units(view)
        .filter(|(_, results)| results.first_attempt.n > 0)
        .collect();
    let mut words: Vec<_> = all
        .iter()
        .take(NAMED)
        .map(|(name, results)| format!("{name} {}", rate_of(results)))
        .collect();
    if all.len() > NAMED {
        words.push(format!("and {} more", count((all.len() - NAMED) as u64)));
    }
    words.join("; ")
}

/// `a, b or c`.
fn listed(words: &[&str]) -> String {
    match words {
        [] => "bad".to_owned(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} or {last}", all.join(", ")),
    }
}

/// Every row with bad ends, and those that a sequence had outside its chapters.
fn bad_places(view: &View) -> Vec<(Share, String)> {
    let mut places = Vec::new();
    for row in &view.chapters {
        let share = row.results.first_attempt;
        if share.bad > 0 {
            let rate = rate_of(&row.results);
            let words = format!("{} {rate}{}", of_chapter(row), kinds(view, &row.results));
            places.push((share, words));
        }
    }
    for row in &view.sequences {
        let name = of_unit(&row.sequence, None, &row.variant);
        let n = row.results.first_attempt.n;
        let outside = [
            (row.died_in.between, n, "between the chapters of"),
            (
                row.died_in.exit,
                row.died_in.reached_exit(n),
                "at the exit of",
            ),
        ];
        for (bad, n, place) in outside.into_iter().filter(|(bad, ..)| *bad > 0) {
            let rate = estimate(bad, n, row.results.by_data);
            places.push((Share { bad, n }, format!("{place} {name} {rate}")));
        }
    }
    places
}

/// What the bad ends were: the signals alone where all of them were deaths by a signal, else each kind with its count.
fn kinds(view: &View, results: &Results) -> String {
    let by_signal: u32 = results.signals.values().sum();
    let bad = results.first_attempt.bad;
    if by_signal == bad {
        return signals(results);
    }
    let of = |outcome: Outcome| results.outcomes.get(outcome);
    let others = (view.run.bad.iter())
        .map(|outcome| match outcome {
            // Those by a signal are named by it.
            Outcome::Crashed => (outcome, of(outcome).saturating_sub(by_signal)),
            other => (other, of(other)),
        })
        .filter(|(_, n)| *n > 0)
        .map(|(outcome, n)| format!("{} {outcome}", count(n.into())));
    let signals = (results.signals.iter())
        .map(|(name, n)| format!("{} {}", count((*n).into()), clean(name, NAME)));
    let words: Vec<_> = signals.chain(others).collect();
    match words.is_empty() || by_signal == 0 {
        true => String::new(),
        false => format!(": {}", words.join(", ")),
    }
}

fn signals(results: &Results) -> String {
    let names: Vec<_> = results
        .signals
        .keys()
        .map(|name| clean(name, NAME))
        .collect();
    if names.is_empty() {
        return String::new();
    }
    format!(", {}", names.join(", "))
}

/// Which units passed only on a retry, and in which rounds; nothing if none did.
pub(crate) fn flaky(view: &View) -> Option<String> {
    let mut names = Vec::new();
    for row in view.chapters.iter().filter(|row| row.sequence.is_none()) {
        names.extend(rounds(&row.results).map(|rounds| format!("{} {rounds}", of_chapter(row))));
    }
    for row in &view.sequences {
        let name = of_unit(&row.sequence, None, &row.variant);
        names.extend(rounds(&row.results).map(|rounds| format!("{name} {rounds}")));
    }
    (!names.is_empty()).then(|| format!("Flaky, passed only on a retry: {}.", names.join("; ")))
}

fn rounds(results: &Results) -> Option<String> {
    const SHOWN: usize = 10;
    let flaky = &results.flaky_rounds;
    let numbers: Vec<_> = flaky.iter().take(SHOWN).map(u32::to_string).collect();
    let more = match flaky.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {} more", count(more as u64)),
    };
    let word = if flaky.len() == 1 { "round" } else { "rounds" };
    (!flaky.is_empty()).then(|| format!("in {word} {}{more}", numbers.join(", ")))
}
