//! Asks a device whether it still works, after an attempt on it died or hung.
//!
//! A probe is a short program: the suite's, or the worker, which lists the devices that it can
//! compute on. It runs in the thread of the slot whose attempt has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crashrate_model::Finding;
use thiserror::Error;

use crate::device::cuda_number;
use crate::doctor;
use crate::plan::{Plan, RoundKey, SpecBuilder};
use crate::process::{BuildGroup, BuildProcess, Guardian};
use crate::program;
use crate::schedule::Running;
use crate::suite::word_of_text;
use crate::worker::Workers;

/// How long a probe may take. Loading CUDA from a cold disk takes tens of seconds.
pub(super) const LIMIT: Duration = Duration::from_secs(60);
/// Time before the second try: a driver needs seconds to reset a device.
const PAUSE: Duration = Duration::from_secs(3);
/// How often a pause looks whether the run was stopped.
const STEP: Duration = Duration::from_millis(50);
/// The most characters of a probe's output that a report shows.
const SHOWN: usize = 200;
/// The bytes that are read of the end of a probe's output.
const READ: u64 = 16 * 1024;

/// The command that asks whether a device works cannot be started.
#[derive(Debug, Error)]
#[error("probe: {0}")]
pub struct ProbeError(String);

/// Checks that the command that asks whether a device works is on this machine.
///
/// # Errors
/// It is not, or it is not executable.
pub fn check_probe(plan: &Plan, workers: &Workers) -> Result<(), ProbeError> {
    let Some(argv) = &plan.suite.probe else {
        return Ok(());
    };
    let specs = SpecBuilder::new(plan, "", &workers.by_variant);
    let mut searched = BTreeSet::new();
    for unit in specs.units() {
        if searched.insert(unit.env.get("PATH").cloned()) {
            let directory = &plan.suite.sequence_timing.directory;
            program::find(&argv[0], directory, &unit.env)
                .map_err(|error| ProbeError(error.to_string()))?;
        }
    }
    Ok(())
}

/// Why a device does not work, in words.
enum Problem {
    /// The probe did not end in time. A second one would take as long.
    Hung(String),
    /// The probe ended, and a second one may succeed.
    Failed(String),
}

impl Problem {
    fn words(self) -> String {
        match self {
            Problem::Hung(words) | Problem::Failed(words) => words,
        }
    }
}

/// The probes of a run.
pub(super) struct Probes {
    /// By unit; `None` if nothing can ask its device.
    units: Vec<Option<Kind>>,
    state: Mutex<State>,
}

/// What shows that a device works.
#[derive(Clone, Debug)]
enum Kind {
    /// This command ends with exit code 0.
    Command(Vec<String>, PathBuf),
    /// This worker lists the device.
    Worker(PathBuf),
}

#[derive(Default)]
struct State {
    /// What runs now, by slot.
    running: BTreeMap<u32, BuildGroup>,
    is_cancelled: bool,
}

impl Probes {
    /// The probes for the units of a plan. A worker is only asked if it has listed a CUDA device
    /// before the run: another worker may not know the question.
    pub(super) fn new(specs: &SpecBuilder<'_>, findings: &[Finding]) -> Probes {
        let suite = &specs.plan.suite;
        let directory = &suite.sequence_timing.directory;
        let has_listed = doctor::lists_cuda(findings);
        let of = |unit: u32| match &suite.probe {
            Some(argv) => Some(Kind::Command(argv.clone(), directory.clone())),
            None if has_listed => specs
                .worker_of(unit)
                .map(|path| Kind::Worker(path.to_owned())),
            None => None,
        };
        Probes {
            units: (0..specs.plan.units.len() as u32).map(of).collect(),
            state: Mutex::default(),
        }
    }

    /// Whether a device that these attempts used can be asked. A command of the suite asks any
    /// device, a worker CUDA devices.
    pub(super) fn can_ask(&self, unit: u32, device: &str) -> bool {
        match self.units.get(unit as usize).and_then(Option::as_ref) {
            Some(Kind::Command(..)) => true,
            Some(Kind::Worker(_)) => cuda_number(device).is_some(),
            None => false,
        }
    }

    /// Asks the device of a slot, twice if the first answer is bad. Returns why it does not work.
    pub(super) fn ask(
        &self,
        running: Running,
        specs: &SpecBuilder<'_>,
        guardian: &Guardian,
    ) -> Option<String> {
        let first = match self.try_once(running, specs, guardian)? {
            Problem::Hung(words) => return Some(words),
            Problem::Failed(words) => words,
        };
        tracing::info!("the device does not answer a probe ({first}); trying again");
        let begun = Instant::now();
        while begun.elapsed() < PAUSE && !self.lock().is_cancelled {
            thread::sleep(STEP);
        }
        let second = self.try_once(running, specs, guardian);
        second.map(Problem::words)
    }

