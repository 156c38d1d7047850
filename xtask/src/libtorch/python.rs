//! python3 and its pip.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// The Python that torch-sys takes too: inside a virtual environment its `python`.
pub(super) fn name() -> &'static str {
    if env::var_os("VIRTUAL_ENV").is_some() {
        "python"
    } else {
        "python3"
    }
}

/// A Python with a pip.
pub(super) struct Python {
    program: &'static str,
}

impl Python {
    pub(super) fn find() -> Result<Self> {
        let program = name();
        let output = Command::new(program)
            .args(["-m", "pip", "--version"])
            .stdin(Stdio::null())
            .output()
            .with_context(|| {
                format!(
                    "{program} could not be started; its pip is what fetches libtorch\n\
                     what to do: {INSTALL}"
                )
            })?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "{program} has no pip that works; pip is what fetches libtorch\n\
             {program} says: {}\n\
             what to do: {INSTALL}",
            said.trim_end().lines().last().unwrap_or("nothing")
        );
        Ok(Self { program })
    }

    pub(super) fn pip(&self) -> Command {
        let mut command = Command::new(self.program);
        command.args(["-m", "pip"]);
        command
    }

    /// Loads a library in a child process, with everything that it needs bound at once.
    pub(super) fn load(&self, library: &Path) -> Result<()> {
        let output = Command::new(self.program)
            .args(["-I", "-c"])
            .arg("import ctypes, os, sys; ctypes.CDLL(sys.argv[1], mode=os.RTLD_NOW)")
            .arg(library)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("{} could not be started", self.program))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let reason = said.trim_end().lines().last();
            bail!(
                "{}",
                reason.map_or_else(|| format!("{}", output.status), str::to_owned)
            );
        }
        Ok(())
    }
}

const INSTALL: &str = "install python3 with pip (Debian, Ubuntu: apt-get install python3 python3-pip; \
                       macOS: xcode-select --install), \
                       or set LIBTORCH to the folder of a libtorch of your own; then give the same command again";
