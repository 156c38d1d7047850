//! Reports that list attempts: they have as many lines as the run has chapters and rounds, and are written as the
//! attempts are read.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crashrate_model::{Ended, Record};
use crashrate_postmortem::Frame;
use crashrate_report::{Ends, ListError, View, ViewBuilder};
use crashrate_supervisor::journal::RandomReader;
use crashrate_supervisor::{crashes, run_file};

use crate::exit::{Exit, Failure};
use crate::inspect::build;
use crate::screen::written_or;

/// The longest output in a report, of each of the two streams.
const OUTPUT: usize = 16 * 1024;
/// Lines of output in a report's summary, and the outputs that are read for it.
const TAIL: usize = 5;
const TAILS: usize = 10;
/// What separates the two streams in a kept output.
const HEADS: [&str; 2] = ["--- standard output ---\n", "\n--- standard error ---\n"];
/// The largest kept output that is read whole; of a larger one the end is.
const LARGEST: u64 = 1 << 20;

type List = fn(&View, &mut dyn Ends, &mut dyn Write) -> Result<(), ListError>;

/// Writes such a report of a run.
pub(crate) fn list_attempts(folder: &Path, live: bool, list: List) -> Result<Exit, Failure> {
    let view = build(folder, live, ViewBuilder::with_attempts())?;
    let journal = RandomReader::open(&folder.join("journal.jsonl")).map_err(Failure::usage)?;
    let mut stdout = BufWriter::new(std::io::stdout().lock());
    let folder = folder.to_owned();
    match list(&view, &mut InFolder { journal, folder }, &mut stdout) {
        Ok(()) => written_or(stdout.flush())?,
        Err(ListError::Output(error)) => written_or(Err(error))?,
        Err(error) => return Err(Failure::usage(error)),
    }
    Ok(Exit::Passed)
}

/// A run's journal, and the files that it names.
struct InFolder {
    journal: RandomReader,
    folder: PathBuf,
}

impl Ends for InFolder {
    fn end(&mut self, place: u64) -> Result<Ended, Box<dyn Error + Send + Sync>> {
        match self.journal.record(place)? {
            Record::Ended(ended) => Ok(*ended),
            _ => Err("the journal was changed while it was read".into()),
        }
    }

    fn output(&mut self, file: &str) -> Option<[String; 2]> {
        output(&self.folder, file)
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

/// The ends of the two streams of a kept output.
fn output(folder: &Path, file: &str) -> Option<[String; 2]> {
    let path = folder.join(file).canonicalize().ok()?;
    // A journal may come from elsewhere: it must not name files outside of its folder, or a FIFO.
    let inside = path.starts_with(folder.canonicalize().ok()?);
    let length = path
        .metadata()
        .ok()
        .filter(|m| inside && m.is_file())?
        .len();
    let mut text = Vec::new();
    let mut file = File::open(path).ok()?;
    file.seek(SeekFrom::Start(length.saturating_sub(LARGEST)))
        .ok()?;
    file.take(LARGEST).read_to_end(&mut text).ok()?;
    let text = String::from_utf8_lossy(&text);
    let (out, err) = text.split_once(HEADS[1]).unwrap_or((&text, ""));
    let out = out.strip_prefix(HEADS[0]).unwrap_or(out);
    Some([end_of(out), end_of(err)])
}

/// Reads the last lines of kept outputs into a view: of standard error, or else of standard output.
pub(crate) fn add_tails(folder: &Path, view: &mut View) {
    let chapters = view.chapters.iter_mut().map(|row| &mut row.results);
    let sequences = view.sequences.iter_mut().map(|row| &mut row.results);
    let reasons = chapters.chain(sequences).flat_map(|r| &mut r.reasons);
    for reason in reasons.filter(|r| r.output.is_some()).take(TAILS) {
        let [out, err] = (reason.output.as_deref())
            .and_then(|file| output(folder, file))
            .unwrap_or_default();
        let text = if err.trim().is_empty() { out } else { err };
        let lines: Vec<_> = text.trim_end().lines().collect();
        let last = &lines[lines.len().saturating_sub(TAIL)..];
        reason.tail = last.iter().map(|line| (*line).to_owned()).collect();
    }
}

/// The end of a text, with a remark if something is left out.
fn end_of(text: &str) -> String {
    let mut begin = text.len().saturating_sub(OUTPUT);
    while !text.is_char_boundary(begin) {
        begin += 1;
    }
    match begin {
        0 => text.to_owned(),
        _ => format!("(the first {begin} bytes are left out)\n{}", &text[begin..]),
    }
}
