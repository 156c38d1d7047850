//! Plan files that cannot be made or used.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::VERSION;
use crate::request::DivideError;

/// A plan file that cannot be made or used.
#[derive(Debug, Error)]
pub enum PlanFileError {
    /// It cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Unwritten {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is something else.
    #[error("{}: not a plan file: {problem}; `crashrate plan-file` writes one", path.display())]
    NotAPlan {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Written by another version of crashrate.
    #[error(
        "{}: plan file of version {version}, but this crashrate reads version {VERSION}: use the \
         same crashrate on all machines",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// It was edited or damaged.
    #[error(
        "{}: the file was changed after it was written; write it again with `crashrate plan-file`",
        .0.display()
    )]
    Changed(PathBuf),
    /// It was made of another suite or with other options.
    #[error(
        "{}: the file has another plan than the one made here: {what}; use the suite and the \
         options of the file, or remove it to make a new plan",
        path.display()
    )]
    OtherPlan {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: String,
    },
    /// There is another file in its place.
    #[error(
        "{}: is not a plan file, so it is not replaced; choose another name for the plan",
        .0.display()
    )]
    NotReplaced(PathBuf),
    /// This machine lacks a directory of the plan.
    #[error(
        "{}: the planned directory {} is not here: plan and run in the same place on all machines",
        path.display(),
        directory.display()
    )]
    Directory {
        /// The file.
        path: PathBuf,
        /// The directory.
        directory: PathBuf,
    },
    /// A program on this machine is missing, or differs from the planned one.
    #[error("{}: {}", path.display(), program_words(program, planned, found.as_deref()))]
    Program {
        /// The file.
        path: PathBuf,
        /// The program.
        program: String,
        /// Its SHA-256 in the plan.
        planned: String,
        /// Its SHA-256 here, if it is here.
        found: Option<String>,
    },
    /// This machine would start a program that was not there when the plan was made.
    #[error(
        "{}: {program} would be started here, but it is not in the plan: it was missing when the \
         plan was made",
        path.display()
    )]
    Unplanned {
        /// The file.
        path: PathBuf,
        /// The program.
        program: String,
    },
    /// This machine lacks tests of the plan.
    #[error("{}: {problem}", path.display())]
    Tests {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The plan cannot be divided.
    #[error(transparent)]
    Divided(DivideError),
    /// A repeated round is no plan for several machines.
    #[error("--round: a plan file has all rounds; give --round to `crashrate run`")]
    OnlyRound,
}

fn program_words(program: &str, planned: &str, found: Option<&str>) -> String {
    let short = |hash: &str| hash.chars().take(12).collect::<String>();
    let planned = short(planned);
    match found {
        Some(found) => format!(
            "{program} differs from the program that was planned (sha256 {planned}... there, \
             {}... here); build it once and copy it to all machines",
            short(found)
        ),
        None => format!(
            "{program} was planned (sha256 {planned}...), but it is not here; copy it to all \
             machines, to the same path"
        ),
    }
}
