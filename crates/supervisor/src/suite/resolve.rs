//! From the file as written to the resolved suite: defaults filled in, references and programs checked.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crashrate_model::{Baseline, Mode, OutcomeSet};
use toml::Spanned;

use super::error::Source;
use super::raw;
use super::{
    Action, Chapter, DEFAULT_VARIANT, ProcessOptions, ResourceLimits, Sequence, Spawning, Suite,
    SuiteError, Timing, Variant,
};
use crate::{baseline, program};

const TIMEOUT: Duration = Duration::from_secs(600);
const GRACE: Duration = Duration::from_secs(5);

pub(super) type Result<T> = std::result::Result<T, SuiteError>;

pub(super) fn read(path: &Path) -> Result<Suite> {
    parse(&read_text(path, "suite")?, path)
}

pub(super) fn parse(text: &str, path: &Path) -> Result<Suite> {
    let source = Source { path, text };
    let file: raw::File = source.parse()?;
    let directory = std::path::absolute(path)
        .ok()
        .and_then(|p| p.parent().map(Path::to_owned))
        .unwrap_or_default();
    Resolver { source, directory }.suite(file)
}

pub(super) fn of_command(argv: &[String], rounds: u32) -> Result<Suite> {
    let directory = std::env::current_dir()
        .map_err(|e| SuiteError::Command(format!("the current directory cannot be used: {e}")))?;
    let program = argv
        .first()
        .ok_or_else(|| SuiteError::Command("no command after `--`".into()))?;
    program::find(program, &directory, &BTreeMap::new()).map_err(SuiteError::Command)?;
    let timing = Timing {
        timeout: TIMEOUT,
        grace: GRACE,
        directory,
    };
    let id = id_from(program);
    Ok(Suite {
        name: id.clone(),
        file: None,
        device: "auto".into(),
        bad: OutcomeSet::default(),
        worker: None,
        fault: None,
        baseline: None,
        fork_cuda: false,
        limits: ResourceLimits::default(),
        sequence_timing: timing.clone(),
        process: ProcessOptions::default(),
        variants: vec![default_variant()],
        chapters: vec![Chapter {
            id,
            modes: vec![Mode::Isolated],
            rounds,
            retries: 0,
            timing,
            limits: ResourceLimits::default(),
            env: BTreeMap::new(),
            expect: Vec::new(),
            action: Action::Command(argv.to_vec()),
            process: ProcessOptions::default(),
            spawning: Spawning::default(),
        }],
        sequences: Vec::new(),
        gates: Vec::new(),
        recommendations: Vec::new(),
    })
}

/// The text of a file that holds a `what`.
pub(crate) fn read_text(path: &Path, what: &str) -> Result<String> {
    let unreadable = |problem: String| SuiteError::Unreadable {
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
        let valid = e.utf8_error().valid_up_to();
        let line = e.as_bytes()[..valid]
            .iter()
            .filter(|&&b| b == b'\n')
            .count()
            + 1;
        unreadable(format!(
            "line {line} is not UTF-8; a {what} is a UTF-8 text in TOML"
        ))
    })
}

pub(super) struct Resolver<'a> {
    pub(super) source: Source<'a>,
    /// Of the suite file; what is relative in it is relative to this.
    directory: PathBuf,
}

