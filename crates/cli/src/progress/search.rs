//! How far a search is, in words.

use crashrate_model::Unit;
use crashrate_report::{count, one_line, plural};
use crashrate_stats::{ArmState, MinimizePhase};
use crashrate_supervisor::bisect::BisectPhase;
use crashrate_supervisor::search::{
    BisectStatus, MinimizeStatus, ProvokeStatus, SearchPhase, SearchStatus,
};

/// Suspects that are named.
const NAMED: usize = 3;

/// How far a search is.
pub(super) fn summary(status: &SearchStatus, units: &[Unit], rate: Option<String>) -> String {
    match status {
        SearchStatus::Minimize(status) => minimize(status, &units[0], rate),
        SearchStatus::Bisect(status) => bisect(status, units, rate),
        SearchStatus::Provoke(status) => provoke(status, units, rate),
    }
}

/// `57 rounds, about 30 more, testing the answer: a (99%), b (99%), 38.7 rounds/min`.
fn minimize(status: &MinimizeStatus, unit: &Unit, rate: Option<String>) -> String {
    let mut words = rounds(status.runs, status.expected);
    words.push(match suspects(status, unit) {
        Some(suspects) => format!("{}: {suspects}", phase(status.phase)),
        None => phase(status.phase).to_owned(),
    });
    words.extend(rate);
    words.join(", ")
}

/// `312 rounds, about 80 more, 7 builds, about 2 more, 9 of 60 commits left (95%): 1a2b3c (63%)`.
fn bisect(status: &BisectStatus, units: &[Unit], rate: Option<String>) -> String {
    let progress = &status.progress;
    let mut words = rounds(progress.runs, progress.runs_left);
    words.push(plural(progress.builds, "build"));
    words.extend(more(progress.builds_left));
    let left = progress
        .confidence_set
        .iter()
        .map(|range| range.last - range.first + 1);
    let left: usize = left.sum();
    let named = progress.suspects.iter().take(NAMED).filter_map(|range| {
        let first = one_line(&units.get(range.first)?.variant);
        let group = match range.last - range.first {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        Some(format!(
            "{first}{group} ({:.0}%)",
            100.0 * range.probability
        ))
    });
    let named = named.collect::<Vec<_>>().join(", ");
    words.push(match (status.target.is_none(), progress.phase) {
        (true, _) => "waiting for the bad end to crash".to_owned(),
        (false, BisectPhase::Gate) => "comparing the two ends".to_owned(),
        (false, BisectPhase::Search) => {
            let all = plural(units.len() as u64 - 1, status.kind.noun());
            format!("{left} of {all} left (95%): {named}")
        }
        (false, BisectPhase::Certificate) => format!("testing the answer: {named}"),
        (false, BisectPhase::Answered) => "found".to_owned(),
    });
    words.extend(rate);
    words.join(", ")
}

/// `812 rounds, 41 s of 600 s, 3 crashes unperturbed, testing stops: 38 crashes, 900 rounds/min`.
fn provoke(status: &ProvokeStatus, units: &[Unit], rate: Option<String>) -> String {
    let progress = &status.progress;
    let all: u64 = progress.arms.iter().map(|arm| arm.rounds).sum();
    let mut words = vec![
        plural(all, "round"),
        format!("{:.0} s of {:.0} s", progress.seconds, progress.budget),
    ];
    let base = progress.arms.first().map_or(0, |base| base.crashes);
    words.push(format!("{} unperturbed", crashes(base)));
    let name = |arm: usize| {
        let unit = status
            .units
            .get(arm)
            .and_then(|unit| units.get(*unit as usize));
        unit.map_or_else(String::new, |unit| unit.perturb.to_string())
    };
    let best = progress.arms.iter().skip(1).max_by(|one, two| {
        let rate = |arm: &ArmState| arm.rate.unwrap_or_default();
        rate(one).total_cmp(&rate(two))
    });
    match (&progress.confirmation, best) {
        (Some(confirmation), _) => {
            let arm = &progress.arms[confirmation.arm];
            words.push(format!(
                "testing {}: {}",
                name(arm.arm),
                crashes(arm.crashes)
            ));
        }
        (None, Some(arm)) if arm.crashes > 0 => {
            words.push(format!("best {}: {}", name(arm.arm), crashes(arm.crashes)));
        }
        _ => {}
    }
    words.extend(rate);
    words.join(", ")
}

fn crashes(n: u64) -> String {
    match n {
        1 => "1 crash".to_owned(),
        n => format!("{} crashes", count(n)),
    }
}

fn rounds(runs: u64, left: Option<f64>) -> Vec<String> {
    let mut words = vec![plural(runs, "round")];
    words.extend(more(left));
    words
}

fn more(left: Option<f64>) -> Option<String> {
    let left = left.filter(|left| *left >= 1.0 && left.is_finite())?;
    Some(format!("about {} more", count(left.ceil() as u64)))
}

/// Whether an answer did not hold in its test.
pub(super) fn is_set_back(before: &SearchStatus, after: &SearchStatus) -> bool {
    match (before, after) {
        (SearchStatus::Minimize(before), SearchStatus::Minimize(after)) => {
            before.phase == SearchPhase::Chapters(MinimizePhase::Certificate)
                && after.phase == SearchPhase::Chapters(MinimizePhase::Blind)
        }
        (SearchStatus::Bisect(before), SearchStatus::Bisect(after)) => {
            before.progress.phase == BisectPhase::Certificate
                && after.progress.phase == BisectPhase::Search
        }
        _ => false,
    }
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
fn suspects(status: &MinimizeStatus, unit: &Unit) -> Option<String> {
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
