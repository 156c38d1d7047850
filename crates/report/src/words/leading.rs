//! What follows the verdict of every report, because it bears on all numbers.

use super::crashes::of_descendants;
use super::doubts::doubts;
use super::fault::fault;
use super::names::{of_chapter, of_unit};
use super::numbers::count;
use crate::clean::{SENTENCE, clean};
use crate::view::{Results, View};

/// Where the run is from, its fault, doubts about its rates, and crashes that its outcomes do not
/// show.
pub(crate) fn leading(view: &View) -> Vec<String> {
    let facts = imported(view).map(|from| format!("{from}.")).into_iter();
    let facts = facts.chain(fault(view)).chain(doubts(view));
    facts.chain(of_descendants(view)).collect()
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

/// The report that the run was imported from, if it was.
pub(crate) fn imported(view: &View) -> Option<String> {
    let file = clean(&view.run.imported.as_ref()?.file, SENTENCE);
    Some(format!("Imported from {file}, not measured by crashrate"))
}
