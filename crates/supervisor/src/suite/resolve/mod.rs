//! From the file as written to the resolved suite: defaults filled in, references and programs
//! checked.

mod chapter;
mod judge;
mod options;
mod sequence;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crashrate_model::{Baseline, Mode, OutcomeSet};
use toml::Spanned;

use super::{
    Action, Chapter, DEFAULT_VARIANT, ProcessOptions, ResourceLimits, Sequence, Spawning, Suite,
    SuiteError, Timing, Variant, raw,
};
use crate::fault::Section;
use crate::toml_file::{Result, Source};
use crate::{baseline, program};

const TIMEOUT: Duration = Duration::from_secs(600);
const GRACE: Duration = Duration::from_secs(5);
const ROUNDS: u32 = 10;

impl Suite {
    /// Resolves the text of a suite as if it were in the file `path`, which need not exist.
    ///
    /// # Errors
    /// It is not a valid suite: one message with file and line.
    pub fn parse(text: &str, path: &Path) -> std::result::Result<Suite, SuiteError> {
        let source = Source { path, text };
        let file: raw::File = source.parse()?;
        if file.chapter.is_empty() {
            return Err(SuiteError::Empty {
                path: path.to_owned(),
            });
        }
        let file_path = std::path::absolute(path).unwrap_or_default();
        let in_sequences = (file.sequence.iter())
            .flat_map(|sequence| sequence.chapters.get_ref())
            .map(|id| id.get_ref().as_str());
        let resolver = Resolver {
            source,
            in_sequences: in_sequences.collect(),
            directory: file_path.parent().map(Path::to_owned).unwrap_or_default(),
            file: &file,
        };
        Ok(Suite {
            file: Some(file_path),
            ..resolver.suite()?
        })
    }

    /// A suite of one chapter that runs a command, for `crashrate run -- COMMAND`.
    ///
    /// # Errors
    /// The program does not exist.
    pub fn of_command(argv: &[String], rounds: u32) -> std::result::Result<Suite, SuiteError> {
        let directory = std::env::current_dir().map_err(|e| {
            SuiteError::Command(format!("the current directory cannot be used: {e}"))
        })?;
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
}

struct Resolver<'a> {
    source: Source<'a>,
    /// Directory of the suite file; relative paths in it start here.
    directory: PathBuf,
    file: &'a raw::File,
    /// The chapters that a sequence names.
    in_sequences: HashSet<&'a str>,
}

impl Resolver<'_> {
    fn suite(&self) -> Result<Suite> {
        let file = self.file;
        let head = file.suite.as_ref().ok_or_else(|| {
            self.source
                .error(0..0, "missing [suite] with a `name = \"...\"`")
        })?;
        let sequence_timing = self.timing(&None, &None, &None)?;
        let limits = self.limits("limits", file.limits.as_ref())?;
        let process = self.common_process(head)?;
        let chapters = self.chapters(limits, process)?;
        let sequences = self.sequences(&chapters, &sequence_timing)?;
        Ok(Suite {
            name: self.source.id("suite.name", &head.name)?,
            file: None,
            device: match &head.device {
                None => "auto".to_owned(),
                Some(device) => self.source.device("suite.device", device)?,
            },
            bad: match &head.bad {
                None => OutcomeSet::default(),
                Some(bad) => self.source.bad("suite.bad", bad)?,
            },
            worker: self.worker_path(head.worker.as_deref()),
            fault: match &file.fault {
                None => None,
                Some(section) => Some(self.fault(section, &chapters, &sequences)?),
            },
            baseline: self.baseline(head.baseline.as_ref())?,
            fork_cuda: head.fork_cuda.unwrap_or(false),
            limits,
            sequence_timing,
            process,
            variants: self.variants()?,
            gates: self.gates(&chapters, &sequences)?,
            recommendations: self.recommendations(&chapters, &sequences)?,
            chapters,
            sequences,
        })
    }

    fn fault(
        &self,
        section: &Section,
        chapters: &[Chapter],
        sequences: &[Sequence],
    ) -> Result<crate::fault::SuiteFault> {
        let fault = section.resolve(&self.source)?;
        let is_worker = |id: &String| {
            let chapter = chapters.iter().find(|chapter| chapter.id == *id);
            chapter.is_some_and(|chapter| chapter.command().is_none())
        };
        // A calibration runs the first sequence, and only the worker injects faults.
        let can_calibrate = sequences
            .first()
            .is_some_and(|first| first.command.is_none() && first.chapters.iter().all(is_worker));
        if fault.calibrate.is_some() && !can_calibrate {
            let problem = "fault.dose: calibrated needs a [[sequence]] that the worker runs; \
                           add one, or give a number";
            return self.source.refuse(&section.dose, problem);
        }
        Ok(fault)
    }

    fn variants(&self) -> Result<Vec<Variant>> {
        let mut seen = HashSet::new();
        let mut variants = vec![default_variant()];
        for variant in &self.file.variant {
            let id = self.source.new_id(&mut seen, "variant", &variant.id)?;
            self.env(&variant.id, &variant.env)?;
            if id == DEFAULT_VARIANT {
                let problem = "variant.id: `default` is the variant that changes nothing; choose \
                               another name";
                return self.source.refuse(&variant.id, problem);
            }
            variants.push(Variant {
                id,
                worker: self.worker_path(variant.worker.as_deref()),
                env: variant.env.clone(),
            });
        }
        Ok(variants)
    }

    fn baseline(&self, baseline: Option<&Spanned<String>>) -> Result<Option<Box<Baseline>>> {
        let Some(baseline) = baseline else {
            return Ok(None);
        };
        let name = baseline.get_ref();
        match baseline::read(&self.directory.join(name), name) {
            Ok(read) => Ok(Some(Box::new(read))),
            Err(problem) => self
                .source
                .refuse(baseline, format!("suite.baseline: {problem}")),
        }
    }

    /// A worker with a slash in it is relative to the suite file; one without is searched later.
    fn worker_path(&self, worker: Option<&str>) -> Option<PathBuf> {
        worker.map(|worker| {
            if worker.contains('/') {
                self.directory.join(worker)
            } else {
                PathBuf::from(worker)
            }
        })
    }

    fn rounds(&self, own: Option<&Spanned<i64>>) -> Result<u32> {
        match own.or(self.file.defaults.rounds.as_ref()) {
            None => Ok(ROUNDS),
            Some(rounds) => self.source.integer("rounds", rounds, 1..=u32::MAX),
        }
    }

    fn retries(&self, own: Option<&Spanned<i64>>) -> Result<u32> {
        match own.or(self.file.defaults.retries.as_ref()) {
            None => Ok(0),
            Some(retries) => self.source.integer("retries", retries, 0..=u32::MAX),
        }
    }
}

fn default_variant() -> Variant {
    Variant {
        id: DEFAULT_VARIANT.into(),
        worker: None,
        env: BTreeMap::new(),
    }
}

/// A suite name made of a program's file name.
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
