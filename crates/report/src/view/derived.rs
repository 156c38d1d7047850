//! What a view derives from its counts when it is first needed: several formats of a report need it.

use std::sync::OnceLock;

use super::View;
use crate::compare::{self, BesideBaseline, Comparisons};

/// Comparisons that were made already.
#[derive(Clone, Debug, Default)]
pub(crate) struct Derived {
    comparisons: OnceLock<Vec<Comparisons>>,
    beside: OnceLock<Option<BesideBaseline>>,
}

/// Views with the same counts have the same comparisons, made or not.
impl PartialEq for Derived {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl View {
    /// What the report of the run compares.
    pub fn comparisons(&self) -> &[Comparisons] {
        (self.derived.comparisons).get_or_init(|| compare::comparisons(self))
    }

    /// The run beside the baseline of its suite; nothing if that names none.
    pub fn beside_baseline(&self) -> Option<&BesideBaseline> {
        let beside = || compare::beside_baseline(self);
        self.derived.beside.get_or_init(beside).as_ref()
    }
}
