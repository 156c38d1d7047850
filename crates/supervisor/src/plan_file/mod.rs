//! Plan files: the plan of a run, made once for all machines that run a shard of it.
//!
//! A plan file has the resolved suite with its tests, the seed, the stopping rule, and the hashes
//! of the programs. A machine whose programs differ is refused by name before its first round.

mod check;
mod error;
mod publish;
mod text;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crashrate_model::{Baseline, Stopping, Unit};
use serde::{Deserialize, Serialize};

use crate::device::DeviceSet;
use crate::listing::TestLister;
use crate::plan::{Plan, SpecBuilder};
use crate::program::Programs;
use crate::request::{RunRequest, random_seed};
use crate::safe_file;
use crate::suite::Suite;
use crate::watching::EvidenceChoice;
use crate::worker::Workers;

use publish::publish;

pub use error::PlanFileError;

/// The version of the format.
const VERSION: u32 = 1;

/// The first key of a plan file.
const KEY: &str = "\"crashrate_plan\"";

/// A plan that several machines share.
#[derive(Clone, Debug)]
pub struct PlanFile {
    /// What to measure and when to stop.
    pub request: RunRequest,
    /// The SHA-256 of each program, by its path.
    programs: BTreeMap<String, String>,
    /// The file, for messages.
    path: PathBuf,
}

/// The content of a plan file, without its checksum.
#[derive(Deserialize, Serialize)]
struct Content {
    /// [`VERSION`]. The first key, by which a plan file is recognized.
    crashrate_plan: u32,
    /// [`Plan::fingerprint`], which the shards record.
    fingerprint: String,
    seed: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_seed: Option<u64>,
    stopping: Stopping,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_worse_by: Option<f64>,
    /// How many attempts run at the same time, on each device if there are several.
    jobs: u32,
    evidence: EvidenceChoice,
    /// The SHA-256 of each program, the worker included, by its path.
    programs: BTreeMap<String, String>,
    units: Vec<Unit>,
    suite: Suite,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    baseline: Option<Box<Baseline>>,
}

impl PlanFile {
    /// Makes the plan file of a request, and hashes its programs. `path` is where it will be.
    ///
    /// # Errors
    /// The request is a search, or the dose of its fault is not known yet.
    pub fn new(
        request: RunRequest,
        workers: &Workers,
        path: &Path,
    ) -> Result<PlanFile, PlanFileError> {
        request.can_be_divided().map_err(PlanFileError::Divided)?;
        if request.plan.only_round.is_some() {
            return Err(PlanFileError::OnlyRound);
        }
        Ok(PlanFile {
            programs: programs(&request.plan, workers),
            request,
            path: path.to_owned(),
        })
    }

    /// Whether a file is a plan and not a suite: JSON begins with a brace, and a suite never does.
    pub fn is_plan(path: &Path) -> bool {
        begin(path).starts_with('{')
    }

    /// Reads a plan file.
    ///
    /// # Errors
    /// It cannot be read, it is not a plan file of this version, or it was changed.
    pub fn read(path: &Path) -> Result<PlanFile, PlanFileError> {
        let bytes = fs::read_to_string(path).map_err(|source| PlanFileError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let content = text::parse(&bytes, path)?;
        let plan = Plan {
            suite: Suite {
                baseline: content.baseline,
                ..content.suite
            },
            units: content.units,
            seed: content.seed,
            only_round: None,
            shard: None,
            order_seed: content.order_seed,
        };
        if plan.fingerprint() != content.fingerprint {
            return Err(PlanFileError::Changed(path.to_owned()));
        }
        Ok(PlanFile {
            path: path.to_owned(),
            request: RunRequest {
                plan,
                stopping: content.stopping,
                jobs: content.jobs,
                devices: DeviceSet::default(),
                evidence: content.evidence,
                not_worse_by: content.not_worse_by,
            },
            programs: content.programs,
        })
    }

    /// The file's text.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn text(&self) -> Result<String, PlanFileError> {
        let request = &self.request;
        let content = Content {
            crashrate_plan: VERSION,
            fingerprint: request.plan.fingerprint(),
            seed: request.plan.seed,
            order_seed: request.plan.order_seed,
            stopping: request.stopping.clone(),
            not_worse_by: request.not_worse_by,
            jobs: request.jobs,
            evidence: request.evidence,
            programs: self.programs.clone(),
            units: request.plan.units.clone(),
            suite: request.plan.suite.clone(),
            baseline: request.plan.suite.baseline.clone(),
        };
        text::write(&content).map_err(|error| self.unwritten(error.into()))
    }

