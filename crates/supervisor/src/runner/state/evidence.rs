//! The evidence of crashes: what is kept of it, and the traced rounds that follow the counted ones.

use crashrate_model::{CrashRef, Descendant, EvidenceRound, Exit, Outcome, Record, StopReason};

use super::{Runner, rounded};
use crate::crashes::CrashRole;
use crate::outcome::classify;
use crate::plan::{AttemptSpec, Pending};
use crate::process::{DescendantCrash, Observed};
use crate::runner::RunError;
use crate::runner::evidence_rounds::EvidenceRounds;
use crate::schedule::Running;

/// How many different crashes of descendants are kept of an attempt.
const MAX_DESCENDANTS: usize = 16;

impl<R, T> Runner<'_, R, T>
where
    R: Iterator<Item = Pending>,
    T: Fn(u32) -> u32,
{
    /// Whether evidence rounds may follow rounds that ended for this reason.
    pub(super) fn wants_evidence(&self, why: StopReason) -> bool {
        use StopReason::{Decided, Done, MaxFailures};
        let ended_as_planned = matches!(why, Done | Decided | MaxFailures);
        ended_as_planned && self.trouble.is_none() && self.evidence_rounds.is_some()
    }

    /// Starts evidence rounds in all slots that are free. They are in no rate, so nothing needs to be on record first.
    pub(super) fn fill_with_evidence_rounds(&mut self) -> Result<(), RunError> {
        for slot in 0..self.slots.count() {
            if self.specs[slot].is_some() {
                continue;
            }
            let next = self.evidence_rounds.as_mut().and_then(EvidenceRounds::next);
            let Some(key) = next else {
                return Ok(());
            };
            let slot = slot as u32;
            let mut spec = self.recipe.for_evidence(key, slot);
            if self.programs.replaced(key.unit, &mut spec).is_some() {
                self.evidence_rounds = None;
                return Ok(());
            }
            let running = Running {
                slot,
                key,
                attempt: 1,
            };
            self.run(running, spec);
        }
        Ok(())
    }

    /// An evidence round ended.
    pub(super) fn evidence_ended(
        &mut self,
        running: Running,
        spec: &AttemptSpec,
        observed: &Observed,
    ) -> Result<(), RunError> {
        let verdict = classify(&spec.unit, &observed.seen);
        let mut notes = verdict.notes;
        if !verdict.outcome.counts() {
            return Ok(());
        }
        let (crash, descendants) =
            self.keep_crashes(running, verdict.outcome, true, observed, &mut notes);
        self.record(Record::Evidence(Box::new(EvidenceRound {
            at: self.elapsed(),
            unit: running.key.unit,
            round: running.key.round,
            secs: rounded(observed.seen.secs),
            outcome: verdict.outcome,
            exit: observed.seen.exit.clone(),
            reason: verdict.reason,
            crash,
            descendants,
            notes,
        })))
    }

    /// Keeps what is known of the crash of an attempt, and of those of its descendants.
    pub(super) fn keep_crashes(
        &mut self,
        running: Running,
        outcome: Outcome,
        evidence_round: bool,
        observed: &Observed,
        notes: &mut Vec<String>,
    ) -> (Option<CrashRef>, Vec<Descendant>) {
        let unit = &self.recipe.plan.units[running.key.unit as usize];
        let crashes = &mut self.kept.crashes;
        let role = CrashRole {
            evidence_round,
            descendant: None,
        };
        let of_descendant = observed.evidence.descendants.iter();
        let mut descendants: Vec<Descendant> = Vec::new();
        for (place, DescendantCrash { program, crash }) in of_descendant.enumerate() {
            let is_full = descendants.len() == MAX_DESCENDANTS;
            let known = descendants.iter_mut().find(|known| {
                known.program == *program && known.crash.signature == crash.signature
            });
            match known {
                Some(known) => known.times += 1,
                None if is_full => {}
                None => descendants.push(Descendant {
                    program: program.clone(),
                    signal: crash.signal.clone().unwrap_or_default(),
                    crash: {
                        let role = CrashRole {
                            descendant: Some((place, program)),
                            ..role
                        };
                        crashes.keep(unit, running, crash, &role, notes)
                    },
                    times: 1,
                }),
            }
        }
        let has_died = matches!(
            outcome,
            Outcome::Crashed | Outcome::TimedOut | Outcome::OutOfMemory
        );
        let own = observed.evidence.crash.as_deref().filter(|_| has_died);
        let crash = own.map(|crash| crashes.keep(unit, running, crash, &role, notes));
        // One that is `crashed` because a descendant was has that one's signature.
        let counts =
            outcome == Outcome::Crashed && matches!(observed.seen.exit, Some(Exit::Code(_)));
        let crash = crash.or_else(|| {
            let first = descendants.first().filter(|_| counts);
            first.map(|first| first.crash.clone())
        });
        (crash, descendants)
    }
}
