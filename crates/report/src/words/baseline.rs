//! What a run shows in comparison with the baseline that its suite repeats.

use super::fault::fault;
use super::names::{died_in, of_unit};
use super::numbers::joined;
use crate::compare::{BaselineRow, BesideBaseline, Compared, Evidence, lines, name};
use crate::view::{DiedInCounts, Share, View};

/// The sentences below the table.
pub(crate) fn baseline_sentences(view: &View, beside: &BesideBaseline) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some(fault) = fault(view) {
        sentences.push(format!(
            "{fault} Crashes here may come from the fault, so they are no evidence about this \
             machine's libraries. The baseline had no fault."
        ));
    }
    // The dose was chosen by the rate of the sequence, so an equal rate shows nothing.
    let of_fault = view.run.fault.as_ref();
    if of_fault.is_some_and(|fault| fault.get("calibration").is_some()) {
        sentences.push(
            "The dose was chosen by how often the sequence passes, so a rate equal to the \
             baseline's shows nothing. Whether isolated chapters crash less, and where the \
             sequence dies, was not chosen."
                .to_owned(),
        );
    }
    sentences.extend(beside.machine.warnings.iter().cloned());
    let has_sequences = |view: &View| !view.sequences.is_empty();
    if has_sequences(view) || view.baseline.as_deref().is_some_and(has_sequences) {
        let more = match &beside.modes {
            None => "Not measured: it needs rounds in both modes".to_owned(),
            Some(all) => lines(all).join("; "),
        };
        sentences.push(format!(
            "Does the sequence crash more than its isolated chapters, here? {more}."
        ));
    }
    sentences.extend(beside.rows.iter().filter_map(|row| died(beside, row)));
    sentences.extend(machine(beside));
    sentences
}

/// Where the sequence died, here and in the baseline.
fn died(beside: &BesideBaseline, row: &BaselineRow) -> Option<String> {
    let here = row.died_in.as_ref()?;
    let name = of_unit(row.sequence.as_deref()?, None, &row.variant);
    let describe = |places: &DiedInCounts, share: Option<Share>| {
        let n = share.unwrap_or_default().n;
        match died_in(places) {
            _ if n == 0 => "no round has a result".to_owned(),
            places if places.is_empty() => format!("in none of {n} rounds"),
            places => format!("{places} of {n} rounds"),
        }
    };
    let baseline = match &row.baseline_died_in {
        None => "not reported".to_owned(),
        Some(places) => describe(places, row.baseline_in_sequence),
    };
    Some(format!(
        "Where does {name} die? Here: {}; in report N={}: {baseline}.",
        describe(here, row.in_sequence),
        beside.number
    ))
}

/// Whether the rates here differ from those of the baseline.
fn machine(beside: &BesideBaseline) -> Vec<String> {
    let all = &beside.machine;
    let number = beside.number;
    if all.list.is_empty() {
        return vec![format!(
            "This run has no chapter or sequence of report N={number}."
        )];
    }
    let is_apart = |one: &Compared| matches!(&one.evidence, Evidence::Fixed(test) if test.apart);
    let (apart, compared): (Vec<_>, Vec<_>) =
        (all.list.iter().zip(lines(all))).partition(|(one, _)| is_apart(one));
    let line = |(one, line): (&Compared, String)| {
        let word = match &one.evidence {
            _ if one.differs() => "It differs",
            Evidence::Fixed(_) => "No difference shown",
            _ => "Not tested",
        };
        format!("Is the crash rate here that of report N={number}? {word}: {line}.")
    };
    let mut sentences: Vec<String> = compared.into_iter().map(line).collect();
    let names = apart.into_iter().map(|(one, _)| name(one));
    sentences.extend(
        joined(names, ", ")
            .map(|names| format!("Too few rounds to compare with report N={number}: {names}.")),
    );
    sentences
}
