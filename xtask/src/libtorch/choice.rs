//! Chooses between the user's libtorch and ours.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::{VERSION, python};

/// Where torch-sys finds libtorch, in torch-sys's order of precedence.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
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
        // `.cargo/config.toml` sets LIBTORCH to our folder if the user has not set it.
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

/// Without this check, a wrong folder shows minutes later as a C++ or linker error.
pub(super) fn check_folder(folder: &Path) -> Result<()> {
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
pub(super) fn check_pytorch() -> Result<String> {
    let program = python::name();
    let remedy = format!(
        "what to do: install torch=={VERSION} for that {program}, or unset LIBTORCH_USE_PYTORCH \
         to have libtorch downloaded"
    );
    let output = python::script(&["-c".as_ref(), IMPORT.as_ref()]).with_context(|| {
        format!("LIBTORCH_USE_PYTORCH is set, but {program} cannot import torch\n{remedy}")
    })?;
    let (version, path) = output.trim_end().split_once(' ').unwrap_or_default();
    let number = version.split('+').next().unwrap_or_default();
    ensure!(
        number == VERSION || env::var_os("LIBTORCH_BYPASS_VERSION_CHECK").is_some(),
        "LIBTORCH_USE_PYTORCH is set, but {program} has PyTorch {version}; {VERSION} is \
         needed\n{remedy}"
    );
    Ok(format!("PyTorch {version} in {path}"))
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
    fn cargos_own_setting_is_not_the_users() {
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
