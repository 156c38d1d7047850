//! A running run: how far it is, what runs now, and how far its stopping rule is.

use crashrate_model::StopReason;
use jiff::{SignedDuration, Timestamp};

use super::{Block, Text, Tone};
use crate::compare::{Evidence, e_value, name};
use crate::view::{GateSeen, Running, View};
use crate::words::{count, of_unit, plural, quantity, seconds};

/// Attempts, and parts of a stopping rule, that are named.
const NAMED: usize = 12;

/// The progress of a running run; nothing of one that has ended.
pub(super) fn running(view: &View) -> Vec<Block> {
    if !view.run.state.is_running() {
        return Vec::new();
    }
    let totals = &view.totals;
    let mut blocks = vec![Block::Progress(totals.first_attempt.n, totals.planned)];
    if let Some(why) = view.pace.ending {
        let why = match why {
            StopReason::TimeBudget => "its time is used up",
            _ => "a signal stopped it",
        };
        let text = format!(
            "Stopping: {why}; waiting for {}.",
            plural(view.running.len() as u64, "running attempt")
        );
        let tone = Tone::Doubtful;
        blocks.push(Block::Line(Text { text, tone }));
    }
    blocks.extend(pace(view).map(Block::line));
    let now = view
        .running
        .iter()
        .take(NAMED)
        .map(|now| attempt(view, now));
    blocks.extend(Block::list(now.collect()));
    blocks.extend(Block::list(rule(view)));
    blocks.push(Block::line(
        "All numbers are provisional. Intervals are valid whenever you look.",
    ));
    blocks
}

/// `3.2 rounds/s; about 2 min 10 s left`.
fn pace(view: &View) -> Option<String> {
    let pace = &view.pace;
    if pace.rounds == 0 || pace.secs <= 0.0 {
        return None;
    }
    let rate = f64::from(pace.rounds) / pace.secs;
    let speed = match rate {
        1.0.. => format!("{} rounds/s", quantity(rate)),
        _ => format!("{} rounds/min", quantity(60.0 * rate)),
    };
    let left = view.totals.planned.saturating_sub(view.totals.rounds);
    let time = seconds(f64::from(left) / rate);
    Some(match (left, pace.ending) {
        (0, _) | (_, Some(_)) => speed,
        _ if view.run.stopping.is_by_data() => format!("{speed}; at most about {time} left"),
        _ => format!("{speed}; about {time} left"),
    })
}

/// `a (isolated) round 3, attempt 2, since 05:39:12 UTC`.
fn attempt(view: &View, now: &Running) -> String {
    let name = of_unit(&now.name, Some(now.mode), &now.variant);
    let attempt = match now.attempt {
        1 => String::new(),
        attempt => format!(", attempt {attempt}"),
    };
    let round = count(now.round.into());
    format!(
        "{name} round {round}{attempt}{}",
        since(view, now).unwrap_or_default()
    )
}

fn since(view: &View, now: &Running) -> Option<String> {
    let opened: Timestamp = view.pace.opened.parse().ok()?;
    let begun = opened
        .checked_add(SignedDuration::try_from_secs_f64(now.at).ok()?)
        .ok()?;
    Some(format!(", since {} UTC", begun.strftime("%H:%M:%S")))
}

/// How much evidence the stopping rule has, and how much it takes.
fn rule(view: &View) -> Vec<String> {
    let gates = view
        .gates
        .iter()
        .filter(|seen| !seen.watch.is_decided())
        .map(gate);
    let comparisons = view.comparisons().iter().flat_map(|all| {
        let primary = all.list.iter().filter(|one| one.primary);
        primary.filter_map(move |one| match &one.evidence {
            Evidence::Pairs { watch, .. } if !watch.is_decided() => Some(format!(
                "{}: undecided after {}, E = {} of {}",
                name(one),
                plural(watch.blocks().n(), "block"),
                e_value(watch.ln_e()),
                e_value(watch.ln_needed())
            )),
            _ => None,
        })
    });
    gates.chain(comparisons).take(NAMED).collect()
}

fn gate(seen: &GateSeen) -> String {
    let gate = &seen.gate;
    let (evidence, needed) = seen.watch.progress();
    format!(
        "{}, {}: undecided after {}, E = {} of {}",
        of_unit(&gate.name, Some(gate.mode), &gate.variant),
        gate.limit,
        plural(seen.watch.seen().1, "round"),
        e_value(evidence),
        e_value(needed)
    )
}
