//! Reports with a line or a case for each attempt. They are written while the journal is read a
//! second time, so that their size does not matter.

use std::error::Error;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crashrate_model::{Ended, Record};
use crashrate_report::{Ends, ListError, RunState, View, ViewBuilder, add_details};
use crashrate_supervisor::journal::{JOURNAL, RandomReader};
use crashrate_supervisor::plan::round_seed;
use crashrate_supervisor::run_file;

use super::outputs::read_output;
use super::reader::{stack, view_with};
use crate::error::Failure;
use crate::output::unless_closed;

type Writer = fn(&View, &mut dyn Ends, &mut dyn Write) -> Result<(), ListError>;

/// Prints such a report of a run.
pub(crate) fn stream_attempts(
    folder: &Path,
    state: RunState,
    write: Writer,
) -> Result<(), Failure> {
    let view = view_with(folder, state, ViewBuilder::with_attempts())?;
    let journal = RandomReader::new(&folder.join(JOURNAL));
    let mut stdout = BufWriter::new(std::io::stdout().lock());
    let folder = folder.to_owned();
    match write(&view, &mut RunFiles { journal, folder }, &mut stdout) {
        Ok(()) => unless_closed(stdout.flush()),
        Err(ListError::Output(error)) => unless_closed(Err(error)),
        Err(error) => Err(Failure::usage(error)),
    }
}

/// Adds what pages say of single attempts. Without a readable journal they say nothing.
pub(crate) fn add_attempts(folder: &Path, view: &mut View) {
    let journal = RandomReader::new(&folder.join(JOURNAL));
    let folder = folder.to_owned();
    add_details(view, &mut RunFiles { journal, folder });
}

/// A run's journal and the files that it names.
struct RunFiles {
    journal: RandomReader,
    folder: PathBuf,
}

impl Ends for RunFiles {
    fn end(&mut self, place: u64) -> Result<Ended, Box<dyn Error + Send + Sync>> {
        match self.journal.record(place)? {
            Record::Ended(ended) => Ok(*ended),
            _ => Err("the journal was changed while it was read".into()),
        }
    }

    fn output(&mut self, file: &str) -> Option<[String; 2]> {
        read_output(&self.folder, file)
    }

    fn stack(&mut self, file: &str) -> Vec<String> {
        stack(&self.folder, file)
    }

    fn round_seed(&mut self, seed: u64, round: u32) -> Option<u64> {
        Some(round_seed(seed, round))
    }

    fn suite_file(&mut self) -> Option<String> {
        let (plan, _) = run_file::read(&self.folder).ok()?;
        let here = std::env::current_dir().ok()?;
        let file = plan.suite.file?;
        Some(file.strip_prefix(here).ok()?.to_str()?.to_owned())
    }
}
