//! Which commits can be tested.

use super::{BisectAnswer, Bisection};
use crate::error::StatsError;

impl Bisection {
    /// Records that `commit` was built.
    ///
    /// # Errors
    /// The commit is beyond the bad end.
    pub fn built(&mut self, commit: usize) -> Result<(), StatsError> {
        self.check(commit)?;
        self.builds += 1;
        if self.model.is_testable(commit) {
            self.model.set_built(commit);
        }
        self.settle();
        Ok(())
    }

    /// Records that `commit` does not build.
    ///
    /// # Errors
    /// The commit is beyond the bad end.
    pub fn build_failed(&mut self, commit: usize) -> Result<(), StatsError> {
        self.builds += 1;
        self.skip(commit)
    }

    /// Records that `commit` cannot be tested, for example because its test asked to be skipped.
    ///
    /// # Errors
    /// The commit is beyond the bad end.
    pub fn skip(&mut self, commit: usize) -> Result<(), StatsError> {
        self.check(commit)?;
        self.model.set_untestable(commit);
        self.settle();
        Ok(())
    }

    /// Records that an end of the history that did not build may build now, so that the search
    /// continues where it ended. For other commits and answers nothing changes.
    ///
    /// # Errors
    /// The commit is beyond the bad end.
    pub fn retry(&mut self, commit: usize) -> Result<(), StatsError> {
        self.check(commit)?;
        if self.answer == Some(BisectAnswer::EndUntestable { commit }) {
            self.model.set_unbuilt(commit);
            self.answer = None;
            self.stage = self.before;
            self.settle();
        }
        Ok(())
    }

    pub(super) fn check(&self, commit: usize) -> Result<(), StatsError> {
        let last = self.model.commits();
        match commit <= last {
            true => Ok(()),
            false => Err(StatsError::NoSuchCommit { commit, last }),
        }
    }
}
