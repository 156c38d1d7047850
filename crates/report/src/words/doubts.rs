//! What a reader must know before believing a rate. It follows the verdict of every report.

use crashrate_model::{EvidenceMode, Outcome, StopReason, Stopping};
use crashrate_stats::GateVerdict;

use super::names::of_chapter;
use super::notes::{plural, units};
use super::numbers::share;
use crate::view::{Exposure, Results, View};

/// Lost rounds with their bounds, clustered crashes, traced runs, and runs that stopped because of
/// their results.
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
                    "{name}: bad rounds come in clusters or drift, so the interval is too narrow."
                )
            }),
    );
    if view.run.evidence == EvidenceMode::Trace && view.totals.first_attempt.n > 0 {
        let caution = "Every attempt was traced, which can change how often races crash. Compare \
            this run only with traced runs.";
        doubts.push(caution.to_owned());
    }
    doubts.extend(bias(view));
    doubts
}

/// `a (isolated): 4 results lost; the crash rate is between 0/20 and 4/20.`
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
        true => ", and run again",
        false => "",
    };
    let all = |outcome| results.outcomes.get(outcome) == bounds.missing;
    let what = match (all(Outcome::NotStarted), all(Outcome::Lost)) {
        (true, _) => format!("{} could not start", plural(bounds.missing, "round")),
        (_, true) => format!("{} lost", plural(bounds.missing, "result")),
        _ => format!("{} missing{kinds}", plural(bounds.missing, "result")),
    };
    Some(format!(
        "{name}: {what}{again}; the crash rate is between {} and {}.",
        share(bounds.best.bad, bounds.best.n),
        share(bounds.worst.bad, bounds.worst.n)
    ))
}

/// The bias of a run that stopped because of its results.
fn bias(view: &View) -> Option<String> {
    let run = &view.run;
    if run.state.is_running() || run.imported.is_some() || view.totals.first_attempt.n == 0 {
        return None;
    }
    let text = match (run.stopped?, &run.stopping) {
        (StopReason::MaxFailures, _) | (StopReason::Decided, Stopping::FirstBad) => {
            "The run stopped when rounds did not pass, so their rate is too high on average. The \
             intervals are valid."
        }
        (StopReason::Decided, Stopping::Gates(_)) => return of_gates(view),
        (StopReason::Decided, _) => {
            let mut watches = view.pairs.iter().flat_map(|seen| &seen.contrasts);
            if !watches.any(|(_, watch)| watch.is_decided()) {
                return None;
            }
            "The run stopped when the difference was shown, so that difference is too large on \
             average. The intervals are valid."
        }
        (StopReason::TimeBudget, _) => return of_time(view),
        (StopReason::Interrupted, _) => {
            "If the user stopped the run because of its results, the rates are biased. The \
             intervals are valid."
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
        (true, true) => "too low for gates that passed and too high for the others",
        (false, false) => return None,
    };
    Some(format!(
        "The run stopped at the verdicts of its gates, so rates are {text} on average. The \
         intervals are valid."
    ))
}

/// A time limit favours short rounds.
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
    /// Below this ratio of their times the bias is negligible.
    const WORTH: f64 = 1.5;
    let (than, where_to) = match (bad > WORTH * good, good > WORTH * bad) {
        (true, _) => ("longer", "too high"),
        (_, true) => ("less time", "too low"),
        _ => return None,
    };
    Some(format!(
        "The run had a time limit and bad rounds take {than} than other rounds, so the crash rate is \
         {where_to} on average. \
         The intervals are valid."
    ))
}
