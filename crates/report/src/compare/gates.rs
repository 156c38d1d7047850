//! Sentences about gates, used by every format.

use crashrate_model::{ALPHA, Outcome};
use crashrate_stats::GateVerdict;

use crate::view::{GateSeen, OptionalStopping, View, rounds};
use crate::words::{count, estimate, of_unit, percent_of, plural, rate, share};

/// A line for each gate, after a note on their joint error.
pub(crate) fn gates(view: &View) -> Vec<String> {
    let lines = view.gates.iter().map(gate);
    lines.chain(gates_intro(view)).collect()
}

/// The error probability of the gates' verdicts, each and together.
fn gates_intro(view: &View) -> Option<String> {
    let n = view.gates.len();
    if n < 2 {
        return None;
    }
    let is_below = |gate: &&GateSeen| gate.verdict() == GateVerdict::Below;
    let below = view.gates.iter().filter(is_below).count();
    let each = percent_of(ALPHA);
    // Units run in separate processes, so their verdicts are independent.
    let some = 1.0 - (1.0 - ALPHA).powi(i32::try_from(n).unwrap_or(i32::MAX));
    let single = match below {
        1.. if below < n => format!(
            " A single `below` is wrong in at most {each} of runs. If every rate equals its limit, at \
             least one of {} is wrong in up to {} of runs.",
            count(n as u64),
            percent_of((some * 100.0).round() / 100.0)
        ),
        _ => String::new(),
    };
    Some(format!(
        "The {} gates together: exit code 0 and exit code 120 are each wrong in at most {each} of \
         runs.{single}",
        count(n as u64)
    ))
}

/// The verdict of a gate.
pub(crate) fn gate(seen: &GateSeen) -> String {
    let gate = &seen.gate;
    let name = of_unit(&gate.name, Some(gate.mode), &gate.variant);
    let (bad, n) = seen.watch.seen();
    let missing = rounds(seen.watch.missing());
    let after = plural(n, "round");
    let below = percent_of(gate.limit.below);
    let verdict = match (seen.clustered, seen.watch.verdict()) {
        (true, _) => format!(
            "no verdict after {after}: bad rounds come in clusters, and a gate assumes independent \
             rounds"
        ),
        (_, GateVerdict::Below) => format!("below {below} (95%) after {after}"),
        (_, GateVerdict::Above) => format!("above {below} (95%) after {after}"),
        (_, GateVerdict::Undecided) if seen.watch.is_prevented() => format!(
            "no verdict after {after}: {} vanished, and the rate may lie on either side of {below} \
             depending on how they ended",
            plural(missing, "round")
        ),
        (_, GateVerdict::Undecided) => format!("inconclusive after {after}"),
    };
    let what = gate.limit.outcome.map_or("bad", Outcome::word);
    let is_decided = !seen.clustered && seen.watch.verdict() != GateVerdict::Undecided;
    let rate = match n {
        0 => String::new(),
        // An interval holds for all limits at once. It is wider than the test of one limit, and may
        // contain a limit that the test excludes.
        n if is_decided && bad == 0 => format!("; {what} {}", share(0, rounds(n))),
        n if is_decided => format!("; {what} {}", rate(rounds(bad), rounds(n))),
        n => format!(
            "; {what} {}",
            estimate(rounds(bad), rounds(n), OptionalStopping::Possible)
        ),
    };
    let vanished = match missing {
        0 => String::new(),
        n => format!(
            "; {} vanished: if all were {what}: {}/{}",
            plural(n, "round"),
            count(bad + u64::from(n)),
            count(seen.watch.seen().1 + u64::from(n))
        ),
    };
    format!("{name}: {}: {verdict}{rate}{vanished}", gate.limit)
}
