//! The dialogue that lists the tests of a program.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::ListError;
use crate::group::{Group, Test};
use crate::{Framework, catch2, ctest, go, gtest, libtest, names, pytest};

/// A process that the caller starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invocation {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Variables that are added to the environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Variables that are removed from the environment.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unset: BTreeSet<String>,
    /// The working directory; `None` is the suite's directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
}

/// What a process printed, and how it ended.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// The exit code; `None` if a signal ended the process.
    pub exit: Option<i32>,
}

/// What a listing needs to know about its surroundings.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// A folder for test binaries that are built; it must outlive the run.
    pub scratch: &'a Path,
    /// The environment of the processes. CTest's tests can extend its variables, and variables of
    /// GoogleTest change what a program lists.
    pub env: &'a BTreeMap<String, String>,
}

/// The tests of a command.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TestList {
    /// The programs that have tests.
    pub groups: Vec<Group>,
    /// What people should know about the list, such as a program that was left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A step of a listing.
pub enum Step {
    /// Run these processes, then pass their outputs to [`Listing::outputs`].
    Run(Listing),
    /// The list is complete.
    Done(TestList),
}

type Next = dyn FnOnce(&[Invocation], Vec<Output>) -> Result<Step, ListError> + Send;

/// A listing that waits for the output of processes.
///
/// Listing is a dialogue, because some frameworks build a program first and then ask each program.
///
/// ```
/// use crashrate_adapters::{Context, Framework, Output, Step, list};
/// # let (scratch, env) = (std::path::Path::new("/tmp"), Default::default());
/// # let run = |_: &crashrate_adapters::Invocation| Output {
/// #     stdout: b"Math.\n  Add\n".to_vec(), exit: Some(0), ..Output::default() };
/// let context = Context { scratch, env: &env };
/// let mut step = list(Framework::Gtest, &["./math_test".to_owned()], context)?;
/// let tests = loop {
///     step = match step {
///         Step::Run(listing) => {
///             let outputs = listing.processes().iter().map(run).collect();
///             listing.outputs(outputs)?
///         }
///         Step::Done(tests) => break tests,
///     };
/// };
/// assert_eq!(tests.groups[0].tests[0].id, "Math.Add");
/// # Ok::<(), crashrate_adapters::ListError>(())
/// ```
pub struct Listing {
    processes: Vec<Invocation>,
    next: Box<Next>,
}

/// Begins to list the tests of a command.
pub fn list(
    framework: Framework,
    command: &[String],
    context: Context<'_>,
) -> Result<Step, ListError> {
    match framework {
        Framework::Pytest => Ok(pytest::list(command)),
        Framework::Gtest => gtest::list(command, context),
        Framework::Catch2 => catch2::list(command),
        Framework::Libtest => libtest::list(command),
        Framework::Ctest => ctest::list(command, context),
        Framework::Go => go::list(command, context),
    }
}

impl Listing {
    pub(crate) fn step(
        processes: Vec<Invocation>,
        next: impl FnOnce(&[Invocation], Vec<Output>) -> Result<Step, ListError> + Send + 'static,
    ) -> Step {
        Step::Run(Listing {
            processes,
            next: Box::new(next),
        })
    }

    /// A step with one process.
    pub(crate) fn one(
        process: Invocation,
        next: impl FnOnce(&Invocation, Output) -> Result<Step, ListError> + Send + 'static,
    ) -> Step {
        Listing::step(vec![process], |processes, mut outputs| {
            next(&processes[0], outputs.remove(0))
        })
    }

    /// The processes to run; they do not depend on each other.
    pub fn processes(&self) -> &[Invocation] {
        &self.processes
    }

    /// Takes the outputs of all processes, in their order, and continues.
    ///
    /// # Panics
    ///
    /// If the number of outputs is not the number of processes.
    pub fn outputs(self, outputs: Vec<Output>) -> Result<Step, ListError> {
        assert_eq!(self.processes.len(), outputs.len(), "one output a process");
        (self.next)(&self.processes, outputs)
    }
}

impl TestList {
    /// Completes a list: gives each test a unique id, and leaves out groups without tests.
    pub(crate) fn done(groups: Vec<Group>, notes: Vec<String>) -> Step {
        let mut groups: Vec<Group> = groups;
        groups.retain(|group| !group.tests.is_empty());
        names::assign_ids(&mut groups);
        Step::Done(TestList { groups, notes })
    }

    /// The number of tests.
    pub fn len(&self) -> usize {
        self.groups.iter().map(|group| group.tests.len()).sum()
    }

    /// Whether there are no tests.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The test with this id, and its group.
    pub fn find(&self, id: &str) -> Option<(&Group, &Test)> {
        let mut tests = self
            .groups
            .iter()
            .flat_map(|group| group.tests.iter().map(move |test| (group, test)));
        tests.find(|(_, test)| test.id == id)
    }
}

impl Invocation {
    pub(crate) fn new<W: Into<String>>(command: impl IntoIterator<Item = W>) -> Invocation {
        Invocation {
            command: command.into_iter().map(Into::into).collect(),
            ..Invocation::default()
        }
    }

    /// The same process with more arguments.
    pub(crate) fn with<W: Into<String>>(&self, arguments: impl IntoIterator<Item = W>) -> Self {
        let mut more = self.clone();
        more.command.extend(arguments.into_iter().map(Into::into));
        more
    }
}

impl fmt::Display for Invocation {
    /// The command as one would type it in a shell.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.command.iter().map(String::as_str);
        // Only a word with a NUL character cannot be quoted.
        let line = shlex::try_join(words).unwrap_or_else(|_| self.command.join(" "));
        f.write_str(&line)
    }
}

impl Output {
    /// Standard output as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing")
            .field("processes", &self.processes)
            .finish_non_exhaustive()
    }
}
