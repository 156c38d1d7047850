//! python3, its pip, and the scripts that set-up runs with it.

use std::env;
use std::ffi::OsStr;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

const UNPACK: &str = include_str!("unpack.py");
const LOAD: &str = "import ctypes, os, sys; ctypes.CDLL(sys.argv[1], mode=os.RTLD_NOW)";

/// The Python that torch-sys uses too: `python` inside a virtual environment.
pub(super) fn name() -> &'static str {
    match env::var_os("VIRTUAL_ENV") {
        Some(_) => "python",
        None => "python3",
    }
}

/// `python3 -m pip`, after a check that it works.
pub(super) fn pip() -> Result<Command> {
    let program = name();
    let pip = || {
        let mut pip = Command::new(program);
        pip.args(["-m", "pip"]).stdin(Stdio::null());
        pip
    };
    let output = pip().arg("--version").output();
    ensure!(
        output.is_ok_and(|output| output.status.success()),
        "`{program} -m pip` does not work; set-up downloads libtorch with pip\nwhat to do: \
         install python3 with pip (Debian, Ubuntu: apt-get install python3 python3-pip; macOS: \
         xcode-select --install), or set LIBTORCH to the folder of your own libtorch, then run \
         this again"
    );
    Ok(pip())
}

/// Extracts `members` of the wheels in a folder.
pub(super) fn unpack(wheels: &OsStr, folder: &OsStr, members: &[&str]) -> Result<()> {
    let mut arguments = vec![OsStr::new("-I"), OsStr::new("-c"), OsStr::new(UNPACK)];
    arguments.extend([wheels, folder]);
    arguments.extend(members.iter().map(OsStr::new));
    script(&arguments).map(drop)
}

/// Loads a library in a child process and binds all of its symbols.
pub(super) fn load(library: &OsStr) -> Result<()> {
    script(&["-I".as_ref(), "-c".as_ref(), LOAD.as_ref(), library]).map(drop)
}

/// Runs Python and returns its output; a failure is the last line of its standard error.
pub(super) fn script(arguments: &[&OsStr]) -> Result<String> {
    let program = name();
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{program} could not be started"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        match errors.trim_end().lines().last() {
            Some(line) => bail!("{line}"),
            None => bail!("{program} failed ({})", output.status),
        }
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
