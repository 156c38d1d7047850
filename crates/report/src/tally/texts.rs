//! Distinct reasons and notes with their counts, bounded whatever children print.

use crate::view::{Note, Reason};

/// The most distinct texts kept per row. Texts with a changing number would otherwise grow with the
/// rounds. The rest are counted as left out.
const DISTINCT: usize = 32;
/// Characters kept per text.
const LENGTH: usize = 1000;

#[derive(Clone, Debug, Default)]
pub(super) struct ReasonTally {
    kept: Vec<Reason>,
    left_out: u32,
}

impl ReasonTally {
    pub(super) fn add(&mut self, mut reason: Reason) {
        cut(&mut reason.text);
        let same = |kept: &Reason| kept.outcome == reason.outcome && kept.text == reason.text;
        match self.kept.iter().position(same) {
            Some(place) => self.kept[place].count += 1,
            None if self.kept.len() < DISTINCT => self.kept.push(reason),
            None => self.left_out += 1,
        }
    }

    /// The reasons, most frequent first, and the number of attempts with other reasons.
    pub(super) fn sorted(&self) -> (Vec<Reason>, u32) {
        let mut all = self.kept.clone();
        all.sort_by_key(|reason| std::cmp::Reverse(reason.count));
        (all, self.left_out)
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct NoteTally {
    kept: Vec<Note>,
    left_out: u32,
}

impl NoteTally {
    pub(super) fn add(&mut self, text: &str) {
        let mut text = text.to_owned();
        cut(&mut text);
        match self.kept.iter().position(|kept| kept.text == text) {
            Some(place) => self.kept[place].count += 1,
            None if self.kept.len() < DISTINCT => self.kept.push(Note { text, count: 1 }),
            None => self.left_out += 1,
        }
    }

    /// The notes, most frequent first, and the number of other notes.
    pub(super) fn sorted(&self) -> (Vec<Note>, u32) {
        let mut all = self.kept.clone();
        all.sort_by_key(|note| std::cmp::Reverse(note.count));
        (all, self.left_out)
    }
}

fn cut(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(LENGTH) {
        text.truncate(end);
        text.push_str("...");
    }
}
