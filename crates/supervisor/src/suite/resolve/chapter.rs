//! `[[chapter]]`.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use crate::toml_file::Spanned;
use crashrate_model::Mode;

use super::super::{Action, Chapter, Expect, ProcessOptions, ResourceLimits, raw};
use super::Resolver;
use crate::program::{self, FindError};
use crate::toml_file::{Result, TomlError, not_valid};

impl Resolver<'_> {
    pub(super) fn chapters(
        &self,
        limits: ResourceLimits,
        process: ProcessOptions,
    ) -> Result<Vec<Chapter>> {
        let mut seen = HashSet::new();
        (self.file.chapter.iter())
            .map(|raw| {
                let id = self.source.new_id(&mut seen, "chapter", &raw.id)?;
                let whose = format!("chapter `{id}`");
                let timing = self.timing(&raw.timeout, &raw.grace, &raw.directory)?;
                let env = self.merged_env(&raw.id, &raw.env)?;
                let action = self.action(&whose, raw, &timing.directory, &env)?;
                let own_limits = self.limits(&format!("{whose}: limits"), raw.limits.as_ref())?;
                Ok(Chapter {
                    modes: self.modes(&whose, raw)?,
                    rounds: self.rounds(raw.rounds.as_ref())?,
                    retries: self.retries(raw.retries.as_ref())?,
                    expect: self.expect(&whose, &raw.expect)?,
                    timing,
                    limits: own_limits.or(limits),
                    spawning: self.spawning(&whose, &raw.spawn, &raw.zygote, &raw.command)?,
                    env,
                    action,
                    test: None,
                    exit_codes: self.exit_codes(&whose, &raw.exit_codes)?,
                    process: self.process(raw, process)?,
                    id,
                })
            })
            .collect()
    }

    fn action(
        &self,
        whose: &str,
        raw: &raw::Chapter,
        directory: &Path,
        env: &BTreeMap<String, String>,
    ) -> Result<Action> {
        match (&raw.worker, &raw.command, &raw.params) {
            (None, None, _) => {
                let problem = "nothing to run: add `worker = \"...\"` or `command = [...]`";
                self.source.refuse(&raw.id, format!("{whose}: {problem}"))
            }
            (Some(_), Some(command), _) => {
                let problem = "has both `worker` and `command`; keep one";
                self.source.refuse(command, format!("{whose}: {problem}"))
            }
            (None, Some(_), Some(params)) => {
                let problem = "`params` are for worker chapters; give a command arguments or `env`";
                self.source.refuse(params, format!("{whose}: {problem}"))
            }
            (Some(worker), None, params) => Ok(Action::Worker {
                chapter: worker.clone(),
                params: (params.as_ref())
                    .map(|params| params.get_ref().clone())
                    .unwrap_or_default(),
            }),
            (None, Some(command), None) => {
                let command = self.command(whose, command, directory, env)?;
                Ok(Action::Command(command))
            }
        }
    }

    /// Checks that a command's program exists.
    pub(super) fn command(
        &self,
        whose: &str,
        command: &Spanned<Vec<String>>,
        directory: &Path,
        env: &BTreeMap<String, String>,
    ) -> Result<Vec<String>> {
        let words = command.get_ref();
        let problem = match words.first() {
            None => "`command` is empty; name a program",
            Some(_) if words.iter().any(|word| word.contains('\0')) => {
                "`command` contains a NUL character"
            }
            Some(_) if self.may_be_built() => return Ok(words.clone()),
            Some(program) => {
                return match program::find(program, directory, env) {
                    Ok(_) => Ok(words.clone()),
                    Err(error) => self.not_found(whose, command, &error),
                };
            }
        };
        self.source.refuse(command, format!("{whose}: {problem}"))
    }

    /// Refuses a command whose program was not found.
    pub(super) fn not_found<T>(
        &self,
        whose: &str,
        command: &Spanned<Vec<String>>,
        error: &FindError,
    ) -> Result<T> {
        let at = (self.source).error(command.span(), format!("{whose}: {error}"));
        Err(match error {
            FindError::Absent(_) => TomlError::NoProgram(Box::new(at)),
            FindError::NotExecutable(_) => at,
        })
    }

    fn modes(&self, whose: &str, raw: &raw::Chapter) -> Result<Vec<Mode>> {
        let both = [Mode::Isolated, Mode::Sequential];
        let is_in_sequence = self.in_sequences.contains(raw.id.get_ref().as_str());
        let Some(named) = &raw.modes else {
            return Ok(both[..1 + usize::from(is_in_sequence)].to_vec());
        };
        let key = format!("{whose}: modes");
        let mut modes = Vec::new();
        for word in named.get_ref() {
            let mode = self.source.one_of(&key, "mode", word, &both)?;
            if !modes.contains(&mode) {
                modes.push(mode);
            }
        }
        let problem = match (modes.contains(&Mode::Sequential), is_in_sequence) {
            _ if modes.is_empty() => "`modes` is empty; name a mode or remove the key",
            (true, false) => "`modes` has `sequential`, but no [[sequence]] names this chapter",
            (false, true) => "a [[sequence]] names this chapter, but `modes` lacks `sequential`",
            _ => return Ok(modes),
        };
        self.source.refuse(named, format!("{whose}: {problem}"))
    }

    fn expect(&self, whose: &str, raw: &[Spanned<Expect>]) -> Result<Vec<Expect>> {
        for expect in raw {
            if let Some(problem) = wrong_in(expect.get_ref()) {
                let problem = format!("{whose}: {problem}");
                return self.source.refuse(expect, problem);
            }
        }
        Ok(raw.iter().map(|expect| expect.get_ref().clone()).collect())
    }
}

/// What is wrong in an expectation.
fn wrong_in(expect: &Expect) -> Option<String> {
    let bounds = [expect.at_most, expect.at_least];
    if bounds == [None, None] {
        return Some("expect: add `at_most`, `at_least` or both".into());
    }
    if bounds.iter().flatten().any(|bound| bound.is_nan()) {
        return Some("expect: `at_most` and `at_least` must be numbers, not nan".into());
    }
    if let [Some(most), Some(least)] = bounds
        && least > most
    {
        let problem = format!("expect: at_least = {least} is more than at_most = {most}");
        return Some(problem);
    }
    let is_kind = |device: &String| matches!(device.as_str(), "mps" | "cuda" | "cpu");
    let other = expect.on.iter().find(|device| !is_kind(device))?;
    let expected = "`mps`, `cuda` or `cpu`";
    Some(not_valid("expect: on", other, "kind of device", expected))
}
