//! Looking without running: what a suite would run, what a run came to, which runs there are.

use std::error::Error;
use std::fmt::{Display, Write as _};
use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use crashrate_model::{Ended, Mode, Record, RunInfo};
use crashrate_report::{
    Ends, ListError, Place, View, ViewBuilder, ViewError, csv, html, json, junit, markdown,
    terminal,
};
use crashrate_supervisor::journal::{self, Again, FolderError, Upto};
use crashrate_supervisor::suite::{Action, Chapter, Suite, SuiteError};

use crate::args::{ReportArguments, ReportFormat};
use crate::crashes::add_excerpts;
use crate::exit::{Exit, Failure};

/// `crashrate report RUN`.
pub(crate) fn report(runs: &Path, arguments: &ReportArguments) -> Result<Exit, Failure> {
    let folder = journal::find(runs, &arguments.run).map_err(Failure::usage)?;
    let live = journal::is_live(&folder);
    let text = match arguments.format {
        ReportFormat::Junit => return list_attempts(&folder, live, junit),
        ReportFormat::Csv => return list_attempts(&folder, live, csv),
        ReportFormat::Terminal => for_terminal(&view(&folder, live)?),
        ReportFormat::Json => json(&view(&folder, live)?),
        ReportFormat::Markdown => {
            let view = view(&folder, live)?;
            markdown(&view, previous(runs, &view).as_ref())
        }
        ReportFormat::Html => {
            let view = view(&folder, live)?;
            html(&view, previous(runs, &view).as_ref(), Place::File)
        }
    };
    print(&text)?;
    Ok(Exit::Passed)
}

/// A form that lists attempts: it has as many lines as the run has chapters and rounds, and is written as they are read.
type List = fn(&View, &mut dyn Ends, &mut dyn Write) -> Result<(), ListError>;

fn list_attempts(folder: &Path, live: bool, list: List) -> Result<Exit, Failure> {
    let view = build(folder, live, ViewBuilder::with_attempts())?;
    let journal = Again::open(&folder.join("journal.jsonl")).map_err(Failure::usage)?;
    let mut stdout = BufWriter::new(std::io::stdout().lock());
    match list(&view, &mut EndsOf(journal), &mut stdout) {
        Ok(()) => written_or(stdout.flush())?,
        Err(ListError::Output(error)) => written_or(Err(error))?,
        Err(error) => return Err(Failure::usage(error)),
    }
    Ok(Exit::Passed)
}

/// The ends of attempts in a journal.
struct EndsOf(Again);

impl Ends for EndsOf {
    fn end(&mut self, place: u64) -> Result<Ended, Box<dyn Error + Send + Sync>> {
        match self.0.record(place)? {
            Record::Ended(ended) => Ok(*ended),
            _ => Err("the journal was changed while it was read".into()),
        }
    }
}

/// The view of a run, from its journal. Whether it is `live` has to be asked before: a run that ends while its journal
/// is read is then seen whole.
pub(crate) fn view(folder: &Path, live: bool) -> Result<View, Failure> {
    build(folder, live, ViewBuilder::new())
}

fn build(folder: &Path, live: bool, builder: ViewBuilder) -> Result<View, Failure> {
    let mut reading = Reading {
        builder,
        ..Reading::new(folder)
    };
    reading.go_on()?;
    reading.view(live)
}

/// A journal that is being read, and can be read on once there is more in it.
#[derive(Clone)]
pub(crate) struct Reading {
    folder: PathBuf,
    builder: ViewBuilder,
    upto: Upto,
}

impl Reading {
    pub(crate) fn new(folder: &Path) -> Reading {
        Reading {
            folder: folder.to_owned(),
            builder: ViewBuilder::new(),
            upto: Upto::default(),
        }
    }

    /// How many bytes were read.
    pub(crate) fn bytes(&self) -> u64 {
        self.upto.place
    }

    /// Reads what there is.
    pub(crate) fn go_on(&mut self) -> Result<(), Failure> {
        let path = self.folder.join("journal.jsonl");
        let mut records = journal::read_on(&path, self.upto).map_err(Failure::usage)?;
        while let Some(record) = records.next() {
            let record = record.map_err(Failure::usage)?;
            let pushed = self.builder.push_from(&record, records.place());
            pushed.map_err(|error| wrong(&self.folder, &error))?;
        }
        self.upto = records.upto();
        Ok(())
    }

    /// The view of what was read.
    pub(crate) fn view(self, live: bool) -> Result<View, Failure> {
        let view = self.builder.finish(live);
        let mut view = view.map_err(|error| wrong(&self.folder, &error))?;
        add_excerpts(&self.folder, &mut view);
        Ok(view)
    }
}

