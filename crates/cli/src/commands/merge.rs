//! `crashrate merge`: one run of the runs of shards.

use std::path::{Path, PathBuf};
use std::slice;

use clap::Args;
use crashrate_report::{Detail, RunState, TerminalOptions, one_line, terminal};
use crashrate_supervisor::journal::{self, FolderError, JournalError, RunFolder};
use crashrate_supervisor::merge::{
    Input, Merge, MergeError, OpenAttempts, RepeatedShard, find_inputs, without_records,
};

use crate::error::{Exit, Failure};
use crate::output::{note, print, report_options, show_report};
use crate::run_folder::{
    PAGE, find_failure, name_run, page_view, previous, report_page, write_reports,
};

#[derive(Args, Debug)]
#[command(after_help = "\
Each round counts once, even if runs are given twice or were merged before. If the job of a shard \
was started again, the first result of a round counts, and what the earlier job lost is shown as \
lost. Runs of another plan, or with other programs, are refused.

The exit code is 106 if blocks are missing, or if all rounds passed, but some only when they were \
run again.

In GitHub Actions the report is also the step's summary.

Examples:
  crashrate merge shared-runs                  all runs in a folder
  crashrate merge 12 13 14                     runs in --runs-dir
  crashrate merge node-*/journal.jsonl -o all  journals alone")]
pub(crate) struct MergeArguments {
    /// A run's folder, id or number, a journal, or a folder with run folders; may be repeated
    #[arg(required = true, value_name = "RUN")]
    run: Vec<String>,

    /// The folder of the merged run, new or of an earlier merge [a new run in --runs-dir]
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,

    /// Number of the merged run [the highest of the merged runs plus 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=999_999_999))]
    number: Option<u32>,

    /// Exit with 0 where the code would be 100, 120 or 121
    #[arg(long)]
    report_only: bool,

    /// Print all sections of the report, not only a summary
    #[arg(long, conflicts_with = "quiet")]
    full: bool,

    /// Print only the title and the verdict of the report
    #[arg(short, long)]
    quiet: bool,
}

pub(crate) fn merge(runs: &Path, arguments: &MergeArguments) -> Result<Exit, Failure> {
    let inputs = inputs(runs, &arguments.run)?;
    // Results may be lost, so this is said with --quiet too.
    for folder in without_records(&arguments.run) {
        note(format_args!(
            "warning: {} has no journal with a record and is left out",
            folder.display()
        ));
    }
    if !arguments.quiet {
        inputs.iter().for_each(note_state);
    }
    let mut merge = Merge::read(&inputs, OpenAttempts::Lost).map_err(failure)?;
    merge.repeated().iter().for_each(note_repeated);
    let path = place(runs, arguments, &mut merge)?;
    merge.check_place(&path).map_err(failure)?;
    let folder = RunFolder::for_merged(&path, merge.info())?;
    merge.write(&folder).map_err(failure)?;
    // The index of the attempts is large, and the report needs memory too.
    drop(merge);
    let mut view = page_view(&path, RunState::Ended)?;
    let previous = previous(runs, &view);
    write_reports(&path, &view, previous.as_ref());
    // What a job of a cluster prints is read in another directory.
    let is_absolute = (arguments.output.as_ref()).is_some_and(|folder| folder.is_absolute());
    let page = report_page(&path).map(|relative| match is_absolute {
        true => one_line(&path.join(PAGE).to_string_lossy()),
        false => relative,
    });
    let mut options: TerminalOptions<'_> = report_options(arguments.full, page.as_deref());
    if arguments.quiet {
        options.detail = Detail::Headline;
        options.page = None;
    }
    name_run(&mut view, runs, &path);
    let text = terminal(&view, &options);
    show_report(&text, &view, previous.as_ref(), print)?;
    Ok(match arguments.report_only {
        true => Exit::of(&view).of_report_only(),
        false => Exit::of(&view),
    })
}

/// The runs with these names. A repeated round in a folder of shards is left out: it is no part of
/// the plan.
fn inputs(runs: &Path, names: &[String]) -> Result<Vec<Input>, Failure> {
    let mut inputs = Vec::new();
    for name in names {
        let mut found = find_inputs(runs, slice::from_ref(name)).map_err(failure)?;
        let is_listed = |input: &Input| {
            let parent = input.folder.as_deref().and_then(Path::parent);
            parent == Some(Path::new(name))
        };
        found.retain(|input| {
            let is_left_out = is_listed(input) && input.repeats_round();
            if is_left_out {
                note(format_args!(
                    "warning: {} repeats a round of another run, and is left out",
                    input.journal.parent().unwrap_or(&input.journal).display()
                ));
            }
            !is_left_out
        });
        inputs.extend(found);
    }
    Ok(inputs)
}

/// Says if a run is not over, or has nothing to merge.
fn note_state(input: &Input) {
    let Some(folder) = &input.folder else {
        return;
    };
    let shown = folder.display();
    if !journal::has_records(folder) {
        note(format_args!(
            "warning: {shown} has no record and is left out"
        ));
    } else if journal::is_live(folder) {
        note(format_args!(
            "warning: {shown} is still running; attempts that have not ended count as lost; merge \
             again when it is over"
        ));
    }
}

/// Names the runs of a shard whose results of the same rounds are left out.
fn note_repeated(shard: &RepeatedShard) {
    note(format_args!(
        "note: shard {} was run several times; the results of {} count, those of {} for the same \
         rounds are left out",
        shard.index,
        shard.counted.join(", "),
        shard.left_out.join(", ")
    ));
}

/// The folder of the merged run.
fn place(runs: &Path, arguments: &MergeArguments, merge: &mut Merge) -> Result<PathBuf, Failure> {
    if let Some(number) = arguments.number {
        merge.renumber(number);
    }
    if let Some(folder) = &arguments.output {
        return Ok(folder.clone());
    }
    let number = merge.info().number;
    match journal::check_number(runs, number, merge.folder_name()) {
        Err(FolderError::Taken { .. }) if arguments.number.is_none() => {
            merge.renumber(journal::free_number(runs, None)?);
        }
        checked => checked?,
    }
    Ok(runs.join(merge.folder_name()))
}

fn failure(error: MergeError) -> Failure {
    match error {
        MergeError::Folder(error @ FolderError::NotFound { .. }) => find_failure(error),
        MergeError::Folder(error) => error.into(),
        MergeError::Journal(
            error @ (JournalError::Write { .. } | JournalError::Changed { .. }),
        ) => Failure::new(Exit::Journal, error),
        error @ MergeError::Write { .. } => Failure::new(Exit::Journal, error),
        MergeError::Journal(error @ (JournalError::Corrupt { .. } | JournalError::Read { .. })) => {
            Failure::usage(format!(
                "{error}; to merge the other runs without this one, name each of them"
            ))
        }
        error => Failure::usage(error),
    }
}
