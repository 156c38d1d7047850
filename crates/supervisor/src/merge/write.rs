//! Writes a merged run into a folder.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crashrate_model::{Lines, RunInfo, ShardRun};

use super::emit::{Emitter, Item, Unchanged};
use super::files::KeptFile;
use super::{Merge, MergeError, files};
use crate::journal::{self, JOURNAL, LOCK, RunFolder};
use crate::plan::Plan;
use crate::run_file;
use crate::safe_file;

/// Bytes written at once.
const BUFFER: usize = 1 << 17;
/// The journal until it is complete.
const NEW_JOURNAL: &str = ".journal.jsonl-new";
/// What a merge makes before its journal.
const BEFORE_JOURNAL: [&str; 5] = [LOCK, NEW_JOURNAL, "output", "crashes", run_file::NAME];

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
        let temporary = path.join(NEW_JOURNAL);
        // A merge that died leaves its file. The folder is locked, so no other merge writes it.
        let _ = fs::remove_file(&temporary);
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
        let kept = Emitter::new(self, Unchanged::Copied).run(&mut |item| {
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

/// Checks that the merged run may be written into a folder: it is empty, has an earlier result of the
/// same runs or of some of them, or only leftovers of a merge that died before it had a journal.
pub(super) fn check_place(folder: &Path, info: &RunInfo) -> Result<(), MergeError> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    let is_left_over = || {
        let has_lock = names.iter().any(|name| name == LOCK);
        let is_made = |name: &OsString| BEFORE_JOURNAL.iter().any(|made| name == made);
        has_lock
            && names
                .iter()
                .all(|name| is_made(name) || safe_file::is_temporary(name))
    };
    if names.is_empty() || is_left_over() {
        return Ok(());
    }
    let Some(earlier) = earlier(folder, info) else {
        return Err(MergeError::Occupied(folder.to_owned()));
    };
    let merged = |run: &ShardRun| {
        runs(info).any(|(_, now)| {
            (&now.id, &now.resumed) == (&run.id, &run.resumed) && now.bytes >= run.bytes
        })
    };
    match runs(&earlier).find(|(_, run)| !merged(run)) {
        Some((shard, run)) => Err(MergeError::Loses {
            folder: folder.to_owned(),
            run: run.id.clone(),
            shard,
        }),
        None => Ok(()),
    }
}

/// The facts of a merged run of the same plan in a folder.
fn earlier(folder: &Path, info: &RunInfo) -> Option<RunInfo> {
    let run = journal::first_opened(&folder.join(JOURNAL))?.run;
    (run.merged.is_some() && run.plan == info.plan).then_some(run)
}

/// The runs of a merged run, each with the index of its shard.
fn runs(info: &RunInfo) -> impl Iterator<Item = (u32, &ShardRun)> {
    let shards = info.merged.iter().flat_map(|merged| &merged.shards);
    shards.flat_map(|shard| shard.each.iter().map(|run| (shard.index, run)))
}
