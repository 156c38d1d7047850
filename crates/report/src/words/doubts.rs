//! What must be known before a rate is believed: it leads every report.

use crashrate_model::{EvidenceMode, Outcome, StopReason, Stopping};
use crashrate_stats::GateVerdict;

use super::names::of_chapter;
use super::notes::{plural, units};
use super::numbers::share;
use crate::view::{Exposure, Results, View};

/// Missing rounds with the rates that they allow; rounds that cluster; and a run that its data stopped.
pub(crate) fn doubts(view: &View) -> Vec<String> {
    let mut doubts: Vec<String> = units(view)
        .filter_map(|(name, results)| missing(&name, results))
        .collect();
    let in_sequences = view.chapters.iter().filter(|row| row.sequence.is_some());
    let rows = units(view).chain(in_sequences.map(|row| (of_chapter(row), &row.results)));
    doubts.extend(
        rows.filter(|(_, results)| results.is_clustered())
            .map(|(name, _)| {
                format!(
                    "{name}: bad rounds come in clusters or drift, so its interval is too narrow."
                )
            }),
    );
    if view.run.evidence == EvidenceMode::Trace && view.totals.first_attempt.n > 0 {
        let caution = "Every attempt was traced, which can change how often races crash. Compare this run only with traced ones.";
        doubts.push(caution.to_owned());
    }
    doubts.extend(bias(view));
    doubts
}

/// `a (isolated): 4 rounds vanished (lost); if all were bad: 4/20.`
fn missing(name: &str, results: &Results) -> Option<String> {
    let bounds = results.bounds?;
    let kinds = [
        (Outcome::Lost, "lost"),
        (Outcome::Interrupted, "interrupted"),
        (Outcome::NotStarted, "not started"),
    ];
    let kinds: Vec<_> = kinds
        .into_iter()
        .filter(|(outcome, _)| results.outcomes.get(*outcome) > 0)
        .map(|(_, word)| word)
        .collect();
    let kinds = match kinds.is_empty() {
        true => String::new(),
        false => format!(" ({})", kinds.join(", ")),
    };
    let again = match results.run_again.sum() > 0 {
        true => ", though run again",
        false => "",
    };
    let verb = match results.outcomes.get(Outcome::NotStarted) == bounds.missing {
        true => "could not be measured",
        false => "vanished",
    };
    Some(format!(
        "{name}: {} {verb}{kinds}{again}; if all were bad: {}, if none: {}.",
        plural(bounds.missing, "round"),
        share(bounds.worst.bad, bounds.worst.n),
        share(bounds.best.bad, bounds.best.n)
    ))
}

/// Where the shares of a run that its data stopped lie too high or too low.
fn bias(view: &View) -> Option<String> {
    let run = &view.run;
    if run.live || run.imported.is_some() || view.totals.first_attempt.n == 0 {
        return None;
    }
    let text = match (run.stopped?, &run.stopping) {
        (StopReason::MaxFailures, _) | (StopReason::Decided, Stopping::FirstBad) => {
            "The run stopped at rounds that did not pass, so its shares of them are too high on average; the intervals hold."
        }
        (StopReason::Decided, Stopping::Gates(_)) => return of_gates(view),
        (StopReason::Decided, _) => {
            let mut watches = view.pairs.iter().flat_map(|seen| &seen.contrasts);
            if !watches.any(|(_, watch)| watch.is_decided()) {
                return None;
            }
            "The run stopped at its verdict, so the difference that it shows is too large on average; the intervals hold."
        }
        (StopReason::TimeBudget, _) => return of_time(view),
        (StopReason::Interrupted, _) => {
            "The user stopped the run: if what was seen was the reason, its shares are biased; the intervals hold."
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn of_gates(view: &View) -> Option<String> {
    let has = |verdict| {
        view.gates
            .iter()
            .any(|gate| gate.watch.verdict() == verdict)
    };
    let text = match (has(GateVerdict::Below), has(GateVerdict::Above)) {
        (true, false) => "too low",
        (false, true) => "too high",
        (true, true) => "too low below their gates and too high above them",
        (false, false) => return None,
    };
    Some(format!(
        "Rounds ended with the verdicts of the gates, so shares are {text} on average; the intervals hold."
    ))
}

/// In a given time there are fewer rounds where the bad ones take longer.
fn of_time(view: &View) -> Option<String> {
    let mut all = Exposure::default();
    for (_, results) in units(view) {
        all.secs += results.exposure.secs;
        all.n += results.exposure.n;
        all.bad_secs += results.exposure.bad_secs;
        all.bad += results.exposure.bad;
    }
    if all.bad == 0 || all.bad == all.n {
        return None;
    }
    let bad = all.bad_secs / f64::from(all.bad);
    let good = (all.secs - all.bad_secs) / f64::from(all.n - all.bad);
    /// Below this ratio of their times the bias is too small to be worth a word.
    const WORTH: f64 = 1.5;
    let (than, where_to) = match (bad > WORTH * good, good > WORTH * bad) {
        (true, _) => ("longer", "too high"),
        (_, true) => ("less time", "too low"),
        _ => return None,
    };
    Some(format!(
        "The time for the run was limited and bad rounds take {than} than others, so their share is {where_to} on average; \
         the intervals hold."
    ))
}
