//! What chapters, sequences and `[defaults]` set of their processes: timing, environment, terminal,
//! limits, forking.

use std::collections::{BTreeMap, BTreeSet};

use crate::toml_file::Spanned;
use crashrate_adapters::{ExitCodes, OutputRules};
use crashrate_model::Spawn;

use super::super::{DescendantCrash, ProcessOptions, ResourceLimits, Spawning, Timing, raw};
use super::{GRACE, Resolver, TIMEOUT};
use crate::toml_file::Result;

type Text = Option<Spanned<String>>;

impl Resolver<'_> {
    /// Own values, else those of `[defaults]`, else the built-in ones.
    pub(super) fn timing(&self, timeout: &Text, grace: &Text, directory: &Text) -> Result<Timing> {
        let defaults = &self.file.defaults;
        let directory = match directory.as_ref().or(defaults.directory.as_ref()) {
            None => self.directory.clone(),
            Some(given) => {
                let path = self.directory.join(given.get_ref());
                if !path.is_dir() {
                    let problem = format!("directory: there is no folder {}", path.display());
                    return self.source.refuse(given, problem);
                }
                path
            }
        };
        Ok(Timing {
            timeout: match timeout.as_ref().or(defaults.timeout.as_ref()) {
                None => TIMEOUT,
                Some(timeout) => self.source.duration("timeout", timeout)?,
            },
            grace: match grace.as_ref().or(defaults.grace.as_ref()) {
                None => GRACE,
                Some(grace) => self.source.duration_or_zero("grace", grace)?,
            },
            directory,
        })
    }

    /// The variables of `[defaults]` and those of a chapter or sequence.
    pub(super) fn merged_env(
        &self,
        id: &Spanned<String>,
        own: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>> {
        let mut env = self.file.defaults.env.clone();
        env.extend(own.clone());
        self.env(id, &env)?;
        Ok(env)
    }

    /// Refuses variables that a process cannot have, or that crashrate sets itself.
    pub(super) fn env(&self, id: &Spanned<String>, env: &BTreeMap<String, String>) -> Result<()> {
        for (name, value) in env {
            let shown = name.escape_debug();
            let problem = if name.is_empty() || name.contains(['=', '\0']) {
                format!("env: `{shown}` is not a valid variable name: expected e.g. LD_PRELOAD")
            } else if value.contains('\0') {
                format!("env: the value of `{shown}` contains a NUL character")
            } else if name.starts_with("CRASHRATE_") {
                format!("env: `{shown}` is set by crashrate itself; choose another name")
            } else {
                continue;
            };
            return self.source.refuse(id, problem);
        }
        Ok(())
    }

    /// The command that asks whether a device works.
    pub(super) fn probe(&self, head: &raw::Head) -> Result<Option<Vec<String>>> {
        let Some(probe) = &head.probe else {
            return Ok(None);
        };
        match probe.get_ref().is_empty() {
            true => self
                .source
                .refuse(probe, "suite.probe is empty; name a program"),
            false => Ok(Some(probe.get_ref().clone())),
        }
    }

    /// The options of sequences, and of chapters that set none.
    pub(super) fn common_process(&self, head: &raw::Head) -> Result<ProcessOptions> {
        let defaults = &self.file.defaults;
        let descendants = self.descendants(&defaults.descendants)?;
        Ok(ProcessOptions {
            descendants: descendants.or(self.descendants(&head.descendants)?),
            pty: false,
            fresh_directory: defaults.fresh_directory.unwrap_or(false),
        })
    }

    /// The options of a chapter.
    pub(super) fn process(
        &self,
        chapter: &raw::Chapter,
        common: ProcessOptions,
    ) -> Result<ProcessOptions> {
        if let (Some(pty), Some(_)) = (&chapter.pty, &chapter.worker) {
            let problem = "pty: a worker chapter reads its task from standard input and cannot \
                           have a terminal; `pty` is for a `command`";
            return self.source.refuse(pty, problem);
        }
        let descendants = self.descendants(&chapter.descendants)?;
        Ok(ProcessOptions {
            descendants: descendants.or(common.descendants),
            pty: chapter.pty.as_ref().is_some_and(|pty| *pty.get_ref()),
            fresh_directory: chapter.fresh_directory.unwrap_or(common.fresh_directory),
        })
    }

    pub(super) fn descendants(&self, word: &Text) -> Result<Option<DescendantCrash>> {
        let choices = [DescendantCrash::Count, DescendantCrash::Note];
        let choice = |word| self.source.one_of("descendants", "choice", word, &choices);
        word.as_ref().map(choice).transpose()
    }

    /// `[limits]`, or the `limits` of a chapter.
    pub(super) fn limits(
        &self,
        key: &str,
        raw: Option<&raw::ResourceLimits>,
    ) -> Result<ResourceLimits> {
        let Some(raw) = raw else {
            return Ok(ResourceLimits::default());
        };
        let size = |name: &str, size: &Text| {
            let size = size.as_ref();
            size.map(|size| self.source.size(&format!("{key}.{name}"), size))
                .transpose()
        };
        let processes = raw.processes.as_ref().map(|processes| {
            let key = format!("{key}.processes");
            self.source.integer(&key, processes, 1..=u32::MAX)
        });
        Ok(ResourceLimits {
            memory: size("memory", &raw.memory)?,
            processes: processes.transpose()?.map(u64::from),
            cpu: self.cpu(&format!("{key}.cpu"), &raw.cpu)?,
            file_size: size("file-size", &raw.file_size)?,
        })
    }

    /// The kernel counts CPU time in whole seconds.
    fn cpu(&self, key: &str, text: &Text) -> Result<Option<u64>> {
        let Some(text) = text else {
            return Ok(None);
        };
        match self.source.duration(key, text)?.as_secs() {
            0 => self
                .source
                .refuse(text, format!("{key}: must be at least 1s")),
            secs => Ok(Some(secs)),
        }
    }

    /// The exit codes that mean a crash or a skipped test.
    pub(super) fn exit_codes(&self, whose: &str, raw: &raw::ExitCodes) -> Result<ExitCodes> {
        let codes = |key: &str, given: &[Spanned<i64>]| {
            let key = format!("{whose}: exit_codes.{key}");
            let code = |code| Ok(self.source.integer(&key, code, 1..=255)? as i32);
            given.iter().map(code).collect::<Result<BTreeSet<i32>>>()
        };
        let (crashed, skipped) = (
            codes("crashed", &raw.crashed)?,
            codes("skipped", &raw.skipped)?,
        );
        let is_both = |code: &&Spanned<i64>| crashed.contains(&(*code.get_ref() as i32));
        if let Some(code) = raw.skipped.iter().find(is_both) {
            let problem = "means both crashed and skipped; choose one";
            let problem = format!("{whose}: exit_codes: {} {problem}", code.get_ref());
            return self.source.refuse(code, problem);
        }
        Ok(ExitCodes {
            crashed,
            skipped,
            inverted: false,
            output: OutputRules::default(),
        })
    }

    /// How processes are started. A command is forked only if its program says that it can be; the
    /// worker, which runs without a command, always can.
    pub(super) fn spawning(
        &self,
        whose: &str,
        spawn: &Text,
        zygote: &Option<Spanned<bool>>,
        command: &Option<Spanned<Vec<String>>>,
    ) -> Result<Spawning> {
        if let (Some(zygote), None) = (zygote, command) {
            let problem = format!("{whose}: `zygote` is for commands; the worker can always fork");
            return self.source.refuse(zygote, problem);
        }
        let zygote = zygote.as_ref().is_some_and(|zygote| *zygote.get_ref());
        let can_fork = zygote || command.is_none();
        let own = self.spawn(spawn)?;
        let common = self.spawn(&self.file.defaults.spawn)?;
        if let (Some(Spawn::Fork), Some(spawn), false) = (own, spawn, can_fork) {
            let problem = format!(
                "{whose}: a command can be forked only if its program links crashrate-zygote; \
                 if it does, add `zygote = true`"
            );
            return self.source.refuse(spawn, problem);
        }
        Ok(Spawning {
            spawn: own.or(common.filter(|_| can_fork)).unwrap_or_default(),
            zygote,
        })
    }

    fn spawn(&self, word: &Text) -> Result<Option<Spawn>> {
        let choices = [Spawn::Exec, Spawn::Fork];
        let choice = |word| self.source.one_of("spawn", "choice", word, &choices);
        word.as_ref().map(choice).transpose()
    }
}
