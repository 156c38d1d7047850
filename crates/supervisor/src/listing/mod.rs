//! Lists the tests of a framework: runs the processes that an adapter asks for.

mod process;
mod python;

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use crashrate_adapters::{
    Context, Detection, Framework, ListError, PathKind, Step, TestList, list,
};

pub use python::PythonPackage;

use crate::additions::Python;
use crate::build::KeptBuilds;
use crate::hash;
use crate::suite::{Suite, TestSource};

/// Lists the tests of commands.
#[derive(Clone, Debug)]
pub struct TestLister {
    /// Where files that the tests need are kept: built test programs, the plugin of pytest.
    folder: PathBuf,
    /// The Python package with the plugin of pytest.
    python: PythonPackage,
    /// The kept builds of variants.
    builds: KeptBuilds,
    /// Whether the environment of Python commands may get additions.
    additions: bool,
}

impl TestLister {
    /// A lister that keeps files in this folder, which must outlive the runs of the tests.
    pub fn new(folder: PathBuf, python: PythonPackage, builds: KeptBuilds) -> TestLister {
        TestLister {
            folder,
            builds,
            python,
            additions: true,
        }
    }

    /// The same lister, but crashrate adds nothing to the environment of Python commands.
    pub fn without_additions(self) -> TestLister {
        TestLister {
            additions: false,
            ..self
        }
    }

    /// Names the folder of the Python package in a suite that needs it. It need not exist yet.
    ///
    /// # Errors
    /// The current directory cannot be found: a message for people.
    pub fn add_package(&self, suite: &mut Suite) -> Result<(), String> {
        suite.additions &= self.additions;
        for source in &mut suite.tests {
            source.additions = suite.additions;
        }
        if suite.additions && suite.pythons().next().is_some() {
            suite.python_package = Some(python::place(&self.folder).map_err(not_written)?);
        }
        Ok(())
    }

    /// The folder of kept builds, if a variant needs one.
    pub(crate) fn builds_of(&self, suite: &Suite) -> Option<PathBuf> {
        let is_needed = suite.variants.iter().any(|v| v.origin.is_some());
        is_needed.then(|| self.builds.folder().to_owned())
    }

    /// Writes the Python package that a suite needs.
    pub(crate) fn write_package(&self, suite: &Suite) -> Result<(), String> {
        match &suite.python_package {
            Some(folder) => python::write(folder, self.python).map_err(not_written),
            None => Ok(()),
        }
    }

    /// Lists the tests of a command.
    ///
    /// # Errors
    /// The command cannot be run or lists no tests that can be read: a message for people.
    pub fn list(&self, source: &TestSource) -> Result<TestList, String> {
        let command = source.command.join(" ");
        tracing::info!(%command, "listing tests");
        let list = match self.detect(source) {
            Detection::Known(framework) => self.list_as(framework, source)?,
            Detection::Probe(frameworks) => self.probe(frameworks, source)?,
            Detection::Unknown => {
                let problem = "the command does not tell its framework; name one with `from` (on \
                               the command line: --from)";
                return Err(format!("`{command}`: {problem}"));
            }
        };
        for note in list.notes.iter().cloned().chain(notes_of_tests(&list)) {
            tracing::warn!("{note}");
        }
        tracing::info!(%command, tests = list.len(), "listed tests");
        Ok(list)
    }

    /// Checks that every test of a suite still exists. The error is for people.
    pub(crate) fn check(&self, suite: &Suite) -> Result<(), String> {
        let mut found = HashSet::new();
        for source in &suite.tests {
            let groups = self.list(source)?.groups.into_iter();
            found.extend(groups.flat_map(|group| group.tests).map(|test| test.id));
        }
        let of_tests = suite
            .chapters
            .iter()
            .filter(|chapter| chapter.test.is_some());
        let missing = of_tests.map(|chapter| &chapter.id);
        let missing: Vec<_> = missing.filter(|id| !found.contains(*id)).collect();
        match missing.as_slice() {
            [] => Ok(()),
            [one] => Err(format!("the test `{one}` no longer exists")),
            [first, others @ ..] => Err(format!(
                "the test `{first}` and {} others no longer exist",
                others.len()
            )),
        }
    }

    fn detect(&self, source: &TestSource) -> Detection {
        if let Some(framework) = source.framework {
            return Detection::Known(framework);
        }
        let first = source.command.first().map_or("", String::as_str);
        Framework::detect(
            &source.command,
            kind_of(&source.chapter.timing.directory.join(first)),
        )
    }

    /// Asks the program in the way of each framework in turn.
    fn probe(&self, frameworks: &[Framework], source: &TestSource) -> Result<TestList, String> {
        let mut problems = Vec::new();
        for framework in frameworks {
            match self.list_as(*framework, source) {
                Ok(list) if !list.is_empty() => return Ok(list),
                Ok(_) => problems.push(format!("{framework}: no tests")),
                Err(problem) => problems.push(problem),
            }
        }
        Err(format!(
            "no framework was recognised; name one with `from` (on the command line: --from)\n  {}",
            problems.join("\n  ")
        ))
    }

    fn list_as(&self, framework: Framework, source: &TestSource) -> Result<TestList, String> {
        let timing = &source.chapter.timing;
        // Programs of other commands and folders have another place.
        let key = format!(
            "{framework}\n{:?}\n{}",
            source.command,
            timing.directory.display()
        );
        let scratch = self.folder.join(&hash::of_bytes(key.as_bytes())[..16]);
        let mut env: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        env.extend(source.chapter.env.clone());
        if let Some(python) = Python::of(Some(framework), &source.command)
            && self.additions
            && source.additions
        {
            let package = python::place(&self.folder).map_err(not_written)?;
            python::write(&package, self.python).map_err(not_written)?;
            env.extend(python.additions(&package, &env));
        }
        let words = |error: ListError| error.to_string();
        let context = Context {
            scratch: &scratch,
            env: &env,
        };
        let mut step = list(framework, &source.command, context).map_err(words)?;
        loop {
            match step {
                Step::Run(listing) => {
                    std::fs::create_dir_all(&scratch)
                        .map_err(|e| format!("{}: {e}", scratch.display()))?;
                    let outputs = process::run_all(listing.processes(), &timing.directory, &env)?;
                    step = listing.outputs(outputs).map_err(words)?;
                }
                Step::Done(list) => return Ok(list),
            }
        }
    }
}

fn not_written(error: io::Error) -> String {
    format!("the Python package cannot be written: {error}")
}

/// What people should know about tests, each note once with the tests that it is about.
fn notes_of_tests(list: &TestList) -> Vec<String> {
    let mut tests_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for test in list.groups.iter().flat_map(|group| &group.tests) {
        for note in &test.notes {
            tests_of.entry(note).or_default().push(&test.id);
        }
    }
    let sentence = |(note, tests): (&str, Vec<&str>)| match tests.as_slice() {
        [] => note.to_owned(),
        [one] => format!("the test `{one}` {note}"),
        [first, others @ ..] => {
            format!("the test `{first}`, like {} others, {note}", others.len())
        }
    };
    tests_of.into_iter().map(sentence).collect()
}

fn kind_of(path: &Path) -> PathKind {
    if path.join("CTestTestfile.cmake").is_file() {
        PathKind::CmakeBuild
    } else if path.is_dir() {
        PathKind::Folder
    } else if path.is_file() {
        PathKind::File
    } else {
        PathKind::Nothing
    }
}