    /// Checks that the tests of the plan are on this machine, and writes the files that they need.
    ///
    /// # Errors
    /// A test is missing, or a file cannot be written.
    pub fn prepare(&mut self, lister: &TestLister) -> Result<(), PlanFileError> {
        let suite = &mut self.request.plan.suite;
        // The folder of crashrate's own files is this machine's.
        suite.builds = lister.builds_of(suite);
        let package = match suite.python_package.take() {
            Some(_) => lister.add_package(suite),
            None => Ok(()),
        };
        package
            .and_then(|()| lister.write_package(suite))
            .and_then(|()| lister.check(suite))
            .map_err(|problem| PlanFileError::Tests {
                path: self.path.clone(),
                problem,
            })
    }

    /// Whether there is a file with another plan, or with other programs: runs of that one cannot be
    /// merged with runs of this one.
    pub fn replaces_another(&self) -> bool {
        PlanFile::read(&self.path).is_ok_and(|earlier| {
            earlier.programs != self.programs || earlier.check_request(&self.request).is_err()
        })
    }

    /// Writes the file, in place of an earlier plan file.
    ///
    /// # Errors
    /// There is another file, or it cannot be written.
    pub fn write(&self) -> Result<(), PlanFileError> {
        let begin = begin(&self.path);
        if self.path.is_file() && !begin.is_empty() && !begin.contains(KEY) {
            return Err(PlanFileError::NotReplaced(self.path.clone()));
        }
        let (folder, name) = self.place()?;
        let written = safe_file::write(folder, name, self.text()?.as_bytes());
        written.map_err(|error| self.unwritten(error))
    }

    /// Writes the file unless there is one. Of several machines that do this at the same time,
    /// exactly one writes it. Returns whether this one did.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_new(&self) -> Result<bool, PlanFileError> {
        let (folder, name) = self.place()?;
        // Machines on a shared disk, and pods of one machine, may have the same process ids.
        let temporary = folder.join(format!(".{name}-{:x}", random_seed()));
        let text = self.text()?;
        let published = File::create_new(&temporary).and_then(|mut file| {
            // Object stores behind FUSE show content only after `close`, and after a power cut a
            // file may have its name without its content.
            let written = file.write_all(text.as_bytes());
            let written = written.and_then(|()| file.sync_all());
            drop(file);
            let published = written.and_then(|()| publish(&temporary, &self.path));
            let _ = fs::remove_file(&temporary);
            published
        });
        published.map_err(|error| self.unwritten(error))
    }

    fn place(&self) -> Result<(&Path, &str), PlanFileError> {
        let name = self.path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| self.unwritten(io::Error::other("not a file name")))?;
        let folder = self.path.parent().filter(|path| *path != Path::new(""));
        Ok((folder.unwrap_or(Path::new(".")), name))
    }

    fn unwritten(&self, source: io::Error) -> PlanFileError {
        PlanFileError::Unwritten {
            path: self.path.clone(),
            source,
        }
    }
}

/// The first characters of a file without white space before them; none if it cannot be read.
fn begin(path: &Path) -> String {
    let mut begin = [0; 64];
    let read = File::open(path).and_then(|mut file| file.read(&mut begin));
    let begin = String::from_utf8_lossy(&begin[..read.unwrap_or(0)]);
    begin.trim_start().to_owned()
}

/// The hashes of the programs that a plan starts, as a run records them.
fn programs(plan: &Plan, workers: &Workers) -> BTreeMap<String, String> {
    let specs = SpecBuilder::new(plan, "", &workers.by_variant);
    Programs::of(specs.units()).hashes()
}
