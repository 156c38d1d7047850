//! A search for the smallest part of a sequence that still crashes.

use std::collections::BTreeMap;

use crashrate_model::{MinimizeRule, Minimized, Part};

/// What a search has tried and found.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// The rule.
    pub rule: MinimizeRule,
    /// The sequence.
    pub sequence: String,
    /// Its chapters, in the order in which they ran.
    pub chapters: Vec<String>,
    /// The signature that was searched, or a text in it; `None` while it is unknown.
    pub target: Option<String>,
    /// How often each signature was seen in any round, the most frequent first.
    pub signatures: Vec<(String, u32)>,
    /// The parts in the order in which they were first tried. Empty while the target is unknown.
    pub parts: Vec<PartSeen>,
    /// What it found when it ended or was interrupted; `None` before that.
    pub found: Option<Minimized>,
}

/// The rounds of a part.
#[derive(Clone, Debug, PartialEq)]
pub struct PartSeen {
    /// The part.
    pub part: Part,
    /// Rounds that survived, or died with the signature.
    pub rounds: u32,
    /// The rounds of them that died.
    pub deaths: u32,
    /// Rounds that ended badly in another way, and were drawn again.
    pub others: u32,
    /// Where it died: how often in the chapter of each index, and between chapters or at exit
    /// (`None`).
    pub died_in: BTreeMap<Option<u32>, u32>,
}

impl Search {
    /// Where the smallest part died, if it was the same in all its rounds: in the chapter of an
    /// index, or between chapters or at exit (the inner `None`).
    pub fn died_in(&self) -> Option<Option<u32>> {
        let found = self.found.as_ref()?;
        let seen = self.seen(&Part {
            params: None,
            ..found.part.clone()
        });
        let mut places = seen.died_in.keys();
        places.next().copied().filter(|_| places.next().is_none())
    }

    /// Whether it found the smallest part.
    pub fn is_answered(&self) -> bool {
        let certificate = self.found.as_ref().map(|found| &found.certificate);
        certificate.is_some_and(Option::is_some)
    }

    /// The rounds of a part; none if it was not tried.
    pub fn seen(&self, part: &Part) -> PartSeen {
        let seen = self.parts.iter().find(|seen| seen.part == *part);
        seen.cloned().unwrap_or_else(|| PartSeen::new(part.clone()))
    }

    /// The id of the chapter at this index.
    pub fn id(&self, index: u32) -> &str {
        self.chapters.get(index as usize).map_or("", String::as_str)
    }

    /// Rounds that were drawn again because they ended badly in another way.
    pub fn others(&self) -> u32 {
        self.parts.iter().map(|seen| seen.others).sum()
    }
}

impl PartSeen {
    /// A part without rounds.
    pub(crate) fn new(part: Part) -> PartSeen {
        PartSeen {
            part,
            rounds: 0,
            deaths: 0,
            others: 0,
            died_in: BTreeMap::new(),
        }
    }
}
