//! Decides the outcome of an ended attempt and writes its files.
//!
//! Runs in the slot's thread, before that takes the run's lock: hashing a program or writing an
//! output file must not hold up the other slots.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crashrate_model::{
    CrashRef, Descendant, Ended, EvidenceMode, EvidenceRound, Exit, Outcome, Unit, Usage,
};

use super::clock::rounded;
use super::event::{EndedAttempt, Event};
use super::probes::Probes;
use crate::crashes::{CrashRole, Crashes};
use crate::journal::RunFolder;
use crate::outcome::{Seen, classify};
use crate::outputs::Outputs;
use crate::plan::{AttemptSpec, SpecBuilder};
use crate::process::{Assignment, Captured, DescendantCrash, Guardian, Observed, Perturbed};
use crate::program::Programs;
use crate::schedule::{End, Running};

/// The most different crashes of descendants that are kept of one attempt.
const MAX_DESCENDANTS: usize = 16;

/// Finishes ended attempts. Shared by the threads of all slots.
pub(super) struct Finisher<'a> {
    units: &'a [Unit],
    specs: SpecBuilder<'a>,
    programs: &'a Programs,
    probes: Arc<Probes>,
    guardian: Arc<Guardian>,
    outputs: Outputs,
    crashes: Crashes,
    /// How the counted rounds are watched.
    watch: EvidenceMode,
    /// Whether the user was told that learned places belong to another build.
    has_warned: AtomicBool,
}

impl<'a> Finisher<'a> {
    pub(super) fn new(
        folder: &RunFolder,
        specs: &SpecBuilder<'a>,
        (programs, probes): (&'a Programs, Arc<Probes>),
        guardian: Arc<Guardian>,
        watch: EvidenceMode,
    ) -> Finisher<'a> {
        Finisher {
            units: &specs.plan.units,
            specs: specs.clone(),
            programs,
            probes,
            guardian,
            outputs: Outputs::new(folder.path()),
            crashes: Crashes::new(folder.path(), folder.id()),
            watch,
            has_warned: AtomicBool::new(false),
        }
    }

    /// Hashes the program of an attempt that is about to start.
    pub(super) fn check_program(&self, running: Running) -> Event {
        let unit = &self.units[running.key.unit as usize].name;
        tracing::info!(unit, "program file was touched; hashing it");
        Event::ProgramChecked(running, self.programs.replaced(running.key.unit))
    }

    /// Builds what an attempt that is about to start measures.
    pub(super) fn build(&self, running: Running) -> Event {
        let Running { slot, key, .. } = running;
        let unit = self.specs.unit_spec(key.unit);
        let end = self.programs.builds().build(unit, slot, &self.guardian);
        Event::Built(running, end)
    }

    /// Asks the device of a slot whether it works.
    pub(super) fn probe(&self, running: Running, end: End) -> Event {
        let problem = self.probes.ask(running, &self.specs, &self.guardian);
        Event::Probed(running, end, problem)
    }

    pub(super) fn finish(&self, assignment: Assignment, observed: Box<Observed>) -> Event {
        if assignment.spec.for_evidence {
            self.finish_evidence_round(&assignment, &observed)
        } else {
            self.finish_counted(assignment, observed)
        }
    }

    fn finish_counted(&self, assignment: Assignment, mut observed: Box<Observed>) -> Event {
        let Assignment {
            running,
            spec,
            assigned_at,
        } = assignment;
        let unit = &self.units[running.key.unit as usize];
        let replaced = self.programs.replaced_under(running.key.unit, assigned_at);
        if let Some(replaced) = &replaced {
            // Either of the two programs may have run, so nothing was measured.
            observed.seen = Seen {
                not_started: Some(format!("not counted: {replaced} when it began")),
                ..Seen::nothing(&spec.unit)
            };
        }
        let record = self.record(running, &spec, &observed);
        tracing::debug!(
            name = %unit.name,
            round = record.round,
            outcome = ?record.outcome,
            "attempt ended"
        );
        // The output is freed here rather than under the lock.
        (observed.stdout, observed.stderr) = (Captured::default(), Captured::default());
        Event::Ended(Box::new(EndedAttempt {
            running,
            observed,
            record: Box::new(record),
            replaced,
            asked_for_children: spec.asks_for_children,
        }))
    }

