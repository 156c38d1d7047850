//! What can be checked of a suite before another machine reads it.

use std::cell::Cell;
use std::path::Path;

use crashrate_supervisor::jobs::Engine;
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
            .map(drop)
            .or_else(allow_absent_program),
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
    // What else is wrong, planning says.
    let _ = Suite::read(suite, &lister);
    lists.get()
}
