//! Tables, and the texts in their cells. Texts are made harmless, and not yet escaped for a format.

use crate::clean::{NAME, SENTENCE, clean};
use crate::words::{NOTHING, count};

#[derive(Clone, Default)]
pub(crate) struct Table {
    /// Empty where the section's heading is enough.
    pub(crate) title: String,
    pub(crate) columns: Vec<Column>,
    /// Each with as many cells as there are columns.
    pub(crate) rows: Vec<Vec<Text>>,
    /// Whether a terminal leaves more room between columns.
    pub(crate) wide: bool,
}

#[derive(Clone, Default)]
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
#[derive(Clone, Default)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) tone: Tone,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Tone {
    #[default]
    Plain,
    Good,
    /// A crash or another bad outcome.
    Bad,
    /// Failed, flaky, not measured, or a warning.
    Doubtful,
}

impl Tone {
    /// This tone if there are any, else plain.
    pub(crate) fn if_any(self, n: u32) -> Tone {
        match n {
            0 => Tone::Plain,
            _ => self,
        }
    }
}

impl Text {
    pub(crate) fn new(text: impl AsRef<str>, tone: Tone) -> Self {
        Text {
            text: clean(text.as_ref(), NAME),
            tone,
        }
    }

    /// A sentence, or a list of names.
    pub(crate) fn long(text: impl AsRef<str>) -> Self {
        Text {
            text: clean(text.as_ref(), SENTENCE),
            tone: Tone::Plain,
        }
    }

    pub(crate) fn plain(text: impl AsRef<str>) -> Self {
        Text::new(text, Tone::Plain)
    }

    /// A text that may not be known.
    pub(crate) fn known(text: Option<String>) -> Self {
        Text::plain(text.as_deref().unwrap_or(NOTHING))
    }

    /// A rate, which is bad if anything bad was counted.
    pub(crate) fn rate(text: impl AsRef<str>, bad: u32) -> Self {
        Text::new(text, Tone::Bad.if_any(bad))
    }

    pub(crate) fn count(n: u32) -> Self {
        Text::plain(count(n.into()))
    }
}

impl Table {
    pub(crate) fn titled(title: impl Into<String>) -> Table {
        Table {
            title: title.into(),
            ..Table::default()
        }
    }

    /// Adds columns of text.
    pub(crate) fn texts<const N: usize>(self, heads: [&str; N]) -> Self {
        heads
            .into_iter()
            .fold(self, |table, head| table.column("", head, false))
    }

    /// Adds columns of numbers.
    pub(crate) fn numbers<const N: usize>(self, heads: [&str; N]) -> Self {
        heads
            .into_iter()
            .fold(self, |table, head| table.column("", head, true))
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

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Text>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Leaves out the columns that are not shown.
    pub(crate) fn keep(&mut self, shown: &[bool]) {
        retain(&mut self.columns, shown);
        for row in &mut self.rows {
            retain(row, shown);
        }
    }
}

/// Groups values by key, in the order in which the keys first occur.
pub(super) fn grouped<K: PartialEq, V>(all: impl Iterator<Item = (K, V)>) -> Vec<(K, Vec<V>)> {
    let mut groups: Vec<(K, Vec<V>)> = Vec::new();
    for (key, value) in all {
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.push(value),
            None => groups.push((key, vec![value])),
        }
    }
    groups
}

fn retain<T>(all: &mut Vec<T>, shown: &[bool]) {
    let mut shown = shown.iter();
    all.retain(|_| shown.next().copied().unwrap_or(true));
}
