//! Keeps the attempts one by one, for those who ask for them: a long run has many.

use crashrate_model::{Ended, Mode, Outcome, Unit};

use crate::view::{Attempt, AttemptChapter};

/// An attempt that ended.
pub(super) fn ended(unit: &Unit, ended: &Ended, repeated: bool) -> Attempt {
    let chapters = match (unit.mode, ended.outcome.counts()) {
        (Mode::Sequential, true) => (0..unit.chapters.len())
            .map(|place| match ended.chapters.get(place) {
                Some(end) => AttemptChapter {
                    outcome: end.outcome,
                    secs: end.secs,
                    reason: end.reason.clone(),
                },
                None => none(Outcome::Unreached),
            })
            .collect(),
        (Mode::Isolated, true) => vec![AttemptChapter {
            outcome: ended.outcome,
            secs: ended.secs,
            reason: ended.reason.clone(),
        }],
        // The round is run again as a whole.
        (_, false) => vec![none(ended.outcome); unit.chapters.len()],
    };
    Attempt {
        unit: ended.unit,
        round: ended.round,
        attempt: ended.attempt,
        outcome: ended.outcome,
        repeated,
        secs: ended.secs,
        exit: ended.exit.clone(),
        died_in: ended.died_in.clone(),
        reason: ended.reason.clone(),
        signature: ended.crash.as_ref().map(|crash| crash.signature.clone()),
        output: ended.output.clone(),
        chapters,
    }
}

/// An attempt whose end will never be known.
pub(super) fn lost(place: u32, unit: &Unit, round: u32, attempt: u32, repeated: bool) -> Attempt {
    Attempt {
        unit: place,
        round,
        attempt,
        outcome: Outcome::Lost,
        repeated,
        secs: None,
        exit: None,
        died_in: None,
        reason: None,
        signature: None,
        output: None,
        chapters: vec![none(Outcome::Lost); unit.chapters.len()],
    }
}

fn none(outcome: Outcome) -> AttemptChapter {
    AttemptChapter {
        outcome,
        secs: None,
        reason: None,
    }
}
