//! The suite's expectations, checked against one round's measures.

use crashrate_model::Measure;

use crate::suite::Expect;

/// The expectations that were missed, with both numbers; `None` if all were met.
///
/// An expectation for another device counts as met. One without its measure is missed: a chapter
/// that stops measuring must not pass because of it.
pub(super) fn missed(expect: &[Expect], measures: &[Measure], device: &str) -> Option<String> {
    let kind = device.split(':').next().unwrap_or_default();
    let misses: Vec<String> = expect
        .iter()
        .filter(|e| e.on.is_empty() || e.on.iter().any(|on| on == kind))
        .filter_map(|e| miss(e, measures))
        .collect();
    (!misses.is_empty()).then(|| misses.join("; "))
}

fn miss(expect: &Expect, measures: &[Measure]) -> Option<String> {
    let name = match expect.label.as_str() {
        "" => expect.measure.clone(),
        label => format!("{} ({label})", expect.measure),
    };
    let mut found = measures
        .iter()
        .filter(|m| m.name == expect.measure && m.label == expect.label)
        .peekable();
    if found.peek().is_none() {
        return Some(format!("expected {name}, which was not measured"));
    }
    found.find_map(|m| {
        let value = m.value;
        match (expect.at_most, expect.at_least) {
            (Some(most), _) if value > most => {
                Some(format!("expected {name} at most {most}, measured {value}"))
            }
            (_, Some(least)) if value < least => Some(format!(
                "expected {name} at least {least}, measured {value}"
            )),
            _ => None,
        }
    })
}
