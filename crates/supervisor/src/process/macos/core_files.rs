//! Core dumps are not read on macOS, which writes crash reports.

use std::path::Path;
use std::time::SystemTime;

use nix::unistd::Pid;

use crate::process::CoreEvidence;

/// Has no values.
#[derive(Debug)]
pub enum CoreFiles {}

impl CoreFiles {
    /// Core dumps are not read here.
    ///
    /// # Errors
    /// Always.
    pub fn find(_fresh: bool) -> Result<CoreFiles, String> {
        Err(
            "core dumps are read on Linux only; macOS writes crash reports, which are read"
                .to_owned(),
        )
    }

    /// Whether a dump is found even if the process changes its working directory.
    pub fn is_absolute(&self) -> bool {
        match *self {}
    }

    pub(in crate::process) fn limit(&self) -> u64 {
        match *self {}
    }

    pub(in crate::process) fn collect(
        &self,
        _pid: Pid,
        _directory: &Path,
        _since: SystemTime,
        _keep: Option<&Path>,
    ) -> CoreEvidence {
        match *self {}
    }
}
