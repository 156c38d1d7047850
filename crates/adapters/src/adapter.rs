//! From a framework to its adapter: how to list its tests, and how to run them.

use crate::error::{ListError, SequenceError};
use crate::group::{Group, Order, Test};
use crate::listing::{Context, Step};
use crate::process::Invocation;
use crate::reader::Reader;
use crate::words::file_name;
use crate::{Framework, cargo, catch2, ctest, go, gtest, libtest, pytest};

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
        Framework::Libtest => match command.split_first() {
            Some((cargo, arguments)) if file_name(cargo) == "cargo" => {
                cargo::list(cargo, arguments)
            }
            _ => libtest::list(command),
        },
        Framework::Ctest => ctest::list(command, context),
        Framework::Go => go::list(command, context),
    }
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
}