    /// Writes the files of a counted attempt and describes its end.
    fn record(&self, running: Running, spec: &AttemptSpec, observed: &Observed) -> Ended {
        let unit = &self.units[running.key.unit as usize];
        let mut verdict = classify(&spec.unit, &observed.seen);
        let outcome = verdict.outcome;
        let mut notes = std::mem::take(&mut verdict.notes);
        if let Some(perturbed) = &observed.evidence.watched.perturbed {
            self.warn_of_other_build(perturbed);
            if !outcome.is_good() {
                notes.push(perturbed.note());
            }
        }
        let output = if outcome.is_good() {
            None
        } else {
            self.outputs.keep(unit, running, observed, &mut notes)
        };
        let role = CrashRole {
            places: Some(&observed.evidence.watched.places),
            ..CrashRole::default()
        };
        let (crash, descendants) = self.keep_crashes(running, outcome, role, observed, &mut notes);
        let evidence = &observed.evidence;
        let was_run = evidence.usage.is_some();
        let ended = Ended {
            unit: running.key.unit,
            round: running.key.round,
            attempt: running.attempt,
            secs: Some(rounded(observed.seen.secs)),
            exit: observed.seen.exit.clone(),
            notes,
            output,
            crash,
            usage: evidence.usage.map(|usage| Usage {
                cpu_secs: rounded(usage.cpu_secs),
                ..usage
            }),
            evidence: (was_run && evidence.watched.mode != self.watch)
                .then_some(evidence.watched.mode),
            unperturbed: was_run
                && spec.perturb.is_some()
                && evidence.watched.mode != EvidenceMode::Trace,
            descendants,
            part: spec.part.clone(),
            device: self.specs.device_of(running.slot),
            disturbance: evidence.disturbance.clone().map(Box::new),
            spawn: evidence.spawn.filter(|spawn| *spawn != unit.spawn),
            ..verdict
        };
        ended.shortened()
    }

    /// Says once if the places of `--places` are of no use.
    fn warn_of_other_build(&self, perturbed: &Perturbed) {
        if perturbed.is_other_build && !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "none of the learned places is in the code that the program loads: they belong to \
                 another build, and the ambush is blind"
            );
        }
    }

    fn finish_evidence_round(&self, assignment: &Assignment, observed: &Observed) -> Event {
        let running = assignment.running;
        let verdict = classify(&assignment.spec.unit, &observed.seen);
        let outcome = verdict.outcome;
        let mut notes = verdict.notes;
        if !outcome.counts() {
            return Event::EvidenceEnded(running, None);
        }
        let role = CrashRole {
            evidence_round: true,
            places: Some(&observed.evidence.watched.places),
            descendant: None,
        };
        let (crash, descendants) = self.keep_crashes(running, outcome, role, observed, &mut notes);
        let round = EvidenceRound {
            at: 0.0,
            unit: running.key.unit,
            round: running.key.round,
            secs: rounded(observed.seen.secs),
            outcome,
            exit: observed.seen.exit.clone(),
            reason: verdict.reason,
            crash,
            descendants,
            notes,
        };
        Event::EvidenceEnded(running, Some(Box::new(round)))
    }

    /// Writes the crash files of an attempt and of its descendants.
    fn keep_crashes(
        &self,
        running: Running,
        outcome: Outcome,
        role: CrashRole<'_>,
        observed: &Observed,
        notes: &mut Vec<String>,
    ) -> (Option<CrashRef>, Vec<Descendant>) {
        let unit = &self.units[running.key.unit as usize];
        let descendants = self.keep_descendants(running, role, observed, notes);
        let own = (observed.evidence.watched.crash.as_deref()).filter(|_| outcome.is_death());
        let crash = own.map(|crash| self.crashes.keep(unit, running, crash, &role, notes));
        // An attempt that counts as crashed because a descendant crashed has its signature.
        let is_by_descendant =
            outcome == Outcome::Crashed && matches!(observed.seen.exit, Some(Exit::Code(_)));
        let crash = crash.or_else(|| {
            let first = descendants.first().filter(|_| is_by_descendant);
            first.map(|first| first.crash.clone())
        });
        (crash, descendants)
    }

    fn keep_descendants(
        &self,
        running: Running,
        role: CrashRole<'_>,
        observed: &Observed,
        notes: &mut Vec<String>,
    ) -> Vec<Descendant> {
        let unit = &self.units[running.key.unit as usize];
        let mut descendants: Vec<Descendant> = Vec::new();
        for (index, crashed) in observed.evidence.watched.descendants.iter().enumerate() {
            let DescendantCrash { program, crash } = crashed;
            let known = descendants.iter_mut().find(|known| {
                known.program == *program && known.crash.signature == crash.signature
            });
            if let Some(known) = known {
                known.times += 1;
            } else if descendants.len() < MAX_DESCENDANTS {
                let role = CrashRole {
                    descendant: Some((index, program)),
                    places: None,
                    ..role
                };
                descendants.push(Descendant {
                    program: program.clone(),
                    signal: crash.signal.clone().unwrap_or_default(),
                    crash: self.crashes.keep(unit, running, crash, &role, notes),
                    times: 1,
                });
            }
        }
        descendants
    }
}
