//! Requests that cannot be met.

use std::path::PathBuf;

use thiserror::Error;

use crate::device::DeviceError;
use crate::journal::FolderError;
use crate::minimize::MinimizeError;
use crate::plan::PlanError;
use crate::provoke::ProvokeError;
use crate::run_file::RunFileError;
use crate::suite::SuiteError;

/// A request that cannot be met.
#[derive(Debug, Error)]
pub enum RequestError {
    /// The suite, or the command, cannot be used.
    #[error(transparent)]
    Suite(#[from] SuiteError),
    /// The selection cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The folder of the run to resume cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// There is no such run to resume.
    #[error(transparent)]
    Find(FolderError),
    /// The plan of the run to resume cannot be read.
    #[error(transparent)]
    RunFile(#[from] RunFileError),
    /// `--dose` without a fault.
    #[error("--dose: the suite has no [fault]")]
    NoFault,
    /// Nothing can be forked on this device.
    #[error("--spawn: {0}")]
    Spawn(String),
    /// There are no two sides to compare.
    #[error(
        "--until decided has nothing to compare: run both modes of a suite with a [[sequence]], \
         or name two variants with --variant"
    )]
    NothingToCompare,
    /// The run to resume was merged.
    #[error(
        "{}: the run was merged from shards, so it cannot be resumed: resume the runs of its shards \
         and merge again",
        .0.display()
    )]
    Merged(PathBuf),
    /// Tests of the run to resume cannot be found any more.
    #[error("the run cannot be resumed: {0}")]
    Tests(String),
    /// The search cannot begin.
    #[error(transparent)]
    Minimize(#[from] MinimizeError),
    /// The search for a perturbation cannot begin.
    #[error(transparent)]
    Provoke(#[from] ProvokeError),
    /// The Python package that commands need cannot be written.
    #[error("{0}")]
    Package(String),
    /// The devices cannot be used.
    #[error(transparent)]
    Devices(#[from] DeviceError),
    /// The attempts cannot be divided among the devices.
    #[error("--jobs {jobs}: must be a multiple of the number of devices, {devices}")]
    Jobs {
        /// The number of attempts at the same time.
        jobs: u32,
        /// The number of devices.
        devices: u32,
    },
    /// The plan is for one device.
    #[error("--devices: the plan is for one device, {0}; write one for `cuda:*`")]
    OneDevice(String),
    /// A search runs one round after the other, each on what the last one showed.
    #[error("a search runs on one device: choose it with --device cuda:N")]
    SearchOnDevices,
    /// Gates cannot be shown within their rounds.
    #[error("--strict: {}", .0.join("; "))]
    UnreachableGates(Vec<String>),
}
