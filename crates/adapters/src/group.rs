//! The tests of one program, and the processes that run them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::SequenceError;
use crate::exit::ExitCodes;
use crate::listing::Invocation;
use crate::reader::Reader;
use crate::{Framework, catch2, go, gtest, libtest, pytest};

/// The tests of one program, which can share a process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The framework.
    pub framework: Framework,
    /// The name of the program, where a command can have several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The program, without the arguments that choose tests.
    pub program: Invocation,
    /// All its tests, in the order in which the program runs them.
    pub tests: Vec<Test>,
}

/// A test of a framework.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Test {
    /// The chapter's id: the name as people see it, unique in the list.
    pub id: String,
    /// The framework's own name.
    pub name: String,
    /// The time limit that the framework's files declare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// What the framework's files declare about exit codes.
    #[serde(default, skip_serializing_if = "ExitCodes::is_default")]
    pub exit_codes: ExitCodes,
    /// The crash rate that the test must stay below: `@pytest.mark.crashrate(below=0.01)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// What people should know about the test, such as a setting that crashrate does not follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The order of the tests in one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The order of the slice for pytest; the order of [`Group::tests`] for all others.
    Given,
    /// The opposite order.
    Reversed,
    /// The framework's own random order; pytest follows the slice.
    Shuffled {
        /// The seed; the same seed gives the same order.
        seed: u64,
    },
}

impl Group {
    /// The process that runs exactly one test.
    pub fn isolated(&self, test: &Test) -> Invocation {
        match self.framework {
            Framework::Pytest => pytest::isolated(self, test),
            Framework::Gtest => gtest::isolated(self, test),
            Framework::Catch2 => catch2::isolated(self, test),
            Framework::Libtest => libtest::isolated(self, test),
            Framework::Ctest => self.program.clone(),
            Framework::Go => go::isolated(self, test),
        }
    }

    /// One process that runs these tests of the group, and no others.
    ///
    /// For pytest the caller also writes the task: the plugin runs its chapters in its order, so
    /// every order is possible. A chapter whose id is not the test's name needs the name as
    /// `"params":{"name":NAME}`. The others have their own order; see [`Order`].
    pub fn sequential(&self, tests: &[&Test], order: Order) -> Result<Invocation, SequenceError> {
        let invocation = match self.framework {
            Framework::Pytest => Ok(pytest::sequential(self)),
            Framework::Gtest => gtest::sequential(self, tests, order),
            Framework::Catch2 => catch2::sequential(self, tests, order),
            Framework::Libtest => libtest::sequential(self, tests, order),
            Framework::Ctest => Err(SequenceError::Isolated(self.framework)),
            Framework::Go => go::sequential(self, tests, order),
        }?;
        self.check_length(&invocation, tests.len())?;
        Ok(invocation)
    }

    /// The reader that turns the standard output of a process with these tests, isolated or not,
    /// into events.
    ///
    /// `None` for pytest, whose plugin writes events itself, and for CTest, whose tests are
    /// programs without a common output.
    pub fn reader(&self, tests: &[&Test]) -> Option<Reader> {
        let tests = tests
            .iter()
            .map(|test| (test.name.as_str(), test.id.as_str()));
        Reader::new(self.framework, tests)
    }

    /// Linux takes at most 128 KiB for one argument (`MAX_ARG_STRLEN`) and a quarter of the stack
    /// limit, usually 2 MiB, for all arguments and the environment.
    fn check_length(&self, process: &Invocation, tests: usize) -> Result<(), SequenceError> {
        const ONE: usize = 128 * 1024 - 1;
        const ALL: usize = 1024 * 1024;
        let longest = process.command.iter().map(String::len).max().unwrap_or(0);
        // Each argument also needs its end and a pointer.
        let all: usize = process.command.iter().map(|word| word.len() + 9).sum();
        for (bytes, limit) in [(longest, ONE), (all, ALL)] {
            if bytes > limit {
                return Err(SequenceError::TooLong {
                    framework: self.framework,
                    tests,
                    bytes,
                    limit,
                });
            }
        }
        Ok(())
    }

    /// Whether these are all tests of the group.
    pub(crate) fn is_all(&self, tests: &[&Test]) -> bool {
        tests.len() == self.tests.len()
    }
}

impl Test {
    pub(crate) fn named(name: impl Into<String>) -> Test {
        Test {
            name: name.into(),
            ..Test::default()
        }
    }
}
