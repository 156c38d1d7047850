//! What the end of an attempt changes: the journal, the schedule, the evidence rounds.
//!
//! Runs under the run's lock. [`super::finish`] has done everything that needs no state before.

use std::collections::VecDeque;

use crashrate_model::{Ended, EvidenceRound, Outcome, Record, StopReason, ZygoteEnd};

use super::campaign::RunError;
use super::event::EndedAttempt;
use super::evidence_rounds::EvidenceRounds;
use super::state::Runner;
use crate::process::{Assignment, Watched};
use crate::schedule::{End, Input, Running};

impl Runner<'_> {
    /// Records the end of an attempt, then frees its slot in the schedule.
    pub(super) fn attempt_ended(
        &mut self,
        ended: EndedAttempt,
        inputs: &mut VecDeque<Input>,
    ) -> Result<(), RunError> {
        let EndedAttempt {
            running,
            observed,
            mut record,
            ..
        } = ended;
        let unit = running.key.unit;
        self.attempt_left(running.slot);
        let troubles = [
            (StopReason::WaitingFailed, &observed.evidence.waiting_failed),
            (StopReason::ProgramReplaced, &ended.replaced),
        ];
        for (why, problem) in troubles {
            if let Some(problem) = problem {
                self.give_up(why, problem.clone());
                inputs.push_back(Input::Stop(why));
            }
        }
        if let Some(hello) = observed.seen.transcript.hello()
            && !self.hellos.contains(hello)
        {
            self.hellos.push(hello.clone());
            self.record(Record::Hello(hello.clone()), inputs)?;
        }
        for reason in &observed.evidence.zygotes_ended {
            let zygote = ZygoteEnd {
                at: self.elapsed(),
                unit,
                round: running.key.round,
                reason: reason.clone(),
            };
            self.record(Record::Zygote(zygote), inputs)?;
        }
        if ended.asked_for_children
            && let Some(rounds) = &mut self.evidence_rounds
        {
            rounds.checked_for_children(unit, observed.evidence.had_children);
        }
        if observed.evidence.usage.is_some() {
            self.compare_watching(&mut record, &observed.evidence.watched);
        }
        let outcome = record.outcome;
        record.at = self.elapsed();
        self.record(Record::Ended(record), inputs)?;
        let end = end_of(outcome);
        if self.asks_device(running, outcome, end) {
            return Ok(());
        }
        let slot = running.slot;
        inputs.push_back(Input::Ended { slot, end });
        Ok(())
    }

    /// Sets an attempt apart that was watched differently from the first one of its unit, and learns
    /// from it.
    fn compare_watching(&mut self, record: &mut Ended, watched: &Watched) {
        let first = self.first_watch[record.unit as usize].get_or_insert(watched.mode);
        record.apart = *first != watched.mode;
        self.perturbing.ended(record, &watched.places);
    }

    /// Whether evidence rounds may follow counted rounds that ended for this reason.
    pub(super) fn wants_evidence(&self, why: StopReason) -> bool {
        use StopReason::{Decided, Done, MaxFailures};
        let ended_as_planned = matches!(why, Done | Decided | MaxFailures);
        ended_as_planned && self.trouble.is_none() && self.evidence_rounds.is_some()
    }

    /// The counted rounds have ended: evidence rounds follow, if any are needed.
    pub(super) fn end_counted_rounds(&mut self, why: StopReason) {
        tracing::debug!(?why, "counted rounds ended");
        self.counted = Some(why);
    }

    /// Starts evidence rounds in all free slots.
    pub(super) fn fill_with_evidence_rounds(&mut self) {
        for slot in 0..self.slots.count() {
            if self.is_busy[slot] || self.has_failed(slot as u32) {
                continue;
            }
            let rounds = self.evidence_rounds.as_mut();
            let Some(key) = rounds.and_then(EvidenceRounds::next) else {
                return;
            };
            let running = Running {
                slot: slot as u32,
                key,
                attempt: 1,
            };
            self.is_busy[slot] = true;
            if self.programs.is_touched(key.unit) {
                self.slots.check_program(running);
            } else {
                self.start_evidence_round(running);
            }
        }
    }

    /// Starts an evidence round. No rate counts it, so its start is not recorded.
    pub(super) fn start_evidence_round(&mut self, running: Running) {
        let Running { slot, key, .. } = running;
        let unit = self.unit_name(key.unit);
        tracing::info!(unit, round = key.round, "starting an evidence round");
        let mut spec = self.specs.for_evidence(key, slot);
        if let Some(perturb) = &mut spec.perturb {
            self.perturbing.complete(key.unit, perturb);
        }
        spec.program = self.programs.path(key.unit);
        self.attempt_begins(running, true);
        self.slots.run(Assignment::new(running, spec));
    }

    pub(super) fn evidence_ended(
        &mut self,
        running: Running,
        round: Option<Box<EvidenceRound>>,
        inputs: &mut VecDeque<Input>,
    ) -> Result<(), RunError> {
        self.attempt_left(running.slot);
        let Some(mut round) = round else {
            return Ok(());
        };
        round.at = self.elapsed();
        let outcome = round.outcome;
        self.record(Record::Evidence(round), inputs)?;
        // The schedule has finished and ignores how the round ended.
        self.asks_device(running, outcome, End::Void);
        Ok(())
    }
}

/// What an outcome means to the schedule.
fn end_of(outcome: Outcome) -> End {
    match outcome {
        good if good.is_good() => End::Passed,
        other if other.counts() => End::NotPassed,
        _ => End::Void,
    }
}
