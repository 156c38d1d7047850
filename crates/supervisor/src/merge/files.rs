//! The output and crash files of a merged run, copied from the folders of its runs.

use std::collections::BTreeSet;
use std::path::Path;

use crashrate_model::Ended;

use super::join::JoinedRun;
use super::{Merge, MergeError};
use crate::safe_file;

/// The most output files, as of any run.
const MAX_OUTPUTS: usize = 1000;
/// The most crash files, as of any run.
const MAX_CRASHES: usize = 2000;

/// A file that the merged run has, by its name in the merged run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeptFile(String);

/// Keeps the first files that records name, and removes the names of the others.
#[derive(Debug, Default)]
pub(super) struct FileNames {
    pub(super) kept: Vec<KeptFile>,
    outputs: usize,
    crashes: BTreeSet<String>,
}

impl FileNames {
    pub(super) fn keep(&mut self, ended: &mut Ended) {
        if self.outputs >= MAX_OUTPUTS {
            ended.output = None;
        }
        if let Some(output) = &ended.output {
            self.outputs += 1;
            self.kept.push(KeptFile(output.clone()));
        }
        let more = ended.descendants.iter_mut().map(|one| &mut one.crash);
        for crash in ended.crash.iter_mut().chain(more) {
            self.keep_crash(&mut crash.file);
        }
    }

    pub(super) fn keep_crash(&mut self, file: &mut Option<String>) {
        let Some(name) = file else {
            return;
        };
        // An attempt and its descendant may name the same file.
        if self.crashes.contains(name) {
            return;
        }
        if self.crashes.len() >= MAX_CRASHES {
            *file = None;
            return;
        }
        self.crashes.insert(name.clone());
        self.kept.push(KeptFile(name.clone()));
    }
}

/// Copies files into the folder of the merged run. A file that no input has is left out: a journal
/// may be merged alone.
pub(super) fn copy(merge: &Merge, folder: &Path, files: &[KeptFile]) -> Result<(), MergeError> {
    let failed = |source| MergeError::Write {
        path: folder.to_owned(),
        source,
    };
    for name in ["output", "crashes"] {
        safe_file::make_folder(folder, name).map_err(failed)?;
    }
    let shards = merge.joined.shards.values();
    let runs: Vec<&JoinedRun> = shards.flat_map(|shard| &shard.runs).collect();
    for KeptFile(name) in files {
        if let Some(content) = runs.iter().find_map(|run| find(merge, run, name)) {
            safe_file::write(folder, name, &content).map_err(failed)?;
        }
    }
    Ok(())
}

/// The content of a file, if it is one of this run and an input has it.
fn find(merge: &Merge, run: &JoinedRun, name: &str) -> Option<Vec<u8>> {
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let file = file.strip_prefix(&*run.tag)?.strip_prefix('-')?;
    let before = match folder {
        "" => file.to_owned(),
        folder => format!("{folder}/{file}"),
    };
    run.inputs.iter().find_map(|input| {
        let index = merge.indexes.get(*input)?;
        let name = if index.is_merged { name } else { &before };
        safe_file::read(index.input.folder.as_ref()?, name).ok()
    })
}