    /// Ends what runs now, and asks nothing more.
    pub(super) fn cancel(&self) {
        let mut state = self.lock();
        state.is_cancelled = true;
        state.running.values().for_each(|group| group.kill());
    }

    /// `None` if the device works, or if the run was stopped.
    fn try_once(
        &self,
        Running { slot, key, .. }: Running,
        specs: &SpecBuilder<'_>,
        guardian: &Guardian,
    ) -> Option<Problem> {
        let kind = self.units[key.unit as usize].as_ref()?;
        let problem = match self.run(kind, (key, slot), specs, guardian) {
            Ok(problem) => problem,
            Err(error) => Some(Problem::Failed(format!("{} {error}", kind.name()))),
        };
        problem.filter(|_| !self.lock().is_cancelled)
    }

    fn run(
        &self,
        kind: &Kind,
        (key, slot): (RoundKey, u32),
        specs: &SpecBuilder<'_>,
        guardian: &Guardian,
    ) -> io::Result<Option<Problem>> {
        let spec = specs.attempt(key, 1, slot);
        let env = spec.all_env();
        let env: BTreeMap<String, String> = env
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let unset: Vec<&str> = spec.unit.unset.iter().map(String::as_str).collect();
        let (argv, directory) = kind.command(&env)?;
        let mut output = tempfile::tempfile()?;
        let process = {
            let mut state = self.lock();
            if state.is_cancelled {
                return Ok(None);
            }
            let process =
                BuildProcess::start(&argv, &directory, (&env, &unset), &output, (guardian, slot))?;
            state.running.insert(slot, process.group());
            process
        };
        let ended = process.wait_for(LIMIT, &output, guardian, slot);
        self.lock().running.remove(&slot);
        let text = text_of(&mut output);
        let Some(status) = ended? else {
            let secs = LIMIT.as_secs();
            let words = format!("{} did not end within {secs} s", kind.name());
            return Ok(Some(Problem::Hung(words)));
        };
        let problem = match kind {
            _ if !status.success() => {
                let last = text.lines().rfind(|line| !line.trim().is_empty());
                let last: String = last.unwrap_or_default().chars().take(SHOWN).collect();
                let last = if last.is_empty() {
                    last
                } else {
                    format!(": {last}")
                };
                Some(format!("{} ended with {status}{last}", kind.name()))
            }
            Kind::Worker(_) if !lists(&text, specs.device_name()) => Some(format!(
                "{} does not list {} any more",
                kind.name(),
                specs.device_name()
            )),
            _ => None,
        };
        Ok(problem.map(Problem::Failed))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kind {
    fn name(&self) -> String {
        match self {
            Kind::Command(argv, _) => format!("probe `{}`", argv[0]),
            Kind::Worker(_) => "probe `crashrate-worker devices`".to_owned(),
        }
    }

    fn command(&self, env: &BTreeMap<String, String>) -> io::Result<(Vec<OsString>, PathBuf)> {
        Ok(match self {
            Kind::Command(argv, directory) => {
                let found = program::find(&argv[0], directory, env).map_err(io::Error::other)?;
                let arguments = argv[1..].iter().map(|word| word_of_text(word));
                let argv = [found.into_os_string()].into_iter().chain(arguments);
                (argv.collect(), directory.clone())
            }
            Kind::Worker(path) => {
                let directory = std::env::temp_dir();
                (vec![path.clone().into(), "devices".into()], directory)
            }
        })
    }
}

/// Whether a worker lists a device. `auto` and `cuda` mean the first one.
fn lists(text: &str, device: &str) -> bool {
    let number = cuda_number(device).unwrap_or(0);
    text.split_whitespace()
        .any(|word| cuda_number(word) == Some(number))
}

/// The end of an output, which may be long.
fn text_of(output: &mut File) -> String {
    let mut bytes = Vec::new();
    let read = output.metadata().and_then(|file| {
        let begin = file.len().saturating_sub(READ);
        output.seek(SeekFrom::Start(begin))?;
        output.take(READ).read_to_end(&mut bytes)
    });
    match read {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_worker_lists_devices_as_words() {
        let text = "cpu\ncuda:0\ncuda:11\n";
        assert!(lists(text, "cuda") && lists(text, "auto") && lists(text, "cuda:11"));
        assert!(!lists(text, "cuda:1") && !lists("cpu\n", "cuda:0"));
    }

    #[test]
    fn only_the_end_of_a_long_output_is_read() {
        let mut output = tempfile::tempfile().unwrap();
        output.write_all(&[b'x'; 100_000]).unwrap();
        output.write_all(b"\nlast\n").unwrap();
        let text = text_of(&mut output);
        assert_eq!(text.len() as u64, READ);
        assert_eq!(text.lines().last(), Some("last"));
    }
}
