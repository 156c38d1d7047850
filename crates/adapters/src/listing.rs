//! The dialogue that lists the tests of a program.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::ListError;
use crate::group::{Group, Test};
use crate::names;
use crate::process::{Invocation, Output};

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

impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing")
            .field("processes", &self.processes)
            .finish_non_exhaustive()
    }
}
