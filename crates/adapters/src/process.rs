//! Processes: what to start, and what was printed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A process that the caller starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invocation {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Variables that are added to the environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Variables that are removed from the environment.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unset: BTreeSet<String>,
    /// The working directory; `None` is the suite's directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
}

/// What a process printed, and how it ended.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// The exit code; `None` if a signal ended the process.
    pub exit: Option<i32>,
}

impl Invocation {
    pub(crate) fn new<W: Into<String>>(command: impl IntoIterator<Item = W>) -> Invocation {
        Invocation {
            command: command.into_iter().map(Into::into).collect(),
            ..Invocation::default()
        }
    }

    /// The same process with more arguments.
    pub(crate) fn with<W: Into<String>>(&self, arguments: impl IntoIterator<Item = W>) -> Self {
        let mut more = self.clone();
        more.command.extend(arguments.into_iter().map(Into::into));
        more
    }
}

impl fmt::Display for Invocation {
    /// The command as one would type it in a shell.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.command.iter().map(String::as_str);
        // Only a word with a NUL character cannot be quoted.
        let line = shlex::try_join(words).unwrap_or_else(|_| self.command.join(" "));
        f.write_str(&line)
    }
}

impl Output {
    /// Standard output as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}
