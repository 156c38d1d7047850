//! From a journal to a view.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crashrate_postmortem::Frame;
use crashrate_postmortem::source::SourceLines;
use crashrate_report::{RunState, View, ViewBuilder, ViewError};
use crashrate_supervisor::crashes;
use crashrate_supervisor::journal::{self, JOURNAL, Position};

use super::outputs::add_tails;
use crate::error::Failure;

/// Frames of a stack that a report shows.
const EXCERPT_FRAMES: usize = 6;
/// Signatures with a stack in a report.
const EXCERPTS: usize = 10;

/// The view of a run. The caller determines `state` first: a run that ends while its journal is
/// read is then complete.
pub(crate) fn view(folder: &Path, state: RunState) -> Result<View, Failure> {
    view_with(folder, state, ViewBuilder::new())
}

pub(super) fn view_with(
    folder: &Path,
    state: RunState,
    builder: ViewBuilder,
) -> Result<View, Failure> {
    let mut reader = JournalReader {
        builder,
        ..JournalReader::new(folder)
    };
    reader.read_new()?;
    reader.view(state)
}

/// Reads a journal that may still grow.
#[derive(Clone)]
pub(crate) struct JournalReader {
    folder: PathBuf,
    builder: ViewBuilder,
    position: Position,
}

impl JournalReader {
    pub(crate) fn new(folder: &Path) -> JournalReader {
        JournalReader {
            folder: folder.to_owned(),
            builder: ViewBuilder::with_attempts(),
            position: Position::default(),
        }
    }

    /// Bytes read so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.position.place
    }

    /// Reads the records that were appended since the last call.
    pub(crate) fn read_new(&mut self) -> Result<(), Failure> {
        let path = self.folder.join(JOURNAL);
        let mut records = journal::read_on(&path, self.position).map_err(Failure::usage)?;
        while let Some(record) = records.next() {
            let record = record.map_err(Failure::usage)?;
            let pushed = self.builder.push_from(&record, records.place());
            pushed.map_err(|error| invalid(&self.folder, &error))?;
        }
        self.position = records.position();
        Ok(())
    }

    pub(crate) fn view(self, state: RunState) -> Result<View, Failure> {
        let view = self.builder.finish(state);
        let mut view = view.map_err(|error| invalid(&self.folder, &error))?;
        add_excerpts(&self.folder, &mut view);
        add_tails(&self.folder, &mut view);
        Ok(view)
    }
}

fn invalid(folder: &Path, error: &ViewError) -> Failure {
    let path = folder.join(JOURNAL);
    Failure::usage(format!("{}: {error}", path.display()))
}

/// Adds the innermost frames of the first signatures.
fn add_excerpts(folder: &Path, view: &mut View) {
    for row in view.crashes.iter_mut().take(EXCERPTS) {
        if let Some(file) = &row.file {
            row.python = python_stack(folder, file);
            row.python.truncate(EXCERPT_FRAMES);
            row.excerpt = stack(folder, file);
            row.excerpt.truncate(EXCERPT_FRAMES);
        }
    }
}

/// Adds the source lines of these frames. This reads debug information, which takes seconds for a
/// large program.
pub(crate) fn add_source_lines(folder: &Path, view: &mut View) {
    for row in view.crashes.iter_mut().take(EXCERPTS) {
        let Some((name, file)) =
            (row.file.as_deref()).and_then(|name| Some((name, crashes::read(folder, name).ok()?)))
        else {
            continue;
        };
        let mut lines = source_lines(&folder.join(name));
        let thread = file.crash.main_thread();
        let frames = thread.into_iter().flat_map(|thread| &thread.frames);
        let frames = frames.take(row.excerpt.len()).enumerate();
        row.source = frames
            .map(|(index, frame)| lines.of(&file.crash, index, frame))
            .collect();
    }
}

/// The source lines of the crash in this file, which was written right after the crash.
pub(crate) fn source_lines(crash_file: &Path) -> SourceLines {
    let written = std::fs::metadata(crash_file).and_then(|file| file.modified());
    SourceLines::new(written.unwrap_or(SystemTime::UNIX_EPOCH))
}

/// The frames of the crashed thread, the innermost first. An unreadable crash file has none.
fn python_stack(folder: &Path, file: &str) -> Vec<String> {
    let file = crashes::read(folder, file).ok();
    let frames = file.into_iter().flat_map(|file| file.crash.python);
    frames.map(|frame| frame.to_string()).collect()
}

pub(super) fn stack(folder: &Path, file: &str) -> Vec<String> {
    let file = crashes::read(folder, file).ok();
    let thread = file.as_ref().and_then(|file| file.crash.main_thread());
    let frames = thread.into_iter().flat_map(|thread| &thread.frames);
    frames.map(Frame::short_place).collect()
}
