//! What a view derives from its rows: comparisons, and the rows by chapter.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::{ChapterRow, View};
use crate::compare::{self, BesideBaseline, Claimed, Comparisons};

/// Cached comparisons, since several formats need them.
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

/// The rows of each chapter: a suite may have thousands, and a report looks up each.
pub(crate) struct ByChapter<'a> {
    /// The chapters, in order of first appearance.
    ids: Vec<&'a str>,
    rows: HashMap<&'a str, Vec<&'a ChapterRow>>,
}

impl<'a> ByChapter<'a> {
    pub(crate) fn of(view: &'a View) -> ByChapter<'a> {
        let mut ids = Vec::new();
        let mut rows: HashMap<&str, Vec<&ChapterRow>> = HashMap::new();
        for row in &view.chapters {
            let id = row.chapter.as_str();
            let known = rows.entry(id).or_default();
            if known.is_empty() {
                ids.push(id);
            }
            known.push(row);
        }
        ByChapter { ids, rows }
    }

    /// The chapters, in order of first appearance.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.ids.iter().copied()
    }

    /// The rows of a chapter, in their order.
    pub(crate) fn rows(&self, id: &str) -> &[&'a ChapterRow] {
        self.rows.get(id).map_or(&[], Vec::as_slice)
    }
}
