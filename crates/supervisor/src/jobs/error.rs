//! What can go wrong with a job.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use thiserror::Error;

use super::TemplateError;
use crate::journal::FolderError;

/// A job that cannot be written, submitted, found or stopped.
#[derive(Debug, Error)]
pub enum JobError {
    /// A template cannot be used.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A file or folder cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or folder cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Unwritten {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder or file of a new job exists.
    #[error("{} exists already; {instead}", path.display())]
    Exists {
        /// The folder or file.
        path: PathBuf,
        /// What to do.
        instead: &'static str,
    },
    /// There is no such job.
    #[error("there is no job `{name}` in {}; {known}", jobs.display())]
    NotFound {
        /// The name.
        name: String,
        /// The folder of all jobs.
        jobs: PathBuf,
        /// The jobs that are there.
        known: String,
    },
    /// The folder of a job was named, but it is none.
    #[error(
        "{} has no job.toml, so it is not the folder of a job: name the folder that `crashrate \
         submit` has printed",
        .0.display()
    )]
    NoJobFile(PathBuf),
    /// `job.toml` cannot be understood.
    #[error(
        "{}:{line}: {problem}; `crashrate submit` wrote this file, and it was damaged later: restore \
         it, or join the results of the job with `crashrate merge {}`",
        path.display(),
        path.with_file_name("runs").display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A file or folder of a job is not as it must be.
    #[error("{}: {problem}", path.display())]
    Invalid {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The engine has no program that does this.
    #[error("a job of {engine} cannot be changed from here: {action} it on the page of {engine}")]
    ByHand {
        /// The engine.
        engine: &'static str,
        /// What to do with the job there.
        action: &'static str,
    },
    /// The engine never had the job.
    #[error("{}: the job has not been submitted, so there is nothing to cancel", path.display())]
    NotSubmitted {
        /// Its folder.
        path: PathBuf,
    },
    /// The runs of the shards cannot be listed.
    #[error(transparent)]
    Runs(#[from] FolderError),
    /// The engine's program is not installed.
    #[error(
        "{program} is not installed here: run this where the commands of {engine} are, or use \
         `crashrate submit --dry-run` to print the files"
    )]
    NoProgram {
        /// The program.
        program: &'static str,
        /// The engine.
        engine: &'static str,
    },
    /// The engine's program failed.
    #[error("{command}: {problem}\n{advice}")]
    Refused {
        /// The command.
        command: String,
        /// What it printed, or how it ended.
        problem: String,
        /// What to do.
        advice: &'static str,
    },
    /// The scripts of a job belong to another folder.
    #[error(
        "{}: the scripts of this job are for {}: resume the job in that folder, or move this one there",
        folder.display(), submitted.display()
    )]
    Moved {
        /// The folder.
        folder: PathBuf,
        /// Where the job was submitted.
        submitted: PathBuf,
    },
    /// The user stopped the submission.
    #[error("stopped; the engine has no part of the job")]
    Stopped,
    /// The engine refused a job or a part of it, and what it may have taken was not cancelled.
    #[error("{error}\n{cancel}\n{left}")]
    Left {
        /// Why the job was not submitted.
        error: Box<JobError>,
        /// Why it was not cancelled.
        cancel: Box<JobError>,
        /// What may be left, and how to remove it.
        left: String,
    },
    /// An option that the engine needs is missing.
    #[error("--on {engine} needs {option}: {what}")]
    Missing {
        /// The engine.
        engine: &'static str,
        /// The option.
        option: &'static str,
        /// What it says.
        what: &'static str,
    },
    /// The value of an option is wrong for the engine.
    #[error("{option} {value}: {problem}")]
    Value {
        /// The option.
        option: &'static str,
        /// The value.
        value: String,
        /// What is wrong, and what is expected.
        problem: &'static str,
    },
}

impl JobError {
    /// An error if the submission was stopped.
    pub(super) fn if_stopped(stop: &AtomicBool) -> Result<(), JobError> {
        match stop.load(Ordering::Relaxed) {
            true => Err(JobError::Stopped),
            false => Ok(()),
        }
    }

    /// The error of a file or folder that cannot be read.
    pub(super) fn unreadable(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> JobError {
        let path = path.into();
        move |source| JobError::Unreadable { path, source }
    }

    /// The error of a file or folder that cannot be written.
    pub(super) fn unwritten(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> JobError {
        let path = path.into();
        move |source| JobError::Unwritten { path, source }
    }
}
