//! Reads back the journal of a run that is resumed.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use crashrate_model::Record;

use super::evidence_rounds::EvidenceRounds;
use super::perturbing::Perturbing;
use crate::decide::Decider;
use crate::journal::{self, JournalError, RunFolder};
use crate::plan::{Plan, Progress};
use crate::schedule::Input;

/// The state of a run after the records that its journal has.
pub(super) struct Resume {
    pub(super) progress: Progress,
    pub(super) decider: Decider,
    /// Traced rounds after the counted ones; no rate counts them. `None` if none are made.
    pub(super) evidence_rounds: Option<EvidenceRounds>,
    /// What perturbed attempts need to know of earlier ones.
    pub(super) perturbing: Perturbing,
    /// What the stopping rule asks the schedule for.
    pub(super) decided: Vec<Input>,
    /// The hashes of the programs that were measured, by path.
    pub(super) programs: BTreeMap<String, String>,
}

impl Resume {
    /// Reads the journal of a run of this plan. A new run has none.
    ///
    /// # Errors
    /// The journal cannot be read, or belongs to another plan.
    pub(super) fn read(
        folder: &RunFolder,
        plan: &Plan,
        decider: Decider,
        evidence_rounds: Option<EvidenceRounds>,
        perturbing: Perturbing,
    ) -> Result<Resume, JournalError> {
        let mut resume = Resume {
            progress: Progress::new(plan),
            decider,
            evidence_rounds,
            perturbing,
            decided: Vec::new(),
            programs: BTreeMap::new(),
        };
        let path = folder.journal();
        let records = match journal::read(&path) {
            Err(JournalError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
                return Ok(resume);
            }
            records => records?,
        };
        for (line, record) in (1..).zip(records) {
            resume
                .push(&record?, plan)
                .map_err(|problem| JournalError::Corrupt {
                    path: path.clone(),
                    line,
                    problem,
                })?;
        }
        Ok(resume)
    }

    fn push(&mut self, record: &Record, plan: &Plan) -> Result<(), String> {
        check(record, plan)?;
        self.progress.push(record)?;
        if let Some(rounds) = &mut self.evidence_rounds {
            rounds.push(record);
        }
        if let Record::Opened(opened) = record {
            self.programs.clone_from(&opened.run.programs);
        }
        self.decided.extend(self.decider.push(record));
        Ok(())
    }
}

/// Finds records that are well formed but do not fit the plan.
fn check(record: &Record, plan: &Plan) -> Result<(), String> {
    let units = &plan.units;
    let (unit, round, attempt) = match record {
        Record::Started(started) => (started.unit, started.round, started.attempt),
        Record::Ended(ended) => (ended.unit, ended.round, ended.attempt),
        Record::Opened(opened) if opened.run.units != *units => {
            return Err("it belongs to another plan than run.toml".into());
        }
        Record::Evidence(round) => (round.unit, round.round, 1),
        Record::Opened(_)
        | Record::Hello(_)
        | Record::Zygote(_)
        | Record::Built(_)
        | Record::DeviceFailed(_)
        | Record::Ending(_)
        | Record::Minimized(_)
        | Record::Bisected(_)
        | Record::Provoked(_)
        | Record::Closed(_) => return Ok(()),
    };
    match units.get(unit as usize) {
        None => Err(format!("there is no unit {unit} in the plan")),
        Some(planned) if round == 0 || round > planned.rounds || attempt == 0 => Err(format!(
            "the plan has no round {round}, attempt {attempt} of `{}`",
            planned.name
        )),
        Some(_) => match plan.shard {
            Some(shard) if !shard.has(round) => Err(format!("shard {shard} has no round {round}")),
            _ => Ok(()),
        },
    }
}
