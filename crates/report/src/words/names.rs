//! Names of units and chapters in sentences, and the letters of outcomes.

use crashrate_model::{DEFAULT_VARIANT, Mode, Outcome};

use super::estimates::estimate;
use super::numbers::count;
use crate::clean::{NAME, clean};
use crate::view::{ChapterRow, DiedInCounts, Outcomes, Results};

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

/// Crashes by signal: `SIGSEGV 6, SIGABRT 1`; nothing if there were none.
pub(crate) fn signals(results: &Results) -> Option<String> {
    let words: Vec<_> = results
        .signals
        .iter()
        .map(|(name, n)| format!("{} {}", clean(name, NAME), count((*n).into())))
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// How the first attempts of a row ended: `passed 2/3 = 66.7% (95%: 21-94%), 1 crashed`.
pub(crate) fn sums(results: &Results) -> String {
    let n = results.first_attempt.n;
    if n == 0 {
        return "no round has a result".to_owned();
    }
    let passed = format!(
        "passed {}",
        estimate(results.passed(), n, results.optional_stopping)
    );
    let others = |outcome: Outcome| outcome.counts() && outcome != Outcome::Passed;
    let others = counted(&results.outcomes, others);
    match (others.as_str(), signals(results)) {
        ("", _) => passed,
        (others, None) => format!("{passed}, {others}"),
        (others, Some(signals)) => format!("{passed}, {others} ({signals})"),
    }
}

/// Outcomes with their counts: `4 passed, 6 crashed`.
pub(crate) fn counted(outcomes: &Outcomes, which: impl Fn(Outcome) -> bool) -> String {
    let words: Vec<_> = outcomes
        .occurred()
        .filter(|(outcome, _)| which(*outcome))
        .map(|(outcome, n)| format!("{} {outcome}", count(n.into())))
        .collect();
    words.join(", ")
}

/// Where a sequence died: `batching-advantage 6, exit 1`; nothing if it did not.
pub(crate) fn died_in(places: &DiedInCounts) -> String {
    let chapters = places
        .chapters
        .iter()
        .map(|(chapter, n)| (clean(chapter, NAME), *n));
    let others = [
        ("between chapters", places.between),
        ("at exit", places.exit),
    ];
    let others = others
        .into_iter()
        .map(|(place, n)| (place.to_owned(), n))
        .filter(|(_, n)| *n > 0);
    let words: Vec<_> = chapters
        .chain(others)
        .map(|(place, n)| format!("{place} {}", count(n.into())))
        .collect();
    words.join(", ")
}

/// The date and minute of an RFC 3339 time: `2026-11-23 19:31`.
pub(crate) fn date(time: &str) -> String {
    let time = clean(time, NAME);
    match (time.get(..10), time.get(10..11), time.get(11..16)) {
        (Some(day), Some("T"), Some(minute)) => format!("{day} {minute}"),
        _ => time,
    }
}

/// The letter of a round's first attempt; a dot without one.
pub(crate) fn letter(first: Option<Outcome>) -> char {
    match first {
        None => '.',
        Some(Outcome::Passed) => 'P',
        Some(Outcome::Failed) => 'F',
        Some(Outcome::Crashed) => 'C',
        Some(Outcome::TimedOut) => 'T',
        Some(Outcome::OutOfMemory) => 'M',
        Some(Outcome::Unreached) => 'U',
        Some(Outcome::NotStarted) => 'N',
        Some(Outcome::Interrupted) => 'I',
        Some(Outcome::Lost) => 'L',
    }
}
