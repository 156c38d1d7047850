//! The results in sentences, and what the suite recommends.

use crashrate_model::{Mode, Outcome};

use super::doubts::flaky;
use super::estimates::estimate;
use super::exposure::exposure;
use super::names::{chapters_of, counted, not_passed, of_chapter, of_unit, signals, sums, units};
use super::numbers::{count, quantity, rate, share};
use crate::clean::{NAME, SENTENCE, clean};
use crate::view::{Advice, ChapterRow, Held, Missed, Results, SequenceRow, View};

/// The results of a run, a line each. Rates are over first attempts unless marked otherwise.
pub(crate) fn findings(view: &View) -> Vec<String> {
    let mut lines = Vec::from_iter(all_passed(view));
    for row in view.chapters.iter().filter(|row| row.sequence.is_none()) {
        if !has_only_passed(&row.results) {
            let (sums, after) = (sums(&row.results), after_retries(view, &row.results));
            lines.push(format!("{}: {sums}{after}.", of_chapter(row)));
        }
    }
    for row in &view.sequences {
        if !has_only_passed(&row.results) {
            lines.push(of_sequence(view, row));
        }
    }
    lines.extend(view.chapters.iter().flat_map(missed));
    lines.extend(exposure(view));
    lines.extend(flaky(view));
    lines.extend(units(view).filter_map(|(name, results)| unmeasured(&name, results)));
    lines
}

fn has_only_passed(results: &Results) -> bool {
    let n = results.first_attempt.n;
    n > 0 && results.passed() == n
}

/// The units of which every first attempt passed, in one line.
fn all_passed(view: &View) -> Option<String> {
    const NAMED: usize = 20;
    let all = units(view).filter(|(_, results)| has_only_passed(results));
    let all = all.map(|(name, results)| {
        let passed = share(results.passed(), results.reached());
        format!("{name} {passed}")
    });
    let mut names: Vec<_> = all.collect();
    if names.len() > NAMED {
        let rest = names.split_off(NAMED);
        names.push(format!("and {} more", count(rest.len() as u64)));
    }
    (!names.is_empty()).then(|| format!("Passed in every round: {}.", names.join(", ")))
}

fn of_sequence(view: &View, row: &SequenceRow) -> String {
    let name = of_unit(&row.sequence, Some(Mode::Sequential), &row.variant);
    let results = &row.results;
    let n = results.first_attempt.n;
    if n == 0 {
        return format!("{name}: {}.", sums(results));
    }
    let rate = |k, n| estimate(k, n, results.optional_stopping);
    let mut words = vec![format!("passed {}", rate(results.passed(), n))];
    words.extend(chapters_of(view, row).filter_map(in_chapter));
    let died_in = &row.died_in;
    let at_exit = "at exit, after the last verdict,";
    let outside = [
        ("between chapters", died_in.between, n),
        (at_exit, died_in.exit, died_in.reached_exit(n)),
    ];
    let outside = outside.into_iter().filter(|(_, deaths, _)| *deaths > 0);
    words.extend(outside.map(|(place, deaths, n)| format!("died {place} {}", rate(deaths, n))));
    let after = after_retries(view, results);
    format!("{name}: {}{after}.", words.join("; "))
}

/// How often a chapter of a sequence did not pass, counting only rounds that got this far.
fn in_chapter(row: &ChapterRow) -> Option<String> {
    let results = &row.results;
    let others = not_passed(results);
    let signals = signals(results).map_or_else(String::new, |signals| format!(" ({signals})"));
    let (chapter, reached) = (clean(&row.chapter, NAME), count(results.reached().into()));
    let bad = results.first_attempt;
    let rate = estimate(bad.bad, bad.n, results.optional_stopping);
    let rate = match bad.bad {
        0 => String::new(),
        _ => format!(", crash rate {rate}"),
    };
    (!others.is_empty())
        .then(|| format!("in {chapter} {others} of {reached} that got this far{signals}{rate}"))
}

fn after_retries(view: &View, results: &Results) -> String {
    if view.run.retries.unwrap_or(0) == 0 {
        return String::new();
    }
    let after = rate(results.passed_after_retries, results.after_retries.n);
    format!("; after retries {after} passed")
}

/// The expectations that a chapter missed, with both numbers.
fn missed(row: &ChapterRow) -> Vec<String> {
    let name = of_chapter(row);
    let reached = row.results.reached();
    let line = |missed: &Missed| {
        let expected = clean(&missed.expected, SENTENCE);
        let times = share(missed.count, reached);
        let measured = match missed.measured {
            None => "not measured".to_owned(),
            Some(spread) => match (quantity(spread.min), quantity(spread.max)) {
                (least, most) if least == most => format!("measured {least}"),
                (least, most) => format!("measured {least} to {most}"),
            },
        };
        format!("{name}: expected {expected}, missed in {times} rounds: {measured}.")
    };
    row.results.missed.iter().map(line).collect()
}

/// First attempts that are not counted.
fn unmeasured(name: &str, results: &Results) -> Option<String> {
    let apart = |outcome: Outcome| !outcome.counts() && outcome != Outcome::Unreached;
    let apart = counted(&results.outcomes, apart);
    (!apart.is_empty()).then(|| format!("{name}: not counted: {apart}."))
}

/// The suite's recommendations that hold, each with the counts by which it does.
pub(crate) fn recommendations(view: &View) -> Vec<String> {
    view.recommendations.iter().map(recommendation).collect()
}

fn recommendation(advice: &Advice) -> String {
    let text = clean(&advice.text, SENTENCE);
    let Some(when) = &advice.when else {
        return text;
    };
    let alone = advice.held.iter().all(|held| held.variant == "default");
    let counts = |held: &Held| {
        // Outcomes outside of denominators have no rate.
        let counts = match when.outcome.is_none_or(Outcome::counts) {
            true => rate(held.count, held.n),
            false => count(held.count.into()),
        };
        match alone {
            true => counts,
            false => format!("{counts} ({})", clean(&held.variant, NAME)),
        }
    };
    let counts: Vec<_> = advice.held.iter().map(counts).collect();
    let when = clean(&when.to_string(), SENTENCE);
    format!("{text} ({when}: {})", counts.join(", "))
}
