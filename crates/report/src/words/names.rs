//! Names of units and chapters in sentences, and the letters of outcomes.

use crashrate_model::{DEFAULT_VARIANT, Mode, Outcome, OutcomeSet};

use super::estimates::estimate;
use super::numbers::{count, counts, joined};
use crate::clean::{NAME, clean};
use crate::view::{ChapterRow, DiedInCounts, Outcomes, Results, SequenceRow, View};

/// The chapter with its mode or sequence, and its variant if it has a name: `a (isolated)`, `b in
/// story (with-fix)`.
pub(crate) fn of_chapter(row: &ChapterRow) -> String {
    match &row.sequence {
        None => of_unit(&row.chapter, Some(Mode::Isolated), &row.variant),
        Some(sequence) => {
            let chapter = clean(&row.chapter, NAME);
            format!("{chapter} in {}", of_unit(sequence, None, &row.variant))
        }
    }
}

/// The mode or sequence of a chapter, and its variant: `isolated`, `in story (with-fix)`.
pub(crate) fn of_mode(row: &ChapterRow) -> String {
    match &row.sequence {
        None => of_unit(row.mode.word(), None, &row.variant),
        Some(sequence) => format!("in {}", of_unit(sequence, None, &row.variant)),
    }
}

/// The sequence with its variant.
pub(crate) fn of_sequence(row: &SequenceRow) -> String {
    of_unit(&row.sequence, None, &row.variant)
}

/// A unit with its mode, if that is given, and its variant.
pub(crate) fn of_unit(name: &str, mode: Option<Mode>, variant: &str) -> String {
    let name = clean(name, NAME);
    let variant = (variant != DEFAULT_VARIANT).then(|| clean(variant, NAME));
    match (mode, variant) {
        (None, None) => name,
        (None, Some(variant)) => format!("{name} ({variant})"),
        (Some(mode), None) => format!("{name} ({mode})"),
        (Some(mode), Some(variant)) => format!("{name} ({mode}, {variant})"),
    }
}

/// Every unit with its name; chapters of sequences are in their sequence's results.
pub fn units(view: &View) -> impl Iterator<Item = (String, &Results)> {
    let units = view.unit_results();
    units.map(|((name, mode, variant), results)| (of_unit(name, Some(mode), variant), results))
}

/// Every unit, then the chapters of sequences.
pub(super) fn units_and_chapters(view: &View) -> impl Iterator<Item = (String, &Results)> {
    let in_sequences = view.chapters.iter().filter(|row| row.sequence.is_some());
    units(view).chain(in_sequences.map(|row| (of_chapter(row), &row.results)))
}

/// The chapters of a sequence.
pub(crate) fn chapters_of<'a>(
    view: &'a View,
    sequence: &'a SequenceRow,
) -> impl Iterator<Item = &'a ChapterRow> {
    view.chapters.iter().filter(|row| {
        row.sequence.as_ref() == Some(&sequence.sequence) && row.variant == sequence.variant
    })
}

/// Crashes by signal: `SIGSEGV 6, SIGABRT 1`; nothing if there were none.
pub(crate) fn signals(results: &Results) -> Option<String> {
    let signals = results.signals.iter();
    let words = signals.map(|(name, n)| format!("{} {}", clean(name, NAME), count((*n).into())));
    joined(words, ", ")
}

/// How the first attempts of a row ended: `passed 2/3 = 66.7% (95%: 21-94%), 1 crashed`.
pub(crate) fn sums(results: &Results) -> String {
    let n = results.first_attempt.n;
    if n == 0 {
        return "no round has a result".to_owned();
    }
    let passed = estimate(results.passed(), n, results.optional_stopping);
    let signals = signals(results).map_or_else(String::new, |signals| format!(" ({signals})"));
    match not_passed(results).as_str() {
        "" => format!("passed {passed}"),
        others => format!("passed {passed}, {others}{signals}"),
    }
}

/// The outcomes that count other than passed.
pub(super) fn not_passed(results: &Results) -> String {
    counted(&results.outcomes, |outcome| {
        outcome.counts() && outcome != Outcome::Passed
    })
}

/// Outcomes with their counts: `4 passed, 6 crashed`.
pub(crate) fn counted(outcomes: &Outcomes, which: impl Fn(Outcome) -> bool) -> String {
    let shown = outcomes.occurred().filter(|(outcome, _)| which(*outcome));
    let words = counts(shown.map(|(outcome, n)| (n.into(), outcome.word())));
    joined(words, ", ").unwrap_or_default()
}

/// The outcomes of several results together.
pub(crate) fn outcomes_of<'a>(all: impl Iterator<Item = &'a Results>) -> Outcomes {
    let mut outcomes = Outcomes::default();
    for results in all {
        outcomes.add_all(&results.outcomes);
    }
    outcomes
}

/// Where a sequence died: `batching-advantage 6, exit 1`; nothing if it did not.
pub(crate) fn died_in(places: &DiedInCounts) -> String {
    let mut all = places.chapters.clone();
    all.push(("between chapters".to_owned(), places.between));
    all.push(("at exit".to_owned(), places.exit));
    let words = all.iter().filter(|(_, n)| *n > 0);
    let words = words.map(|(place, n)| format!("{} {}", clean(place, NAME), count((*n).into())));
    joined(words, ", ").unwrap_or_default()
}

/// The date and minute of an RFC 3339 time: `2026-11-23 19:31`.
pub(crate) fn date(time: &str) -> String {
    let time = clean(time, NAME);
    match (time.get(..10), time.get(10..11), time.get(11..16)) {
        (Some(day), Some("T"), Some(minute)) => format!("{day} {minute}"),
        _ => time,
    }
}

/// The outcomes with their letters, the worst first.
pub(crate) const LETTERS: [(Outcome, char); Outcome::ALL.len()] = [
    (Outcome::Crashed, 'C'),
    (Outcome::OutOfMemory, 'M'),
    (Outcome::TimedOut, 'T'),
    (Outcome::Failed, 'F'),
    (Outcome::Lost, 'L'),
    (Outcome::NotStarted, 'N'),
    (Outcome::Interrupted, 'I'),
    (Outcome::Unreached, 'U'),
    (Outcome::Skipped, 'S'),
    (Outcome::Passed, 'P'),
];

/// The letter of a round's first attempt; a dot without one.
pub(crate) fn letter(first: Option<Outcome>) -> char {
    let own = LETTERS.iter().find(|(outcome, _)| Some(*outcome) == first);
    own.map_or('.', |(_, letter)| *letter)
}

/// What the suite counts as bad.
pub(crate) fn bad_outcomes(bad: &OutcomeSet) -> String {
    joined(bad.iter().map(|outcome| outcome.to_string()), ", ").unwrap_or_default()
}

/// A parameter's clean value. Fractions keep their digits.
pub(crate) fn parameter(value: &serde_json::Value) -> String {
    use serde_json::Value;
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_u64() {
            Some(whole) => count(whole),
            None => number.to_string(),
        },
        other => other.to_string(),
    };
    clean(&text, NAME)
}

/// Text as the beginning of a sentence.
pub(crate) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(chars).collect()
}
