//! The user's own libtorch, or ours.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::{VERSION, python};

/// Where torch-sys is to find libtorch, in the order in which torch-sys itself decides.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// The PyTorch that python3 imports (`LIBTORCH_USE_PYTORCH`, with any value).
    PyTorch,
    /// `LIBTORCH_INCLUDE` or `LIBTORCH_LIB`: someone who knows.
    Parts,
    /// A folder of the user's (`LIBTORCH`).
    Folder(PathBuf),
    /// The folder that set-up makes.
    Ours,
}

impl Choice {
    pub(super) fn of_environment(ours: &Path) -> Result<Self> {
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
        // Cargo sets LIBTORCH to our own folder, by `.cargo/config.toml`, where the user has none.
        match variable("LIBTORCH").filter(|value| !value.is_empty()) {
            Some(folder) if !is_same(Path::new(&folder), ours) => Self::Folder(here.join(folder)),
            _ => Self::Ours,
        }
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    one == other || real(one) == real(other)
}

/// Says early and clearly what would otherwise be a C++ or linker error minutes later.
pub(super) fn check_folder(folder: &Path) -> Result<()> {
    let library = format!("lib/libtorch.{}", env::consts::DLL_EXTENSION);
    for needed in ["include/torch/csrc/api/include/torch/torch.h", &library] {
        ensure!(
            folder.join(needed).exists(),
            "LIBTORCH is set to {}, but there is no {needed} in it\n\
             what to do: set LIBTORCH to the folder of a libtorch {VERSION} (the one with `include` and `lib`), \
             or unset it, and one is fetched",
            folder.display()
        );
    }
    Ok(())
}

/// torch-sys asks `cpp_extension` where the libraries are; without setuptools that cannot be imported.
const ASK: &str = "import torch; from torch.utils import cpp_extension; \
                   print(torch.__version__); print(torch.__path__[0])";

/// Asks the PyTorch of the user for its version, as torch-sys will.
pub(super) fn check_pytorch() -> Result<String> {
    let program = python::name();
    let output = std::process::Command::new(program)
        .args(["-c", ASK])
        .output()
        .with_context(|| {
            format!("LIBTORCH_USE_PYTORCH is set, but {program} could not be started")
        })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "LIBTORCH_USE_PYTORCH is set, but {program} cannot import torch: {}\n\
             what to do: install torch=={VERSION} for that {program}, or unset LIBTORCH_USE_PYTORCH, and libtorch is fetched",
            said.lines().last().unwrap_or("it said nothing")
        );
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let mut lines = said.lines();
    let version = lines.next().unwrap_or_default();
    let number = version.split('+').next().unwrap_or_default();
    ensure!(
        number == VERSION || env::var_os("LIBTORCH_BYPASS_VERSION_CHECK").is_some(),
        "LIBTORCH_USE_PYTORCH is set, but {program} has PyTorch {version}; {VERSION} is needed\n\
         what to do: install torch=={VERSION} for that {program}, or unset LIBTORCH_USE_PYTORCH, and libtorch is fetched"
    );
    Ok(format!(
        "PyTorch {version} in {}",
        lines.next().unwrap_or_default()
    ))
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
    fn what_cargo_itself_sets_is_not_the_users() {
        assert_eq!(choose(&[]), Choice::Ours);
        assert_eq!(choose(&[("LIBTORCH", "")]), Choice::Ours);
        assert_eq!(choose(&[("LIBTORCH", "/w/target/libtorch")]), Choice::Ours);
        assert_eq!(choose(&[("LIBTORCH", "/w/target/libtorch/")]), Choice::Ours);
    }

    #[test]
    fn the_users_own_wins() {
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
