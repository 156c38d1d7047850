//! How far a search for the smallest crashing part of a sequence is, in words.

use crashrate_model::Unit;
use crashrate_report::{count, one_line, plural};
use crashrate_stats::MinimizePhase;
use crashrate_supervisor::minimize::{SearchPhase, SearchStatus};

/// Suspects that are named.
const NAMED: usize = 3;

/// `57 rounds, about 30 more, testing the answer: a (99%), b (99%), 38.7 rounds/min`.
pub(super) fn summary(status: &SearchStatus, unit: &Unit, rate: Option<String>) -> String {
    let rounds = u32::try_from(status.runs).unwrap_or(u32::MAX);
    let mut words = vec![plural(rounds, "round")];
    let expected = status.expected.filter(|left| *left >= 1.0);
    words.extend(expected.map(|left| format!("about {} more", count(left.ceil() as u64))));
    words.push(match suspects(status, unit) {
        Some(suspects) => format!("{}: {suspects}", phase(status.phase)),
        None => phase(status.phase).to_owned(),
    });
    words.extend(rate);
    words.join(", ")
}

/// Whether an answer did not hold in its test.
pub(super) fn is_set_back(before: &SearchStatus, after: &SearchStatus) -> bool {
    let is_tested =
        |status: &SearchStatus| status.phase == SearchPhase::Chapters(MinimizePhase::Certificate);
    is_tested(before) && after.phase == SearchPhase::Chapters(MinimizePhase::Blind)
}

fn phase(phase: SearchPhase) -> &'static str {
    match phase {
        SearchPhase::Chapters(MinimizePhase::Baseline) => "waiting for the sequence to crash",
        SearchPhase::Chapters(MinimizePhase::Position) => "halving",
        SearchPhase::Chapters(MinimizePhase::Blind) => "searching",
        SearchPhase::Chapters(MinimizePhase::Certificate) => "testing the answer",
        SearchPhase::Chapters(MinimizePhase::Answered) => "found",
        SearchPhase::Numbers => "reducing numbers",
    }
}

/// The most probable suspects.
fn suspects(status: &SearchStatus, unit: &Unit) -> Option<String> {
    if matches!(
        status.phase,
        SearchPhase::Chapters(MinimizePhase::Baseline) | SearchPhase::Numbers
    ) {
        return None;
    }
    let named = status.suspects.iter().take(NAMED);
    let named = named.filter_map(|(chapter, posterior)| {
        let id = one_line(unit.chapters.get(*chapter)?);
        Some(format!("{id} ({:.0}%)", 100.0 * posterior))
    });
    let named: Vec<String> = named.collect();
    (!named.is_empty()).then(|| named.join(", "))
}
