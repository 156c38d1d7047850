//! Indexes a view's rows by chapter: a suite may have thousands, and a report looks up each.

use std::collections::HashMap;

use super::{ChapterRow, View};

/// The rows of each chapter.
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
