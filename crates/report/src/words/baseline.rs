//! What is shown, and what is not, of a run beside the record that its suite repeats.

use super::fault::fault;
use super::names::{died_in, of_unit};
use crate::compare::{BaselineRow, BesideBaseline, Compared, Evidence, lines, name};
use crate::view::{DiedInCounts, Share, View};

/// The sentences below the table.
pub(crate) fn beside(view: &View, beside: &BesideBaseline) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(fault) = fault(view) {
        said.push(format!(
            "{fault} What died here may have died of that, and is no evidence about this machine's libraries; none was injected into the record's rounds."
        ));
    }
    // Its size was chosen by the rate of the sequence: a rate like the recorded one is then no finding.
    let of_fault = view.run.fault.as_ref();
    if of_fault.is_some_and(|fault| fault.get("calibration").is_some()) {
        said.push(
            "How much of it is injected was chosen by how often the sequence passes: that its rate is like the recorded one \
             shows nothing; whether its chapters isolated crash less, and where it dies, was not chosen."
                .to_owned(),
        );
    }
    said.extend(beside.machine.warnings.iter().cloned());
    let record = view.baseline.iter().flat_map(|record| &record.sequences);
    if view.sequences.iter().chain(record).next().is_some() {
        said.push(modes(beside));
    }
    said.extend(beside.rows.iter().filter_map(|row| died(beside, row)));
    said.extend(machine(beside));
    said
}

/// Does the sequence crash more than its chapters isolated?
fn modes(beside: &BesideBaseline) -> String {
    const ASKED: &str = "Does the sequence crash more than its chapters isolated, here?";
    match &beside.modes {
        None => format!("{ASKED} Not measured: that takes rounds of both modes."),
        Some(all) => format!("{ASKED} {}", sentence(&lines(all))),
    }
}

/// Where does the sequence die?
fn died(beside: &BesideBaseline, row: &BaselineRow) -> Option<String> {
    let here = row.died_in.as_ref()?;
    let name = of_unit(row.sequence.as_deref()?, None, &row.variant);
    let said = |places: &DiedInCounts, share: Option<Share>| {
        let n = share.unwrap_or_default().n;
        match died_in(places) {
            _ if n == 0 => "no round has an end".to_owned(),
            places if places.is_empty() => format!("in none of {n} rounds"),
            places => format!("{places} of {n} rounds"),
        }
    };
    let record = match &row.record_died_in {
        None => "not on record".to_owned(),
        Some(places) => said(places, row.record_in_sequence),
    };
    Some(format!(
        "Where does {name} die? Here: {}; in N={}: {record}.",
        said(here, row.in_sequence),
        beside.number
    ))
}

/// Are the rates here those of the record?
fn machine(beside: &BesideBaseline) -> Vec<String> {
    let all = &beside.machine;
    let number = beside.number;
    if all.list.is_empty() {
        return vec![format!(
            "This run has no chapter or sequence of N={number}."
        )];
    }
    let is_apart = |one: &Compared| matches!(&one.evidence, Evidence::Fixed(test) if test.apart);
    let (apart, told): (Vec<_>, Vec<_>) =
        (all.list.iter().zip(lines(all))).partition(|(one, _)| is_apart(one));
    let line = |(one, line): (&Compared, String)| {
        let word = match &one.evidence {
            _ if one.differs() => "No",
            Evidence::Fixed(_) => "Compatible, which says only that no difference is shown",
            _ => "Not tested",
        };
        format!("Is the rate here that of N={number}? {word}: {line}.")
    };
    let mut said: Vec<String> = told.into_iter().map(line).collect();
    if !apart.is_empty() {
        let names: Vec<_> = apart.into_iter().map(|(one, _)| name(one)).collect();
        said.push(format!(
            "Too few rounds to be set against N={number}, whatever they came to: {}.",
            names.join(", ")
        ));
    }
    said
}

fn sentence(lines: &[String]) -> String {
    format!("{}.", lines.join("; "))
}

/// A cell of the record: in sequence, and isolated where it has that.
pub(crate) fn on_record(row: &BaselineRow, short: impl Fn(Share) -> String) -> String {
    match (row.record_in_sequence, row.record_isolated) {
        (None, None) => "-".to_owned(),
        (Some(one), None) => short(one),
        (None, Some(one)) => format!("isolated {}", short(one)),
        (Some(one), Some(two)) => format!("{}; isolated {}", short(one), short(two)),
    }
}
