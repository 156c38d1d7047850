//! Tables, and the texts in their cells. Texts are made harmless, and not yet escaped for a format.

use crate::clean::{NAME, SENTENCE, clean};

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    /// Empty where the section's heading is enough.
    pub(crate) title: String,
    pub(crate) columns: Vec<Column>,
    /// Each with as many cells as there are columns.
    pub(crate) rows: Vec<Vec<Text>>,
    /// Whether a terminal leaves more room between columns.
    pub(crate) wide: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Column {
    pub(crate) head: String,
    /// What this column and its neighbours of the same group have in common; often empty.
    pub(crate) group: String,
    /// Numbers are aligned to the right.
    pub(crate) number: bool,
    /// The least width on a terminal.
    pub(crate) least: usize,
}

impl Column {
    /// The head where columns have only one.
    pub(crate) fn full_head(&self) -> String {
        match self.group.as_str() {
            "" => self.head.clone(),
            group => format!("{group} {}", self.head),
        }
    }
}

/// A text, and what it means to a reader in a hurry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) tone: Tone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    /// A crash or another bad outcome.
    Bad,
    /// Failed, flaky, not measured, or a warning.
    Doubtful,
}

impl Tone {
    /// Bad if something bad was counted.
    pub(crate) fn of_bad(bad: u32) -> Tone {
        match bad {
            0 => Tone::Plain,
            _ => Tone::Bad,
        }
    }
}

impl Text {
    pub(crate) fn new(text: &str, tone: Tone) -> Self {
        Text {
            text: clean(text, NAME),
            tone,
        }
    }

    /// A sentence, or a list of names.
    pub(crate) fn long(text: &str) -> Self {
        Text {
            text: clean(text, SENTENCE),
            tone: Tone::Plain,
        }
    }

    pub(crate) fn plain(text: &str) -> Self {
        Text::new(text, Tone::Plain)
    }
}

impl Table {
    pub(crate) fn titled(title: &str) -> Table {
        Table {
            title: title.to_owned(),
            ..Table::default()
        }
    }

    /// Adds a column of text.
    pub(crate) fn text(self, head: &str) -> Self {
        self.column("", head, false)
    }

    /// Adds a column of numbers.
    pub(crate) fn number(self, head: &str) -> Self {
        self.column("", head, true)
    }

    /// Adds a column of text that shares a head with its neighbours.
    pub(crate) fn grouped(self, group: &str, head: &str) -> Self {
        self.column(group, head, false)
    }

    fn column(mut self, group: &str, head: &str, number: bool) -> Self {
        self.columns.push(Column {
            head: clean(head, NAME),
            group: clean(group, NAME),
            number,
            least: 0,
        });
        self
    }
}
