//! Reports with a line or a case for each attempt. They are written while the journal is read a second time, so that
//! their size does not matter.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crashrate_model::{Ended, Record};
use crashrate_postmortem::Frame;
use crashrate_report::{Ends, ListError, View, ViewBuilder};
use crashrate_supervisor::journal::Again;
use crashrate_supervisor::{crashes, run_file};

use super::reader::view_with;
use crate::error::Failure;
use crate::output::unless_closed;

/// Bytes of each output stream in a report.
const MAX_OUTPUT: usize = 16 * 1024;
/// The headings of the two streams in an output file.
const HEADINGS: [&str; 2] = ["--- standard output ---\n", "\n--- standard error ---\n"];
/// Bytes read of an output file: its last ones.
const MAX_READ: u64 = 1 << 20;

type Writer = fn(&View, &mut dyn Ends, &mut dyn Write) -> Result<(), ListError>;

/// Prints such a report of a run.
pub(crate) fn stream_attempts(folder: &Path, live: bool, write: Writer) -> Result<(), Failure> {
    let view = view_with(folder, live, ViewBuilder::with_attempts())?;
    let journal = Again::open(&folder.join("journal.jsonl")).map_err(Failure::usage)?;
    let mut stdout = BufWriter::new(std::io::stdout().lock());
    let folder = folder.to_owned();
    match write(&view, &mut RunFiles { journal, folder }, &mut stdout) {
        Ok(()) => unless_closed(stdout.flush()),
        Err(ListError::Output(error)) => unless_closed(Err(error)),
        Err(error) => Err(Failure::usage(error)),
    }
}

/// A run's journal and the files that it names.
struct RunFiles {
    journal: Again,
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
        let path = self.folder.join(file).canonicalize().ok()?;
        // The journal may come from someone else: a file outside the folder, or a FIFO, is not opened.
        let inside = path.starts_with(self.folder.canonicalize().ok()?);
        let length = path
            .metadata()
            .ok()
            .filter(|m| inside && m.is_file())?
            .len();
        let mut text = Vec::new();
        let mut file = File::open(path).ok()?;
        file.seek(SeekFrom::Start(length.saturating_sub(MAX_READ)))
            .ok()?;
        file.take(MAX_READ).read_to_end(&mut text).ok()?;
        let text = String::from_utf8_lossy(&text);
        let (out, err) = text.split_once(HEADINGS[1]).unwrap_or((&text, ""));
        let out = out.strip_prefix(HEADINGS[0]).unwrap_or(out);
        Some([end_of(out), end_of(err)])
    }

    fn stack(&mut self, file: &str) -> Vec<String> {
        let file = crashes::read(&self.folder, file).ok();
        let thread = file.as_ref().and_then(|file| file.crash.main_thread());
        let frames = thread
            .map(|thread| thread.frames.as_slice())
            .unwrap_or_default();
        frames.iter().map(Frame::short_place).collect()
    }

    fn suite_file(&mut self) -> Option<String> {
        let (plan, _) = run_file::read(&self.folder).ok()?;
        let here = std::env::current_dir().ok()?;
        let file = plan.suite.file?;
        Some(file.strip_prefix(here).ok()?.to_str()?.to_owned())
    }
}

/// The end of a text; its first line says what is left out.
fn end_of(text: &str) -> String {
    let mut begin = text.len().saturating_sub(MAX_OUTPUT);
    while !text.is_char_boundary(begin) {
        begin += 1;
    }
    match begin {
        0 => text.to_owned(),
        _ => format!("(the first {begin} bytes are left out)\n{}", &text[begin..]),
    }
}
