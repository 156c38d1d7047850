//! What can be wrong with a suite, or with a record that it names, said in one message.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use thiserror::Error;

/// A suite, or a recorded report, that cannot be used.
#[derive(Debug, Error)]
pub enum SuiteError {
    /// The file cannot be read.
    #[error("{}: {problem}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Something in the file is wrong.
    #[error("{}:{line}:{column}: {problem}", path.display())]
    At {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong and what to do.
        problem: String,
    },
    /// There is no chapter in it.
    #[error("{}: nothing to run: the suite has no [[chapter]]", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A command given on the command line cannot be run.
    #[error("{0}")]
    Command(String),
}

/// The text of a suite or record, for messages that say where.
pub(crate) struct Source<'a> {
    pub(crate) path: &'a Path,
    pub(crate) text: &'a str,
}

impl Source<'_> {
    /// The file as it is written.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, SuiteError> {
        toml::from_str(self.text).map_err(|e| {
            let message = e.message().trim_end_matches('\n');
            self.error(e.span().unwrap_or_default(), message)
        })
    }

    pub(crate) fn error(&self, span: Range<usize>, problem: impl Into<String>) -> SuiteError {
        let mut start = span.start.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let before = &self.text[..start];
        SuiteError::At {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before
                .rsplit('\n')
                .next()
                .unwrap_or_default()
                .chars()
                .count()
                + 1,
            problem: problem.into(),
        }
    }
}
