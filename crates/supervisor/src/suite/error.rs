//! What can go wrong with a suite.

use std::path::PathBuf;

use thiserror::Error;

use crate::toml_file::TomlError;

/// A suite that cannot be used.
#[derive(Debug, Error)]
pub enum SuiteError {
    /// Its file is wrong.
    #[error(transparent)]
    File(#[from] TomlError),
    /// There is no chapter in it.
    #[error("{}: nothing to run: the suite has no [[chapter]] and no [[tests]]", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A command given on the command line has no tests.
    #[error("nothing to run: `{0}` lists no tests")]
    NoTests(String),
    /// A command given on the command line cannot be run.
    #[error("{0}")]
    Command(String),
    /// The program of a command given on the command line is not on this machine.
    #[error("{0}")]
    NoProgram(String),
}

impl SuiteError {
    /// Whether a program of the suite is not on this machine. It may be on another.
    pub fn is_of_absent_program(&self) -> bool {
        matches!(
            self,
            SuiteError::NoProgram(_) | SuiteError::File(TomlError::NoProgram(_))
        )
    }
}
