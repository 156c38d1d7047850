//! What can be checked of a suite before another machine reads it.

use std::cell::Cell;
use std::path::Path;

use crashrate_report::plural;
use crashrate_supervisor::jobs::Engine;
use crashrate_supervisor::request::RunRequest;
use crashrate_supervisor::suite::{Suite, TestSource};

use crate::commands::plan_file::{self, PlanFileArguments};
use crate::error::Failure;
use crate::output::{note, note_lines};

/// Plans the run here, without the hashes of its programs: they may exist only elsewhere.
///
/// # Errors
/// The suite or the options would be refused on the other machine.
pub(super) fn check(
    runs: &Path,
    engine: Engine,
    shards: u32,
    arguments: &PlanFileArguments,
) -> Result<(), Failure> {
    let suite = arguments.suite();
    if let Some(path) = suite.filter(|path| !path.exists()) {
        let path = path.display();
        if engine == Engine::Kubernetes {
            note(format_args!(
                "warning: {path} is not here, so it is not checked; the image needs it"
            ));
            return Ok(());
        }
        return Err(Failure::usage(format!(
            "{path}: no such file; the shards read it in a checkout of this repository"
        )));
    }
    match arguments.lists_tests() || suite.is_some_and(lists_tests) {
        // The program that lists them may be built only there.
        true => Ok(()),
        false => plan_file::request(runs, arguments)
            .map(|request| note_idle(shards, &request))
            .or_else(allow_absent_program),
    }
}

/// Says if some shards have nothing to run.
pub(super) fn note_idle(shards: u32, request: &RunRequest) {
    let rounds = request.plan.units.iter().map(|unit| unit.rounds);
    let blocks = rounds.max().unwrap_or(0);
    if blocks < shards {
        note(format_args!(
            "warning: --shards {shards}: the run has only {}, so {} nothing to run",
            plural(blocks, "block"),
            match shards - blocks {
                1 => "1 shard has".to_owned(),
                idle => format!("{idle} shards have"),
            }
        ));
    }
}

/// Says if the program that probes devices is not here. The machines of Slurm may have other folders.
pub(super) fn note_absent_probe(request: &RunRequest) {
    let words = request.plan.suite.probe.as_ref();
    let directory = &request.plan.suite.sequence_timing.directory;
    let program = words.and_then(|words| words.first()).map(Path::new);
    // A name without a folder is searched there.
    if let Some(program) = program
        && program.components().count() > 1
        && !directory.join(program).is_file()
    {
        note(format_args!(
            "warning: the probe {}: there is no such program on this machine; the machines of Slurm \
             need it",
            program.display()
        ));
    }
}

/// A program that is missing here may be in the image, or be built on the other machine.
fn allow_absent_program(failure: Failure) -> Result<(), Failure> {
    match failure.is_of_absent_program {
        true => {
            note_lines(&format!(
                "warning: {}\nThe rest of the suite is not checked here. The machines of the job need \
                 the program.",
                failure.message
            ));
            Ok(())
        }
        false => Err(failure),
    }
}

fn lists_tests(suite: &Path) -> bool {
    let lists = Cell::new(false);
    let lister = |_: &TestSource| {
        lists.set(true);
        Err(String::new())
    };
    // Planning reports other errors.
    let _ = Suite::read(suite, &lister);
    lists.get()
}
