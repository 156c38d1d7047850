//! `[[chapter]]`.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use crashrate_model::Mode;
use toml::Spanned;

use super::super::{Action, Chapter, Expect, ProcessOptions, ResourceLimits, raw};
use super::Resolver;
use crate::program;
use crate::toml_file::{Result, TomlError, not_valid};

impl Resolver<'_> {
    pub(super) fn chapters(
        &self,
        limits: ResourceLimits,
        process: ProcessOptions,
    ) -> Result<Vec<Chapter>> {
        let in_sequence: HashSet<&str> = (self.file.sequence.iter())
            .flat_map(|s| s.chapters.get_ref())
            .map(|id| id.get_ref().as_str())
            .collect();
        let mut seen = HashSet::new();
        let chapter = |raw: &raw::Chapter| {
            let id = self.source.chapter_id(&raw.id)?;
            self.unique(&mut seen, "chapter", &id, &raw.id)?;
            let sequential = in_sequence.contains(id.as_str());
            let chapter = self.chapter(id, raw, sequential)?;
            Ok(Chapter {
                limits: chapter.limits.or(limits),
                process: self.process(raw, process)?,
                ..chapter
            })
        };
        self.file.chapter.iter().map(chapter).collect()
    }

    fn chapter(&self, id: String, raw: &raw::Chapter, in_sequence: bool) -> Result<Chapter> {
        let whose = format!("chapter `{id}`");
        let timing = self.timing(
            raw.timeout.as_ref(),
            raw.grace.as_ref(),
            raw.directory.as_ref(),
        )?;
        let env = self.merged_env(&raw.id, &raw.env)?;
        let action = self.action(&whose, raw, &timing.directory, &env)?;
        let expect = raw.expect.iter().map(|e| self.expect(&whose, e));
        Ok(Chapter {
            modes: self.modes(&whose, raw.modes.as_ref(), in_sequence)?,
            rounds: self.rounds(raw.rounds.as_ref())?,
            retries: self.retries(raw.retries.as_ref())?,
            expect: expect.collect::<Result<_>>()?,
            timing,
            limits: self.limits(&format!("{whose}: limits"), raw.limits.as_ref())?,
            spawning: match action {
                Action::Command(_) => {
                    self.command_spawning(&whose, raw.spawn.as_ref(), raw.zygote.as_ref())?
                }
                Action::Worker { .. } => {
                    self.worker_spawning(&whose, raw.spawn.as_ref(), raw.zygote.as_ref())?
                }
            },
            env,
            action,
            process: ProcessOptions::default(),
            id,
        })
    }

    fn action(
        &self,
        whose: &str,
        raw: &raw::Chapter,
        directory: &Path,
        env: &BTreeMap<String, String>,
    ) -> Result<Action> {
        let wrong =
            |span, problem: &str| Err(self.source.error(span, format!("{whose}: {problem}")));
        match (&raw.worker, &raw.command) {
            (None, None) => wrong(
                raw.id.span(),
                "nothing to run: add `worker = \"...\"` or `command = [...]`",
            ),
            (Some(_), Some(command)) => {
                wrong(command.span(), "has both `worker` and `command`; keep one")
            }
            (Some(worker), None) => Ok(Action::Worker {
                chapter: worker.clone(),
                params: (raw.params.as_ref())
                    .map(|params| params.get_ref().clone())
                    .unwrap_or_default(),
            }),
            (None, Some(command)) => match &raw.params {
                Some(params) => wrong(
                    params.span(),
                    "`params` are for worker chapters; give a command arguments or `env`",
                ),
                None => self
                    .command(whose, command, directory, env)
                    .map(Action::Command),
            },
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
        let found = match words.first() {
            None => Err("`command` is empty; name a program".to_owned()),
            Some(_) if words.iter().any(|word| word.contains('\0')) => {
                Err("`command` contains a NUL character".to_owned())
            }
            Some(program) => program::find(program, directory, env),
        };
        match found {
            Ok(_) => Ok(words.clone()),
            Err(problem) => {
                let problem = format!("{whose}: {problem}");
                Err(self.source.error(command.span(), problem))
            }
        }
    }

    fn modes(
        &self,
        whose: &str,
        raw: Option<&Spanned<Vec<Spanned<String>>>>,
        in_sequence: bool,
    ) -> Result<Vec<Mode>> {
        let Some(raw) = raw else {
            let both = [Mode::Isolated, Mode::Sequential];
            return Ok(both[..1 + usize::from(in_sequence)].to_vec());
        };
        let choices = [
            ("isolated", Mode::Isolated),
            ("sequential", Mode::Sequential),
        ];
        let key = format!("{whose}: modes");
        let mut modes = Vec::new();
        for word in raw.get_ref() {
            let mode = self.source.one_of(&key, "mode", word, &choices)?;
            if !modes.contains(&mode) {
                modes.push(mode);
            }
        }
        let problem = match (modes.contains(&Mode::Sequential), in_sequence) {
            _ if modes.is_empty() => "`modes` is empty; name a mode or remove the key",
            (true, false) => "`modes` has `sequential`, but no [[sequence]] names this chapter",
            (false, true) => "a [[sequence]] names this chapter, but `modes` lacks `sequential`",
            _ => return Ok(modes),
        };
        Err(self.source.error(raw.span(), format!("{whose}: {problem}")))
    }

    fn expect(&self, whose: &str, raw: &Spanned<raw::Expect>) -> Result<Expect> {
        let expect = raw.get_ref();
        self.check_expect(expect)
            .map_err(|problem| self.expect_error(whose, raw, &problem))?;
        Ok(Expect {
            measure: expect.measure.clone(),
            label: expect.label.clone(),
            at_most: expect.at_most,
            at_least: expect.at_least,
            on: expect.on.clone(),
        })
    }

    fn check_expect(&self, expect: &raw::Expect) -> std::result::Result<(), String> {
        let bounds = [expect.at_most, expect.at_least];
        if bounds == [None, None] {
            return Err("expect: add `at_most`, `at_least` or both".into());
        }
        if bounds.iter().flatten().any(|bound| bound.is_nan()) {
            return Err("expect: `at_most` and `at_least` must be numbers, not nan".into());
        }
        if let (Some(most), Some(least)) = (expect.at_most, expect.at_least)
            && least > most
        {
            return Err(format!(
                "expect: at_least = {least} is more than at_most = {most}"
            ));
        }
        let is_kind = |device: &String| matches!(device.as_str(), "mps" | "cuda" | "cpu");
        match expect.on.iter().find(|device| !is_kind(device)) {
            None => Ok(()),
            Some(other) => {
                let expected = "`mps`, `cuda` or `cpu`";
                Err(not_valid("expect: on", other, "kind of device", expected))
            }
        }
    }

    fn expect_error(&self, whose: &str, raw: &Spanned<raw::Expect>, problem: &str) -> TomlError {
        self.source.error(raw.span(), format!("{whose}: {problem}"))
    }
}
