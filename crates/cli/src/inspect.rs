//! Looking without running: what a suite would run, what a run came to, which runs there are.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crashrate_model::{Mode, Record, RunInfo};
use crashrate_report::{
    Detail, Place, TerminalOptions, View, ViewBuilder, ViewError, csv, html, json, junit,
    junit_rounds, markdown, one_line, terminal,
};
use crashrate_supervisor::journal::{self, FolderError, Position};
use crashrate_supervisor::suite::{Action, Chapter, Suite, SuiteError};

use crate::args::{ReportArguments, ReportFormat};
use crate::calibrating::{self, calibrating};
use crate::crashes::add_excerpts;
use crate::exit::{Exit, Failure};
use crate::listed::{add_tails, list_attempts};
use crate::screen::print;

/// `crashrate report RUN`.
pub(crate) fn report(runs: &Path, arguments: &ReportArguments) -> Result<Exit, Failure> {
    let last = calibrating::last(runs).filter(|_| arguments.run == "latest");
    let folder = match last {
        Some(last) => last,
        None => journal::find(runs, &arguments.run).map_err(Failure::usage)?,
    };
    let live = journal::is_live(&folder);
    if let Some(short) = calibrating(&folder) {
        let sentence = calibrating::sentence(&short);
        if arguments.format != ReportFormat::Terminal {
            return Err(Failure::new(Exit::Incomplete, sentence));
        }
        print(&format!("{sentence}\n"))?;
        return Ok(Exit::Passed);
    }
    if arguments.junit_rounds && arguments.format != ReportFormat::Junit {
        return Err(Failure::usage("--junit-rounds needs --format junit"));
    }
    let text = match arguments.format {
        ReportFormat::Junit if arguments.junit_rounds => {
            return list_attempts(&folder, live, junit_rounds);
        }
        ReportFormat::Junit => return list_attempts(&folder, live, junit),
        ReportFormat::Csv => return list_attempts(&folder, live, csv),
        ReportFormat::Terminal => {
            let page = page(&folder);
            for_terminal(&view(&folder, live)?, arguments.full, page.as_deref())
        }
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

/// The view of a run, from its journal. Whether it is `live` has to be asked before: a run that ends while its journal
/// is read is then seen whole.
pub(crate) fn view(folder: &Path, live: bool) -> Result<View, Failure> {
    build(folder, live, ViewBuilder::new())
}

pub(crate) fn build(folder: &Path, live: bool, builder: ViewBuilder) -> Result<View, Failure> {
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
    upto: Position,
}

impl Reading {
    pub(crate) fn new(folder: &Path) -> Reading {
        Reading {
            folder: folder.to_owned(),
            builder: ViewBuilder::new(),
            upto: Position::default(),
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
        self.upto = records.position();
        Ok(())
    }

    /// The view of what was read.
    pub(crate) fn view(self, live: bool) -> Result<View, Failure> {
        let view = self.builder.finish(live);
        let mut view = view.map_err(|error| wrong(&self.folder, &error))?;
        add_excerpts(&self.folder, &mut view);
        add_tails(&self.folder, &mut view);
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
        opened(folder).is_some_and(|run| {
            // A round that was repeated was chosen, and is no sample.
            let whole = run.only_round.is_none();
            whole && run.suite == of.run.suite && run.number < of.run.number
        })
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
pub(crate) fn for_terminal(view: &View, full: bool, page: Option<&str>) -> String {
    let options = TerminalOptions {
        width: columns(),
        color: console::colors_enabled(),
        detail: match full {
            true => Detail::Full,
            false => Detail::Summary,
        },
        page,
    };
    terminal(view, &options)
}

/// The path of the page in a run's folder, as short as it can be written from here.
pub(crate) fn page(folder: &Path) -> Option<String> {
    let page = folder.join("report.html");
    let here = std::env::current_dir().unwrap_or_default();
    let shown = page.strip_prefix(&here).unwrap_or(&page);
    page.is_file().then(|| one_line(&shown.to_string_lossy()))
}

/// The columns of a report: `COLUMNS`, the terminal's, or 100.
pub(crate) fn columns() -> usize {
    columns_or(100)
}

/// The columns of a list, which keeps a line for each row if another program reads it.
pub(crate) fn columns_of_list() -> usize {
    columns_or(1000)
}

fn columns_or(piped: usize) -> usize {
    let wanted = std::env::var("COLUMNS").ok();
    let wanted = wanted.and_then(|columns| columns.parse().ok());
    let terminal = || console::Term::stdout().size_checked();
    wanted
        .filter(|columns| *columns > 0)
        .or_else(|| terminal().map(|(_, columns)| usize::from(columns)))
        .unwrap_or(piped)
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
            Some(command) => format!(", run by {}", one_line(&command.join(" "))),
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
        Action::Command(argv) => one_line(&argv.join(" ")),
        Action::Worker { chapter, params } if params.is_empty() => format!("worker {chapter}"),
        Action::Worker { chapter, params } => {
            let params: Vec<_> = params.iter().map(|(k, v)| format!("{k}={v}")).collect();
            one_line(&format!("worker {chapter} {}", params.join(" ")))
        }
    }
}

/// A suite that cannot be used, on its way to its exit code.
pub(crate) fn suite_failure(error: SuiteError) -> Failure {
    let exit = match error {
        SuiteError::Empty { .. } => Exit::NothingToRun,
        _ => Exit::Usage,
    };
    // Faults in the file are shown with its lines.
    Failure::new(exit, error).with_lines()
}

/// A run folder that cannot be made, on its way to its exit code.
pub(crate) fn folder_failure(error: FolderError) -> Failure {
    let exit = match error {
        FolderError::Taken { .. } | FolderError::NoNumber { .. } => Exit::Usage,
        _ => Exit::Journal,
    };
    Failure::new(exit, error)
}
