//! The builds of a run: made when the first round of their unit is about to start.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::git::GIT_VARIABLES;
use super::kept::{self, Done};
use super::{KeptBuilds, SKIP, Source, Step};
use crate::plan::UnitSpec;
use crate::process::{BuildGroup, BuildProcess, Guardian};
use crate::{hash, program};

/// Lines of its output that the message about a failed build shows.
const LAST_LINES: usize = 5;
/// The most bytes of the output that are read for them.
const LAST_BYTES: usize = 4_000;

/// The builds of a run.
#[derive(Debug, Default)]
pub(crate) struct Builds {
    /// By unit.
    units: Vec<Option<Arc<Source>>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The builds in use, with their locks, the most recently used last.
    used: Vec<(Arc<Source>, File)>,
    /// What runs now.
    running: Option<BuildGroup>,
    is_cancelled: bool,
}

/// How a build ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum BuildEnd {
    /// It can be measured.
    Built {
        /// How long it took, seconds; `None` if it was kept from before.
        secs: Option<f64>,
        /// The hash of its program, if that can be read.
        program: Option<String>,
    },
    /// It cannot be measured.
    Failed {
        /// How long it took, seconds.
        secs: f64,
        /// Why, for people.
        problem: String,
    },
    /// The user stopped the run.
    Cancelled,
}

impl Builds {
    pub(crate) fn of<'a>(units: impl Iterator<Item = &'a UnitSpec>) -> Builds {
        Builds {
            units: units.map(|unit| unit.source.clone()).collect(),
            state: Mutex::default(),
        }
    }

    /// What has to be built before a unit can be measured.
    pub(crate) fn missing(&self, unit: u32) -> Option<&Arc<Source>> {
        let source = self.units.get(unit as usize)?.as_ref()?;
        let state = self.lock();
        let is_used = state.used.iter().any(|(used, _)| used == source);
        (!is_used).then_some(source)
    }

    /// Builds what a unit needs, or finds it among the kept builds. Takes as long as the build.
    pub(crate) fn build(&self, unit: &UnitSpec, slot: u32, guardian: &Guardian) -> BuildEnd {
        let begun = Instant::now();
        let failed = |problem: String| BuildEnd::Failed {
            secs: begun.elapsed().as_secs_f64(),
            problem,
        };
        let Some(source) = &unit.source else {
            return failed("there is nothing to build".to_owned());
        };
        let made = self.make(source, slot, guardian);
        if self.lock().is_cancelled {
            return BuildEnd::Cancelled;
        }
        match made {
            Err(problem) => failed(problem),
            Ok((lock, secs)) => {
                self.lock().used.push((source.clone(), lock));
                if let Some(builds) = source.folder.parent() {
                    KeptBuilds::at(builds).trim();
                }
                BuildEnd::Built {
                    secs,
                    program: program_of(unit),
                }
            }
        }
    }

    /// Ends what is built now, and builds nothing more.
    pub(crate) fn cancel(&self) {
        let mut state = self.lock();
        state.is_cancelled = true;
        if let Some(running) = &state.running {
            running.kill();
        }
    }

    /// A lock on the build, and how long it took; `None` if it was kept.
    fn make(
        &self,
        source: &Source,
        slot: u32,
        guardian: &Guardian,
    ) -> Result<(File, Option<f64>), String> {
        let failed = |error: std::io::Error| format!("{}: {error}", source.folder.display());
        let lock = kept::lock(source).map_err(failed)?;
        let kept = kept::find(source);
        let secs = match kept {
            Some(Done { .. }) => None,
            None => {
                kept::clear(source).map_err(failed)?;
                let begun = Instant::now();
                self.run_steps(source, slot, guardian)?;
                let secs = begun.elapsed().as_secs_f64();
                kept::done(source, secs).map_err(failed)?;
                Some(secs)
            }
        };
        // Others may use it, and nobody removes it.
        lock.lock_shared().map_err(failed)?;
        Ok((lock, secs))
    }

    fn run_steps(&self, source: &Source, slot: u32, guardian: &Guardian) -> Result<(), String> {
        let log = source.log();
        let output = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        for step in source.steps() {
            tracing::info!(step = ?step.argv, directory = %step.directory.display(), "building");
            self.run_step(source, &step, &output, (guardian, slot))
                .map_err(|problem| {
                    let program = step.argv.first().map(|word| word.display().to_string());
                    let program = program.unwrap_or_default();
                    format!("`{program}` {problem}{}", last_lines(&log, &step.directory))
                })?;
        }
        Ok(())
    }

    fn run_step(
        &self,
        source: &Source,
        step: &Step,
        output: &File,
        (guardian, slot): (&Guardian, u32),
    ) -> Result<(), String> {
        if !step.directory.is_dir() {
            let missing = source.without_folder(&step.directory);
            return Err(format!("cannot run: {missing}"));
        }
        let process = {
            let mut state = self.lock();
            if state.is_cancelled {
                return Err("cancelled".to_owned());
            }
            let process = BuildProcess::start(
                &step.argv,
                &step.directory,
                (&source.build_env(), &GIT_VARIABLES),
                output,
                (guardian, slot),
            );
            let process = process.map_err(|error| format!("cannot be started: {error}"))?;
            state.running = Some(process.group());
            process
        };
        let end = process.wait(guardian, slot);
        self.lock().running = None;
        Err(match end {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) if status.code() == Some(SKIP) => "skipped by exit code 125".to_owned(),
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hash of the program of a unit, if the build made it.
fn program_of(unit: &UnitSpec) -> Option<String> {
    let path = program::find(unit.argv.first()?, &unit.directory, &unit.env).ok()?;
    let source = unit.source.as_ref()?;
    // A virtual environment only links its interpreter, and a script reads other files.
    let is_made = path.starts_with(source.tree()) && !path.is_symlink() && !is_script(&path);
    is_made.then(|| hash::of_file(&path).ok()).flatten()
}

fn is_script(path: &Path) -> bool {
    let mut first = [0; 2];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut first));
    read.is_err() || &first == b"#!"
}

/// The last lines of the output of a build that failed, where it ran, and where the rest is.
fn last_lines(log: &Path, directory: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text[text.len().saturating_sub(LAST_BYTES)..]).into_owned();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    let shown: String = last.iter().map(|line| format!("\n  {line}")).collect();
    let (directory, log) = (directory.display(), log.display());
    format!("{shown}\n  ran in {directory} (log {log})")
}
