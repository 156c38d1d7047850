//! Caches what a view derives from its counts, since several formats need it.

use std::sync::OnceLock;

use super::View;
use crate::compare::{self, BesideBaseline, Claimed, Comparisons};

/// Cached comparisons.
#[derive(Clone, Debug, Default)]
pub(crate) struct Derived {
    comparisons: OnceLock<Vec<Comparisons>>,
    claims: OnceLock<Vec<Claimed>>,
    beside: OnceLock<Option<BesideBaseline>>,
}

/// Views with equal counts have equal comparisons, so the cache is ignored.
impl PartialEq for Derived {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl View {
    /// The comparisons of the run's report.
    pub fn comparisons(&self) -> &[Comparisons] {
        (self.derived.comparisons).get_or_init(|| compare::comparisons(self))
    }

    /// The claims of an imported report; none of any other run.
    pub fn claims(&self) -> &[Claimed] {
        self.derived.claims.get_or_init(|| compare::claims(self))
    }

    /// The run beside its baseline; `None` if the suite names none.
    pub fn beside_baseline(&self) -> Option<&BesideBaseline> {
        let beside = || compare::beside_baseline(self);
        self.derived.beside.get_or_init(beside).as_ref()
    }
}