fn wrong(folder: &Path, error: &ViewError) -> Failure {
    let path = folder.join("journal.jsonl");
    Failure::usage(format!("{}: {error}", path.display()))
}

/// The run before this one: of the same suite, with the next lower number, and with a journal that can be read.
pub(crate) fn previous(runs: &Path, of: &View) -> Option<View> {
    previous_among(&journal::list(runs).ok()?, of)
}

/// The same among these folders, which are in their order.
fn previous_among(folders: &[PathBuf], of: &View) -> Option<View> {
    earlier_among(folders, of)
        .map(|folder| view(folder, journal::is_live(folder)))
        .find_map(Result::ok)
}

/// Those of the same suite with a lower number, the last one first.
pub(crate) fn earlier_among<'a>(
    folders: &'a [PathBuf],
    of: &'a View,
) -> impl Iterator<Item = &'a PathBuf> {
    let is_earlier = |folder: &&PathBuf| {
        opened(folder).is_some_and(|run| run.suite == of.run.suite && run.number < of.run.number)
    };
    folders.iter().rev().filter(is_earlier)
}

/// What a journal says of its run at its beginning.
pub(crate) fn opened(folder: &Path) -> Option<RunInfo> {
    let first = journal::read(&folder.join("journal.jsonl")).ok()?.next()?;
    match first.ok()? {
        Record::Opened(opened) => Some(opened.run),
        _ => None,
    }
}

/// The terminal form, as wide and as coloured as standard output is.
pub(crate) fn for_terminal(view: &View) -> String {
    terminal(view, columns(), console::colors_enabled())
}

/// How many columns standard output has.
pub(crate) fn columns() -> usize {
    match console::Term::stdout().size_checked() {
        Some((_, columns)) => usize::from(columns),
        None => 120,
    }
}

/// `crashrate list SUITE`.
pub(crate) fn list(path: &Path) -> Result<Exit, Failure> {
    let suite = Suite::read(path).map_err(suite_failure)?;
    let mut text = String::new();
    let _ = writeln!(text, "suite {}, device {}", suite.name, suite.device);
    for chapter in &suite.chapters {
        let modes: Vec<_> = chapter.modes.iter().map(|m| m.word()).collect();
        let rounds = match chapter.modes.contains(&Mode::Isolated) {
            true => format!(", {} isolated rounds", chapter.rounds),
            false => String::new(),
        };
        let _ = writeln!(
            text,
            "chapter {}: {} ({}{rounds})",
            chapter.id,
            what(chapter),
            modes.join(", ")
        );
    }
    for sequence in &suite.sequences {
        let own = match &sequence.command {
            Some(command) => format!(", run by {}", command.join(" ")),
            None => String::new(),
        };
        let chapters = sequence.chapters.join(" > ");
        let _ = writeln!(
            text,
            "sequence {}: {chapters} ({} rounds{own})",
            sequence.id, sequence.rounds
        );
    }
    for variant in &suite.variants[1..] {
        let _ = writeln!(text, "variant {}", variant.id);
    }
    print(&text)?;
    Ok(Exit::Passed)
}

fn what(chapter: &Chapter) -> String {
    match &chapter.action {
        Action::Command(argv) => argv.join(" "),
        Action::Worker { chapter, params } if params.is_empty() => format!("worker {chapter}"),
        Action::Worker { chapter, params } => {
            let params: Vec<_> = params.iter().map(|(k, v)| format!("{k}={v}")).collect();
            format!("worker {chapter} {}", params.join(" "))
        }
    }
}

/// A suite that cannot be used, on its way to its exit code.
pub(crate) fn suite_failure(error: SuiteError) -> Failure {
    let exit = match error {
        SuiteError::Empty { .. } => Exit::NothingToRun,
        _ => Exit::Usage,
    };
    Failure::new(exit, error)
}

/// A run folder that cannot be made, on its way to its exit code.
pub(crate) fn folder_failure(error: FolderError) -> Failure {
    Failure::new(Exit::Journal, error)
}

/// Prints a result. A reader that has seen enough (`| head`) is no error.
///
/// # Errors
/// It cannot be written, because the disk is full for instance.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    let newline = !text.ends_with('\n') && stdout.is_terminal();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| {
            if newline {
                stdout.write_all(b"\n")
            } else {
                Ok(())
            }
        })
        .and_then(|()| stdout.flush());
    written_or(written)
}

/// What became of writing to standard output.
pub(crate) fn written_or(written: std::io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::new(
            Exit::Journal,
            format_args!("the output cannot be written: {error}"),
        )),
        _ => Ok(()),
    }
}

/// Says something beside the results, on standard error. That nobody can read it is no reason to end a run.
pub(crate) fn tell(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
