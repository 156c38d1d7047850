//! The tests of one program, and the processes that run them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Framework;
use crate::exit::ExitCodes;
use crate::process::Invocation;

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
    /// What people should know about the test, such as a setting that crashrate does not follow:
    /// each a sentence that begins with "the test".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
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
