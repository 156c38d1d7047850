//! TOML files that people write: suites and published reports. Every error names file, line and
//! column.

mod check;
mod explain;
mod spanned;

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use thiserror::Error;

pub(crate) use check::not_valid;
pub use check::{NAME, is_device, is_name};
pub(crate) use spanned::Spanned;

/// A TOML file that cannot be used.
#[derive(Debug, Error)]
pub enum TomlError {
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
    /// A program that the file names is not on this machine.
    #[error(transparent)]
    NoProgram(Box<TomlError>),
}

pub(crate) type Result<T> = std::result::Result<T, TomlError>;

/// Reads the text of a TOML file that holds a `what`.
pub(crate) fn read_text(path: &Path, what: &str) -> Result<String> {
    let unreadable = |problem: String| TomlError::Unreadable {
        path: path.to_owned(),
        problem,
    };
    if path.is_dir() {
        let problem = format!("this is a directory; name the {what}'s TOML file in it");
        return Err(unreadable(problem));
    }
    let bytes = std::fs::read(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => unreadable("no such file".into()),
        _ => unreadable(format!("cannot be read: {e}")),
    })?;
    String::from_utf8(bytes).map_err(|e| {
        let valid = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|&&byte| byte == b'\n').count() + 1;
        unreadable(format!(
            "line {line} is not UTF-8; a {what} is a TOML file in UTF-8"
        ))
    })
}

/// The text of a file, for errors that say where.
pub(crate) struct Source<'a> {
    pub(crate) path: &'a Path,
    pub(crate) text: &'a str,
}

impl Source<'_> {
    /// Reads the file into its raw form.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        toml::from_str(self.text).map_err(|e| {
            let span = e.span().unwrap_or_default();
            let problem = explain::explain(e.message().trim_end(), &span, self.text);
            self.error(span, problem)
        })
    }

    /// Refuses a value.
    pub(crate) fn refuse<T, V>(&self, value: &Spanned<V>, problem: impl Into<String>) -> Result<T> {
        Err(self.error(value.span(), problem))
    }

    /// An error at this place.
    pub(crate) fn error(&self, span: Range<usize>, problem: impl Into<String>) -> TomlError {
        let mut start = span.start.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        TomlError::At {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            problem: problem.into(),
        }
    }
}