impl Resolver<'_> {
    fn suite(&self, file: raw::File) -> Result<Suite> {
        if file.chapter.is_empty() {
            return Err(SuiteError::Empty {
                path: self.source.path.to_owned(),
            });
        }
        let head = file.suite.ok_or_else(|| {
            self.source
                .error(0..0, "missing [suite] with a `name = \"...\"`")
        })?;
        let sequence_timing = self.timing(&file.defaults, None, None, None)?;
        let in_sequence: HashSet<&str> = (file.sequence.iter())
            .flat_map(|s| s.chapters.get_ref())
            .map(|id| id.get_ref().as_str())
            .collect();
        let limits = self.source.limits(file.limits.as_ref(), "limits")?;
        let process = self.source.common_process(&head, &file.defaults)?;
        let mut chapters = self.chapters(&file.chapter, &file.defaults, &in_sequence)?;
        for (chapter, raw) in chapters.iter_mut().zip(&file.chapter) {
            chapter.limits = chapter.limits.or(limits);
            chapter.process = self.source.process(raw, process)?;
        }
        let sequences =
            self.sequences(&file.sequence, &file.defaults, &chapters, &sequence_timing)?;
        Ok(Suite {
            name: self.suite_name(&head.name)?,
            file: Some(std::path::absolute(self.source.path).unwrap_or_default()),
            device: self.source.device("suite.device", head.device.as_ref())?,
            bad: self.source.bad("suite.bad", head.bad)?.unwrap_or_default(),
            worker: head.worker.map(|w| self.worker_path(w.get_ref())),
            fault: self.source.fault(file.fault, &chapters, &sequences)?,
            baseline: self.baseline(head.baseline.as_ref())?,
            fork_cuda: head.fork_cuda.unwrap_or(false),
            limits,
            sequence_timing,
            process,
            variants: self.variants(file.variant)?,
            gates: self.gates(&file.gate, &chapters, &sequences)?,
            recommendations: self.recommendations(file.recommendation, &chapters, &sequences)?,
            chapters,
            sequences,
        })
    }

    fn suite_name(&self, name: &Spanned<String>) -> Result<String> {
        self.source.id(name, "suite.name")
    }

    fn chapters(
        &self,
        raw: &[raw::Chapter],
        defaults: &raw::Settings,
        in_sequence: &HashSet<&str>,
    ) -> Result<Vec<Chapter>> {
        let mut seen = HashSet::new();
        raw.iter()
            .map(|chapter| {
                let id = self.source.chapter_id(&chapter.id)?;
                if !seen.insert(id.clone()) {
                    let problem = format!("chapter.id: there is another chapter `{id}`");
                    return Err(self.source.error(chapter.id.span(), problem));
                }
                self.chapter(id, chapter, defaults, in_sequence)
            })
            .collect()
    }

    fn chapter(
        &self,
        id: String,
        raw: &raw::Chapter,
        defaults: &raw::Settings,
        in_sequence: &HashSet<&str>,
    ) -> Result<Chapter> {
        let timing = self.timing(
            defaults,
            raw.timeout.as_ref(),
            raw.grace.as_ref(),
            raw.directory.as_ref(),
        )?;
        let env = merged(&defaults.env, &raw.env);
        self.source.env(raw.id.span(), &env)?;
        let action = self.action(&id, raw, &timing.directory, &env)?;
        Ok(Chapter {
            modes: self
                .source
                .modes(&id, raw.modes.as_ref(), in_sequence.contains(id.as_str()))?,
            rounds: self
                .source
                .rounds(raw.rounds.as_ref().or(defaults.rounds.as_ref()))?,
            retries: self
                .source
                .retries(raw.retries.as_ref().or(defaults.retries.as_ref()))?,
            expect: raw
                .expect
                .iter()
                .map(|e| self.source.expect(&id, e))
                .collect::<Result<_>>()?,
            timing,
            limits: self
                .source
                .limits(raw.limits.as_ref(), &format!("chapter `{id}`: limits"))?,
            spawning: self.source.spawning(
                &format!("chapter `{id}`"),
                matches!(action, Action::Command(_)),
                raw.spawn.as_ref(),
                raw.zygote.as_ref(),
                defaults,
            )?,
            env,
            action,
            process: ProcessOptions::default(),
            id,
        })
    }

    fn action(
        &self,
        id: &str,
        raw: &raw::Chapter,
        directory: &Path,
        env: &BTreeMap<String, String>,
    ) -> Result<Action> {
        let wrong = |span: Range<usize>, problem: String| {
            Err(self
                .source
                .error(span, format!("chapter `{id}`: {problem}")))
        };
        match (&raw.worker, &raw.command) {
            (None, None) => wrong(
                raw.id.span(),
                "nothing to run: give it `worker = \"...\"` or `command = [...]`".into(),
            ),
            (Some(_), Some(command)) => wrong(
                command.span(),
                "has both `worker` and `command`; keep one of the two".into(),
            ),
            (Some(worker), None) => Ok(Action::Worker {
                chapter: worker.get_ref().clone(),
                params: raw
                    .params
                    .as_ref()
                    .map(|p| p.get_ref().clone())
                    .unwrap_or_default(),
            }),
            (None, Some(command)) => {
                if let Some(params) = &raw.params {
                    return wrong(
                        params.span(),
                        "`params` are for worker chapters; give a command arguments or `env`"
                            .into(),
                    );
                }
                self.command(command, directory, env)
                    .map(Action::Command)
                    .or_else(|(span, problem)| wrong(span, problem))
            }
        }
    }

    fn command(
        &self,
        command: &Spanned<Vec<String>>,
        directory: &Path,
        env: &BTreeMap<String, String>,
    ) -> std::result::Result<Vec<String>, (Range<usize>, String)> {
        let Some(program) = command.get_ref().first() else {
            return Err((command.span(), "`command` is empty; name a program".into()));
        };
        if command.get_ref().iter().any(|word| word.contains('\0')) {
            return Err((command.span(), "`command` holds a NUL".into()));
        }
        program::find(program, directory, env)
            .map(|_| command.get_ref().clone())
            .map_err(|problem| (command.span(), problem))
    }

    fn sequences(
        &self,
        raw: &[raw::Sequence],
        defaults: &raw::Settings,
        chapters: &[Chapter],
        sequence_timing: &Timing,
    ) -> Result<Vec<Sequence>> {
        let mut seen = HashSet::new();
        let by_id = chapters.iter().map(|c| (c.id.as_str(), c)).collect();
        raw.iter()
            .map(|sequence| {
                let id = self.source.id(&sequence.id, "sequence.id")?;
                if !seen.insert(id.clone()) {
                    let problem = format!("sequence.id: there is another sequence `{id}`");
                    return Err(self.source.error(sequence.id.span(), problem));
                }
                self.sequence(id, sequence, defaults, (chapters, &by_id), sequence_timing)
            })
            .collect()
    }

    fn sequence(
        &self,
        id: String,
        raw: &raw::Sequence,
        defaults: &raw::Settings,
        (chapters, by_id): (&[Chapter], &HashMap<&str, &Chapter>),
        sequence_timing: &Timing,
    ) -> Result<Sequence> {
        let wrong = |span: Range<usize>, problem: String| {
            self.source
                .error(span, format!("sequence `{id}`: {problem}"))
        };
        if raw.chapters.get_ref().is_empty() {
            return Err(wrong(raw.chapters.span(), "has no chapters".into()));
        }
        let mut seen = HashSet::new();
        for name in raw.chapters.get_ref() {
            let Some(chapter) = by_id.get(name.get_ref().as_str()) else {
                let known: Vec<_> = chapters.iter().map(|c| c.id.as_str()).collect();
                return Err(wrong(
                    name.span(),
                    format!(
                        "there is no chapter `{}`; there are: {}",
                        name.get_ref(),
                        known.join(", ")
                    ),
                ));
            };
            if !seen.insert(name.get_ref()) {
                return Err(wrong(
                    name.span(),
                    format!("names `{}` twice", name.get_ref()),
                ));
            }
            if raw.command.is_none() && matches!(chapter.action, Action::Command(_)) {
                return Err(wrong(
                    name.span(),
                    format!(
                        "`{}` is a plain command, which cannot share a process; give the sequence a `command` of its own or leave the chapter out",
                        name.get_ref()
                    ),
                ));
            }
        }
        let env = merged(&defaults.env, &raw.env);
        self.source.env(raw.id.span(), &env)?;
        let command = (raw.command.as_ref())
            .map(|c| self.command(c, &sequence_timing.directory, &env))
            .transpose()
            .map_err(|(span, problem)| wrong(span, problem))?;
        Ok(Sequence {
            rounds: self
                .source
                .rounds(raw.rounds.as_ref().or(defaults.rounds.as_ref()))?,
            retries: self
                .source
                .retries(raw.retries.as_ref().or(defaults.retries.as_ref()))?,
            chapters: raw
                .chapters
                .get_ref()
                .iter()
                .map(|c| c.get_ref().clone())
                .collect(),
            spawning: self.source.spawning(
                &format!("sequence `{id}`"),
                command.is_some(),
                raw.spawn.as_ref(),
                raw.zygote.as_ref(),
                defaults,
            )?,
            command,
            env,
            id,
        })
    }

    fn variants(&self, raw: Vec<raw::Variant>) -> Result<Vec<Variant>> {
        let mut variants = vec![default_variant()];
        for variant in raw {
            let id = self.source.id(&variant.id, "variant.id")?;
            self.source.env(variant.id.span(), &variant.env)?;
            if variants.iter().any(|v| v.id == id) {
                let problem = match id.as_str() {
                    DEFAULT_VARIANT => {
                        "variant.id: `default` is the variant that changes nothing; choose another name"
                            .to_owned()
                    }
                    _ => format!("variant.id: there is another variant `{id}`"),
                };
                return Err(self.source.error(variant.id.span(), problem));
            }
            variants.push(Variant {
                id,
                worker: variant.worker.map(|w| self.worker_path(w.get_ref())),
                env: variant.env,
            });
        }
        Ok(variants)
    }

    fn baseline(&self, baseline: Option<&Spanned<String>>) -> Result<Option<Box<Baseline>>> {
        let Some(baseline) = baseline else {
            return Ok(None);
        };
        let name = baseline.get_ref();
        let read = baseline::read(&self.directory.join(name), name);
        let read = read.map_err(|problem| {
            let problem = format!("suite.baseline: {problem}");
            self.source.error(baseline.span(), problem)
        })?;
        Ok(Some(Box::new(read)))
    }

    /// A worker with a slash in it is relative to the suite file; one without is looked for later.
    fn worker_path(&self, worker: &str) -> PathBuf {
        if worker.contains('/') {
            self.directory.join(worker)
        } else {
            PathBuf::from(worker)
        }
    }

    fn timing(
        &self,
        defaults: &raw::Settings,
        timeout: Option<&Spanned<String>>,
        grace: Option<&Spanned<String>>,
        directory: Option<&Spanned<String>>,
    ) -> Result<Timing> {
        let directory = match directory.or(defaults.directory.as_ref()) {
            None => self.directory.clone(),
            Some(given) => {
                let path = self.directory.join(given.get_ref());
                if !path.is_dir() {
                    let problem = format!("directory: there is no folder {}", path.display());
                    return Err(self.source.error(given.span(), problem));
                }
                path
            }
        };
        Ok(Timing {
            timeout: self.source.duration(
                timeout.or(defaults.timeout.as_ref()),
                "timeout",
                TIMEOUT,
            )?,
            grace: self
                .source
                .duration(grace.or(defaults.grace.as_ref()), "grace", GRACE)?,
            directory,
        })
    }
}

fn default_variant() -> Variant {
    Variant {
        id: DEFAULT_VARIANT.into(),
        worker: None,
        env: BTreeMap::new(),
    }
}

fn merged(
    base: &BTreeMap<String, String>,
    over: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    base.iter()
        .chain(over)
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

/// A name for a suite made of a program's file name.
fn id_from(program: &str) -> String {
    let name = Path::new(program)
        .file_name()
        .map(|n| n.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    let id: String = (name.chars().take(100))
        .map(|c| match c {
            'a'..='z' | '0'..='9' | '.' | '_' | '-' => c,
            _ => '-',
        })
        .collect();
    let id = id.trim_start_matches(['.', '_', '-']);
    if id.is_empty() {
        "command".into()
    } else {
        id.into()
    }
}
