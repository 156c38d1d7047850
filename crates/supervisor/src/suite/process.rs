//! What a suite says of the processes of its attempts besides their limits: terminal, directory, descendants.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::error::Source;
use super::{SuiteError, raw};

/// What the crash of a descendant does to the outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DescendantCrash {
    /// The attempt is `crashed`.
    Count,
    /// The outcome stays what it is; the crash is noted.
    Note,
}

/// How the processes of a chapter's attempts are set up and judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessOptions {
    /// What a descendant's crash does; if not given, it counts in attempts that did not pass and is noted otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descendants: Option<DescendantCrash>,
    /// Whether the process has a terminal: its standard input, output and error.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pty: bool,
    /// Whether every attempt runs in an empty directory of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh_directory: bool,
}

impl ProcessOptions {
    /// Whether it is what a suite without a word about it has.
    pub fn is_usual(&self) -> bool {
        *self == ProcessOptions::default()
    }
}

impl Source<'_> {
    /// What holds for sequences, and for chapters that say nothing.
    pub(super) fn common_process(
        &self,
        head: &raw::Head,
        defaults: &raw::Settings,
    ) -> Result<ProcessOptions, SuiteError> {
        let descendants = defaults.descendants.as_ref().or(head.descendants.as_ref());
        Ok(ProcessOptions {
            descendants: self.descendants(descendants)?,
            pty: false,
            fresh_directory: defaults.fresh_directory.unwrap_or(false),
        })
    }

    /// What holds for a chapter.
    pub(super) fn process(
        &self,
        chapter: &raw::Chapter,
        common: ProcessOptions,
    ) -> Result<ProcessOptions, SuiteError> {
        if let (Some(pty), Some(_)) = (&chapter.pty, &chapter.worker) {
            let problem = "pty: a worker chapter reads its task from standard input and has no terminal; use it with `command`";
            return Err(self.error(pty.span(), problem));
        }
        Ok(ProcessOptions {
            descendants: self
                .descendants(chapter.descendants.as_ref())?
                .or(common.descendants),
            pty: chapter.pty.as_ref().is_some_and(|pty| *pty.get_ref()),
            fresh_directory: chapter.fresh_directory.unwrap_or(common.fresh_directory),
        })
    }

    fn descendants(
        &self,
        word: Option<&Spanned<String>>,
    ) -> Result<Option<DescendantCrash>, SuiteError> {
        let Some(word) = word else {
            return Ok(None);
        };
        match word.get_ref().as_str() {
            "count" => Ok(Some(DescendantCrash::Count)),
            "note" => Ok(Some(DescendantCrash::Note)),
            other => {
                let problem = format!("descendants: `{other}` is neither `count` nor `note`");
                Err(self.error(word.span(), problem))
            }
        }
    }
}
