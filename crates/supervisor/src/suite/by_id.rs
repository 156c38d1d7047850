//! The parts of a suite by their ids: it may have thousands, and a plan asks for each of them.

use std::collections::HashMap;

use super::{Chapter, Sequence, Suite};

/// The chapters and sequences of a suite by their ids.
#[derive(Clone, Debug)]
pub(crate) struct ById<'a> {
    chapters: HashMap<&'a str, &'a Chapter>,
    sequences: HashMap<&'a str, &'a Sequence>,
}

impl<'a> ById<'a> {
    pub(crate) fn of(suite: &'a Suite) -> ById<'a> {
        ById {
            chapters: first(suite.chapters.iter().map(|c| (c.id.as_str(), c))),
            sequences: first(suite.sequences.iter().map(|s| (s.id.as_str(), s))),
        }
    }

    /// The chapter of that id.
    pub(crate) fn chapter(&self, id: &str) -> Option<&'a Chapter> {
        self.chapters.get(id).copied()
    }

    /// The sequence of that id.
    pub(crate) fn sequence(&self, id: &str) -> Option<&'a Sequence> {
        self.sequences.get(id).copied()
    }
}

fn first<'a, T>(all: impl Iterator<Item = (&'a str, T)>) -> HashMap<&'a str, T> {
    let mut map = HashMap::new();
    for (id, one) in all {
        map.entry(id).or_insert(one);
    }
    map
}
