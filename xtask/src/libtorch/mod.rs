//! Which libtorch is used: the user's, or one that set-up downloads.
//!
//! | file | subject |
//! |---|---|
//! | `platforms.toml`, `platform.rs` | per platform: wheels, hashes, files |
//! | `setup.rs` | downloads, checks and puts in place |
//! | `unpack.py` | makes a libtorch folder of wheels |

mod platform;
mod setup;

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// The version that tch 0.24 requires.
const VERSION: &str = "2.11.0";

/// Where torch-sys finds libtorch, in torch-sys's order of precedence.
#[derive(Debug, PartialEq, Eq)]
enum Choice {
    /// The PyTorch that python3 imports (`LIBTORCH_USE_PYTORCH`, with any value).
    PyTorch,
    /// `LIBTORCH_INCLUDE` or `LIBTORCH_LIB`; not checked.
    Parts,
    /// The user's folder (`LIBTORCH`).
    Folder(PathBuf),
    /// The folder that set-up creates.
    Ours,
}

impl Choice {
    fn of_environment(ours: &Path) -> Result<Self> {
        let here = env::current_dir().context("the current directory cannot be read")?;
        Ok(Self::of(|name| env::var_os(name), ours, &here))
    }

    fn of(variable: impl Fn(&str) -> Option<OsString>, ours: &Path, here: &Path) -> Self {
        if variable("LIBTORCH_USE_PYTORCH").is_some() {
            return Self::PyTorch;
        }
        if variable("LIBTORCH_INCLUDE").is_some() || variable("LIBTORCH_LIB").is_some() {
            return Self::Parts;
        }
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        // `.cargo/config.toml` sets LIBTORCH to our folder if the user has not set it.
        match variable("LIBTORCH").map(|folder| here.join(folder)) {
            Some(folder) if folder != here && real(&folder) != real(ours) => Self::Folder(folder),
            _ => Self::Ours,
        }
    }
}

/// Checks the user's libtorch, or sets ours up if needed. Returns the value of `LIBTORCH` for a
/// build, unless torch-sys finds libtorch by another variable.
pub(crate) fn provide(ours: &Path, force: bool) -> Result<Option<PathBuf>> {
    match Choice::of_environment(ours)? {
        Choice::Ours => {
            setup::ensure(ours, force)?;
            Ok(Some(ours.to_owned()))
        }
        Choice::Folder(folder) => {
            check_folder(&folder)?;
            let place = folder.display();
            say!("LIBTORCH is set: using the libtorch in {place}, nothing to set up");
            Ok(Some(folder))
        }
        Choice::Parts => {
            say!("LIBTORCH_INCLUDE or LIBTORCH_LIB is set: nothing to set up");
            Ok(None)
        }
        Choice::PyTorch => {
            let found = check_pytorch()?;
            say!("LIBTORCH_USE_PYTORCH is set: using {found}, nothing to set up");
            Ok(None)
        }
    }
}

/// Whether a libtorch is in place, so that `provide` would not download one.
pub(crate) fn is_in_place(ours: &Path) -> Result<bool> {
    Ok(Choice::of_environment(ours)? != Choice::Ours || check_folder(ours).is_ok())
}

/// Without this check, a wrong folder shows minutes later as a C++ or linker error.
fn check_folder(folder: &Path) -> Result<()> {
    let library = format!("lib/libtorch.{}", env::consts::DLL_EXTENSION);
    for needed in ["include/torch/csrc/api/include/torch/torch.h", &library] {
        ensure!(
            folder.join(needed).exists(),
            "LIBTORCH is set to {}, but there is no {needed} in it\nwhat to do: set LIBTORCH to \
             the folder of a libtorch {VERSION} (the one with `include` and `lib`), or unset it \
             to have one downloaded",
            folder.display()
        );
    }
    Ok(())
}

/// torch-sys imports `cpp_extension`, which needs setuptools.
const IMPORT: &str = "import torch; from torch.utils import cpp_extension; \
                      print(torch.__version__, torch.__path__[0])";

/// Checks the PyTorch that python3 imports, as torch-sys will, and describes it.
fn check_pytorch() -> Result<String> {
    let remedy = format!(
        "what to do: install torch=={VERSION} for that Python, or unset LIBTORCH_USE_PYTORCH to \
         have libtorch downloaded"
    );
    let output = script(&["-c".as_ref(), IMPORT.as_ref()]).with_context(|| {
        format!("LIBTORCH_USE_PYTORCH is set, but Python cannot import torch\n{remedy}")
    })?;
    let (version, path) = output.trim_end().split_once(' ').unwrap_or_default();
    let number = version.split('+').next().unwrap_or_default();
    ensure!(
        number == VERSION || env::var_os("LIBTORCH_BYPASS_VERSION_CHECK").is_some(),
        "LIBTORCH_USE_PYTORCH is set, but Python has PyTorch {version}; {VERSION} is \
         needed\n{remedy}"
    );
    Ok(format!("PyTorch {version} in {path}"))
}

/// The Python that torch-sys uses too: `python` inside a virtual environment.
fn python() -> Command {
    match env::var_os("VIRTUAL_ENV") {
        Some(_) => Command::new("python"),
        None => Command::new("python3"),
    }
}

/// Runs Python and returns its output; a failure is the last line of its standard error.
fn script(arguments: &[&OsStr]) -> Result<String> {
    let output = python()
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .context("Python could not be started")?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        match errors.lines().last() {
            Some(line) => bail!("{line}"),
            None => bail!("Python failed ({})", output.status),
        }
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod test {
    use super::*;

    fn choose(variables: &[(&str, &str)]) -> Choice {
        let find = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Choice::of(find, Path::new("/w/target/libtorch"), Path::new("/w/sub"))
    }

    #[test]
    fn the_setting_of_the_cargo_configuration_is_ignored() {
        assert_eq!(choose(&[]), Choice::Ours);
        assert_eq!(choose(&[("LIBTORCH", "")]), Choice::Ours);
        assert_eq!(choose(&[("LIBTORCH", "/w/target/libtorch")]), Choice::Ours);
        assert_eq!(choose(&[("LIBTORCH", "/w/target/libtorch/")]), Choice::Ours);
    }

    #[test]
    fn a_setting_of_the_user_wins() {
        assert_eq!(
            choose(&[("LIBTORCH", "/opt/torch")]),
            Choice::Folder("/opt/torch".into())
        );
        assert_eq!(
            choose(&[("LIBTORCH", "torch")]),
            Choice::Folder("/w/sub/torch".into())
        );
        let both = [("LIBTORCH_USE_PYTORCH", "1"), ("LIBTORCH", "/opt/torch")];
        assert_eq!(choose(&both), Choice::PyTorch);
        assert_eq!(choose(&[("LIBTORCH_LIB", "/opt/lib")]), Choice::Parts);
    }
}
