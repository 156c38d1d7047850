//! What crashrate adds to the environment of Python commands, beside its own variables: the package
//! `crashrate`, for a Python in which it is not installed, and Python's report of a fatal error.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::Path;

use crashrate_adapters::Framework;

use crate::suite::{ById, Suite};

const SEARCH: &str = "PYTHONPATH";
const FATAL_ERRORS: &str = "PYTHONFAULTHANDLER";

/// Which Python a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Python {
    /// The user's script.
    Script,
    /// Tests of pytest.
    Tests,
}

impl Python {
    /// What a command is, as far as its words tell.
    pub(crate) fn of(framework: Option<Framework>, command: &[String]) -> Option<Python> {
        match (framework, command.first()) {
            (Some(Framework::Pytest), _) => Some(Python::Tests),
            (None, Some(program)) if is_python(program) => Some(Python::Script),
            _ => None,
        }
    }

    /// The additions to `env`, which overrides the variables that crashrate inherited. The user's
    /// own values stay: the folder of the package comes last, and nothing else is replaced.
    pub(crate) fn additions(
        self,
        folder: &Path,
        env: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let mut added = BTreeMap::new();
        let own = |name: &str| match env.get(name) {
            Some(value) => Some(OsString::from(value)),
            None => env::var_os(name),
        };
        let before = own(SEARCH).unwrap_or_default().into_string();
        // A value that is not UTF-8 could not be passed on as it is.
        if let (Ok(before), Some(folder)) = (before, folder.to_str()) {
            let search = match before.as_str() {
                "" => folder.to_owned(),
                before => format!("{before}:{folder}"),
            };
            added.insert(SEARCH.to_owned(), search);
        }
        if self == Python::Tests && own(FATAL_ERRORS).is_none() {
            added.insert(FATAL_ERRORS.to_owned(), "1".to_owned());
        }
        added
    }
}

impl Suite {
    /// The variables that crashrate adds to the environment of the suite's Python commands, with
    /// what it adds to each.
    pub fn added_env(&self) -> BTreeMap<String, String> {
        let Some(folder) = &self.python_package else {
            return BTreeMap::new();
        };
        let mut all = BTreeMap::new();
        for python in self.pythons() {
            all.extend(python.additions(folder, &BTreeMap::new()));
        }
        if let Some(search) = all.get_mut(SEARCH) {
            *search = folder.display().to_string();
        }
        all
    }

    /// The Python commands of its chapters and sequences.
    pub(crate) fn pythons(&self) -> impl Iterator<Item = Python> {
        let by_id = ById::of(self);
        let units: Vec<_> = crate::plan::units_of(self, crate::suite::DEFAULT_VARIANT).collect();
        units.into_iter().filter_map(move |unit| {
            let settings = by_id.settings(&unit)?;
            Python::of(settings.framework, settings.command.unwrap_or_default())
        })
    }
}

/// Whether a program is a Python (`python3`, `python3.13t`, `pypy3`) or a script for it.
fn is_python(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    let version = name
        .strip_prefix("python")
        .or_else(|| name.strip_prefix("pypy"));
    let is_version = |rest: &str| {
        let rest = rest.trim_end_matches("-dbg").trim_end_matches(['d', 't']);
        rest.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    name.ends_with(".py") || version.is_some_and(is_version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_python_are_recognised() {
        for (program, expected) in [
            ("python", true),
            ("/venv/bin/python3.13t", true),
            ("python3-dbg", true),
            ("pypy3", true),
            ("./story.py", true),
            ("python3-config", false),
            ("pythonic", false),
            ("sh", false),
        ] {
            let command = [program.to_owned(), "x".to_owned()];
            assert_eq!(Python::of(None, &command).is_some(), expected, "{program}");
        }
    }

    #[test]
    fn values_of_the_user_stay() {
        let folder = Path::new("/runs/python");
        let env = |value: &str| {
            let names = [SEARCH, FATAL_ERRORS];
            BTreeMap::from(names.map(|name| (name.to_owned(), value.to_owned())))
        };
        let added = Python::Tests.additions(folder, &env("0"));
        let search = BTreeMap::from([(SEARCH.to_owned(), "0:/runs/python".to_owned())]);
        assert_eq!(added, search);
        let added = Python::Tests.additions(folder, &env(""));
        assert_eq!(added[SEARCH], "/runs/python");
        assert_eq!(added.get(FATAL_ERRORS), None);
    }
}
