//! Crashes in words: where and how often, by which descendants, and in which evidence rounds.

use super::estimates::short_estimate;
use super::names::of_unit;
use super::numbers::share;
use crate::clean::{NAME, SENTENCE, clean};
use crate::view::{CrashPlace, View};

/// `a (isolated), its descendant `cc1``.
pub(crate) fn crash_place(place: &CrashPlace) -> String {
    let unit = of_unit(&place.name, Some(place.mode), &place.variant);
    match &place.role.descendant {
        Some(program) => format!("{unit}, its descendant `{}`", clean(program, NAME)),
        None => unit,
    }
}

/// The crash rate. Evidence rounds have none.
pub(crate) fn crash_share(place: &CrashPlace) -> String {
    let of = place.share;
    match place.role.in_evidence_rounds {
        true => format!("in evidence rounds only ({})", share(of.bad, of.n)),
        false => short_estimate(of, place.optional_stopping),
    }
}

/// A sentence for each crash of a descendant.
pub(super) fn of_descendants(view: &View) -> Vec<String> {
    let mut sentences = Vec::new();
    for row in &view.crashes {
        for place in &row.places {
            let unit = of_unit(&place.name, Some(place.mode), &place.variant);
            let signature = clean(&row.signature, SENTENCE);
            let of = place.share;
            let rounds = share(of.bad, of.n);
            let Some(program) = &place.role.descendant else {
                continue;
            };
            let program = clean(program, NAME);
            let rounds = match place.role.in_evidence_rounds {
                true => format!("evidence rounds ({rounds}, not counted)"),
                false => format!("{rounds} rounds"),
            };
            sentences.push(format!(
                "{unit}: its descendant `{program}` crashed in {rounds}: {signature}."
            ));
        }
    }
    let left = sentences.len().saturating_sub(SHOWN);
    sentences.truncate(SHOWN);
    if left > 0 {
        sentences.push(format!(
            "{left} more such crashes: crashrate crashes {}",
            view.run.number
        ));
    }
    sentences
}

/// The most sentences.
const SHOWN: usize = 5;
