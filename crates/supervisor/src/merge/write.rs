//! Writes a merged run into a folder.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crashrate_model::{Lines, Record, RunInfo};

use super::emit::{Emitter, Item};
use super::files::KeptFile;
use super::{Merge, MergeError, files};
use crate::journal::{self, JOURNAL, RunFolder};
use crate::plan::Plan;
use crate::run_file;

/// Bytes written at once.
const BUFFER: usize = 1 << 17;

impl Merge {
    /// Writes the merged run into its folder: run file, journal, outputs and crashes. An earlier
    /// journal is replaced at once, at the end.
    ///
    /// # Errors
    /// A journal cannot be read again, or the folder cannot be written.
    pub fn write(&self, folder: &RunFolder) -> Result<(), MergeError> {
        let path = folder.path();
        let failed = |source| MergeError::Write {
            path: path.to_owned(),
            source,
        };
        let temporary = path.join(format!(".{JOURNAL}-{}", std::process::id()));
        let written = self.write_journal(&temporary);
        let kept = match written {
            Ok(kept) => kept,
            Err(error) => {
                let _ = fs::remove_file(&temporary);
                return Err(error);
            }
        };
        files::copy(self, path, &kept)?;
        run_file::write(path, &self.info, self.plan().as_ref()).map_err(failed)?;
        fs::rename(&temporary, folder.journal()).map_err(failed)
    }

    /// Writes the merged journal into a new file.
    pub(super) fn write_journal(&self, path: &Path) -> Result<Vec<KeptFile>, MergeError> {
        let failed = |source| MergeError::Write {
            path: path.to_owned(),
            source,
        };
        let mut file = BufWriter::with_capacity(BUFFER, File::create(path).map_err(failed)?);
        let mut lines = Lines::default();
        let mut line = Vec::new();
        let kept = Emitter::new(self, true)?.run(&mut |item| {
            line.clear();
            match item {
                Item::Json(json) => lines.write_json(json, &mut line),
                Item::Record(record) => {
                    let written = lines.write(record, &mut line);
                    written.map_err(|error| failed(error.into()))?;
                }
            }
            file.write_all(&line).map_err(failed)
        })?;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error);
        file.and_then(|file| file.sync_data()).map_err(failed)?;
        Ok(kept)
    }

    /// The plan of the runs, if an input has it. A journal alone has none.
    fn plan(&self) -> Option<Plan> {
        let folders = self
            .indexes
            .iter()
            .filter_map(|index| index.input.folder.as_ref());
        let mut plans = folders.filter_map(|folder| run_file::read(folder).ok());
        let is_same = |plan: &Plan| Some(plan.fingerprint()) == self.info.plan;
        let plan = plans.find_map(|(plan, _)| Some(plan).filter(is_same))?;
        Some(Plan {
            shard: None,
            ..plan
        })
    }
}

/// Whether the run in a folder is a merged run of the same plan.
pub(super) fn is_result(folder: &Path, info: &RunInfo) -> bool {
    let first = journal::read(&folder.join(JOURNAL)).ok();
    let first = first.and_then(|mut records| records.next()?.ok());
    matches!(first, Some(Record::Opened(opened))
        if opened.run.merged.is_some() && opened.run.plan == info.plan)
}
