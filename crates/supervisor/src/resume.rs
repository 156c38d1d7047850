//! What a resumed run has on record, and what its stopping rule decides from it.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use crashrate_model::{Record, Unit};

use crate::decide::{Decider, inputs};
use crate::journal::{self, JournalError, RunFolder};
use crate::plan::Progress;
use crate::schedule::Input;

/// What a resumed run has on record.
pub(crate) struct Resume {
    pub(crate) history: Progress,
    pub(crate) decider: Decider,
    /// Inputs that the schedule gets first.
    pub(crate) decided: Vec<Input>,
    /// The programs that were measured: hash by path.
    pub(crate) programs: BTreeMap<String, String>,
}

impl Resume {
    pub(crate) fn new(history: Progress, decider: Decider) -> Self {
        Resume {
            history,
            decider,
            decided: Vec::new(),
            programs: BTreeMap::new(),
        }
    }

    /// Reads the journal of a run of these units, if it exists.
    ///
    /// # Errors
    /// It cannot be read, or it belongs to another plan.
    pub(crate) fn read(
        &mut self,
        folder: &RunFolder,
        units: &[Unit],
        mut also: impl FnMut(&Record),
    ) -> Result<(), JournalError> {
        let path = folder.journal();
        let records = match journal::read(&path) {
            Err(JournalError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
                return Ok(());
            }
            records => records?,
        };
        for (line, record) in (1..).zip(records) {
            let record = record?;
            let checked = check(&record, units).and_then(|()| self.history.push(&record));
            also(&record);
            checked.map_err(|problem| JournalError::Corrupt {
                path: path.clone(),
                line,
                problem,
            })?;
            if let Record::Opened(opened) = &record {
                self.programs.clone_from(&opened.run.programs);
            }
            self.decided.extend(inputs(self.decider.push(&record)));
        }
        Ok(())
    }
}

/// Refuses a well-formed record that cannot belong to this plan.
fn check(record: &Record, units: &[Unit]) -> Result<(), String> {
    let (unit, round, attempt) = match record {
        Record::Started(started) => (started.unit, started.round, started.attempt),
        Record::Ended(ended) => (ended.unit, ended.round, ended.attempt),
        Record::Opened(opened) if opened.run.units != units => {
            return Err("it belongs to another plan than run.toml".into());
        }
        Record::Evidence(round) => (round.unit, round.round, 1),
        Record::Opened(_) | Record::Hello(_) | Record::Zygote(_) | Record::Closed(_) => {
            return Ok(());
        }
    };
    match units.get(unit as usize) {
        None => Err(format!("there is no unit {unit} in the plan")),
        Some(planned) if round == 0 || round > planned.rounds || attempt == 0 => Err(format!(
            "the plan has no round {round}, attempt {attempt} of `{}`",
            planned.name
        )),
        Some(_) => Ok(()),
    }
}
