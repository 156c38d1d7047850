//! From the file as written to the resolved suite: defaults filled in, references and programs
//! checked.

mod chapter;
mod judge;
mod options;
mod sequence;
mod tests;
mod variant;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::toml_file::Spanned;
use crashrate_adapters::{ExitCodes, Framework, Group};
use crashrate_model::{Baseline, Mode, Outcome, OutcomeSet, Perturbations};

use super::{
    Action, Chapter, ChapterOrder, DEFAULT_VARIANT, Lister, ProcessOptions, ResourceLimits,
    Sequence, Spawning, Suite, SuiteError, TestSource, Timing, Variant, raw,
};
use crate::fault::Section;
use crate::program::FindError;
use crate::toml_file::{Result, Source};
use crate::{baseline, program};

const TIMEOUT: Duration = Duration::from_secs(600);
const GRACE: Duration = Duration::from_secs(5);
const ROUNDS: u32 = 10;

impl Suite {
    /// Resolves the text of a suite as if it were in the file `path`, which need not exist.
    ///
    /// `lister` lists the tests of its `[[tests]]`.
    ///
    /// # Errors
    /// It is not a valid suite, or its tests cannot be listed: one message with file and line.
    pub fn parse(
        text: &str,
        path: &Path,
        lister: Lister<'_>,
    ) -> std::result::Result<Suite, SuiteError> {
        let source = Source { path, text };
        let file: raw::File = source.parse()?;
        if file.chapter.is_empty() && file.tests.is_empty() {
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
            lister,
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
        let chapter = chapter_of(argv, rounds).map_err(SuiteError::Command)?;
        find_program(argv, &chapter)?;
        Ok(of_command(chapter, argv))
    }

    /// A suite of one chapter that runs a command under these variants.
    ///
    /// # Errors
    /// A program does not exist that is not built first.
    pub fn of_variants(
        argv: &[String],
        variants: &[Variant],
    ) -> std::result::Result<Suite, SuiteError> {
        let chapter = chapter_of(argv, ROUNDS).map_err(SuiteError::Command)?;
        for variant in variants.iter().filter(|variant| variant.origin.is_none()) {
            find_program(variant.command.as_deref().unwrap_or(argv), &chapter)?;
        }
        let mut suite = of_command(chapter, argv);
        suite.variants.extend_from_slice(variants);
        // Whichever side fails more often is worse, whatever its exit codes mean.
        suite.bad = OutcomeSet::new(suite.bad.iter().chain([Outcome::Failed]));
        Ok(suite)
    }

    /// A suite of the tests of a command, isolated and in one process, for
    /// `crashrate run --from FRAMEWORK -- COMMAND`.
    ///
    /// # Errors
    /// The tests cannot be listed.
    pub fn of_tests(
        framework: Option<Framework>,
        argv: &[String],
        rounds: u32,
        lister: Lister<'_>,
    ) -> std::result::Result<Suite, SuiteError> {
        let chapter = chapter_of(argv, rounds).map_err(SuiteError::Command)?;
        let named = argv.iter().rev().find(|word| !word.starts_with('-'));
        let name = named.map_or_else(|| "tests".into(), |word| id_from(word));
        let mut source = TestSource {
            framework,
            command: argv.to_vec(),
            select: Vec::new(),
            sequence: Some(name.clone()),
            order: ChapterOrder::Given,
            additions: true,
            chapter: Chapter {
                modes: vec![Mode::Isolated, Mode::Sequential],
                ..chapter
            },
        };
        let list = lister(&source).map_err(SuiteError::Command)?;
        if list.is_empty() {
            return Err(SuiteError::NoTests(argv.join(" ")));
        }
        let is_ctest = |group: &Group| group.framework == Framework::Ctest;
        if list.groups.iter().any(is_ctest) {
            source.sequence = None;
            source.chapter.modes.truncate(1);
        }
        let expanded = source.expand(&list).map_err(SuiteError::Command)?;
        Ok(Suite {
            chapters: expanded.chapters,
            sequences: expanded.sequences,
            gates: expanded.gates,
            tests: vec![source.clone()],
            ..of_chapter(name, &source.chapter)
        })
    }
}

fn of_command(chapter: Chapter, argv: &[String]) -> Suite {
    let id = id_from(&argv[0]);
    let chapter = Chapter {
        id: id.clone(),
        ..chapter
    };
    Suite {
        chapters: vec![chapter.clone()],
        ..of_chapter(id, &chapter)
    }
}

fn find_program(argv: &[String], chapter: &Chapter) -> std::result::Result<(), SuiteError> {
    let program = argv.first().map_or("", String::as_str);
    let found = program::find(program, &chapter.timing.directory, &BTreeMap::new());
    found.map(drop).map_err(|error| match error {
        FindError::Absent(_) => SuiteError::NoProgram(error.to_string()),
        FindError::NotExecutable(_) => SuiteError::Command(error.to_string()),
    })
}

/// A chapter that runs a command in the current directory; its id is empty.
fn chapter_of(argv: &[String], rounds: u32) -> std::result::Result<Chapter, String> {
    let directory = std::env::current_dir()
        .map_err(|e| format!("the current directory cannot be used: {e}"))?;
    if argv.is_empty() {
        return Err("no command after `--`".into());
    }
    Ok(Chapter {
        id: String::new(),
        modes: vec![Mode::Isolated],
        rounds,
        retries: 0,
        timing: Timing {
            timeout: TIMEOUT,
            grace: GRACE,
            directory,
        },
        limits: ResourceLimits::default(),
        env: BTreeMap::new(),
        expect: Vec::new(),
        action: Action::Command(argv.to_vec()),
        exit_codes: ExitCodes::default(),
        test: None,
        process: ProcessOptions::default(),
        spawning: Spawning::default(),
    })
}

/// A suite without a file and without chapters, with the settings of this one.
fn of_chapter(name: String, chapter: &Chapter) -> Suite {
    Suite {
        name,
        file: None,
        device: "auto".into(),
        bad: OutcomeSet::default(),
        worker: None,
        fault: None,
        baseline: None,
        fork_cuda: false,
        probe: None,
        additions: true,
        python_package: None,
        builds: None,
        limits: ResourceLimits::default(),
        sequence_timing: chapter.timing.clone(),
        process: ProcessOptions::default(),
        variants: vec![default_variant()],
        tests: Vec::new(),
        chapters: Vec::new(),
        sequences: Vec::new(),
        gates: Vec::new(),
        recommendations: Vec::new(),
    }
}

struct Resolver<'a> {
    source: Source<'a>,
    /// Directory of the suite file; relative paths in it start here.
    directory: PathBuf,
    file: &'a raw::File,
    /// The chapters that a sequence names.
    in_sequences: HashSet<&'a str>,
    lister: Lister<'a>,
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
        let tests = self.tests(limits, process)?;
        let expanded = self.with_tests(&tests, chapters, sequences)?;
        let (chapters, sequences) = (expanded.chapters, expanded.sequences);
        let mut gates = self.gates(&chapters, &sequences)?;
        gates.extend(expanded.gates);
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
            probe: self.probe(head)?,
            additions: self.additions(),
            python_package: None,
            builds: None,
            limits,
            sequence_timing,
            process,
            variants: self.variants()?,
            tests,
            gates,
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

    pub(super) fn perturb(&self, perturb: Option<&Spanned<String>>) -> Result<Perturbations> {
        let Some(text) = perturb else {
            return Ok(Perturbations::NONE);
        };
        let parsed = text.get_ref().parse::<Perturbations>();
        parsed.or_else(|error| (self.source).refuse(text, format!("variant.perturb: {error}")))
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
        ..Variant::default()
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
