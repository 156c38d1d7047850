//! Isolated beside sequential: each chapter in processes of its own, and in a sequence given that it was reached.

use crashrate_model::Mode;

use super::{Table, Text};
use crate::view::{ByChapter, ChapterRow, Results, View};
use crate::words::{estimates_head, share, short_rate_of};

/// A row for each chapter that ran in both modes under the same variant, and for each sequence that it is in; nothing
/// if there is none.
pub(crate) fn modes(view: &View) -> Option<Table> {
    let by_chapter = ByChapter::of(view);
    let pairs: Vec<_> = view
        .chapters
        .iter()
        .flat_map(|row| pairs(&by_chapter, row))
        .collect();
    let variants = pairs.iter().any(|(row, _)| row.variant != "default");
    let sequences = pairs
        .iter()
        .any(|(_, row)| row.sequence != pairs[0].1.sequence);
    let mut table = Table {
        title: "first attempts; in sequence, of the rounds that reached the chapter".to_owned(),
        ..Table::default()
    }
    .text("chapter");
    if sequences {
        table = table.text("sequence");
    }
    if variants {
        table = table.text("variant");
    }
    for what in ["passed isolated", "passed in sequence"] {
        table = table.number(what);
    }
    let by_data = view.run.is_by_data();
    for what in ["bad isolated", "bad in sequence"] {
        table = table.number(&estimates_head(what, by_data));
    }
    for (alone, row) in &pairs {
        let mut cells = vec![Text::plain(&row.chapter)];
        if sequences {
            cells.push(Text::plain(row.sequence.as_deref().unwrap_or("")));
        }
        if variants {
            cells.push(Text::plain(&row.variant));
        }
        let both = [&alone.results, &row.results];
        let passed = |results: &Results| share(results.passed(), results.reached());
        let bad = |results: &Results| short_rate_of(results);
        cells.extend(both.map(|results| Text::plain(&passed(results))));
        cells.extend(both.map(|results| Text::plain(&bad(results))));
        table.rows.push(cells);
    }
    (!pairs.is_empty()).then_some(table)
}

/// The chapter alone, with each row of it in a sequence.
fn pairs<'a>(
    by_chapter: &ByChapter<'a>,
    alone: &'a ChapterRow,
) -> impl Iterator<Item = (&'a ChapterRow, &'a ChapterRow)> {
    let same = move |row: &&ChapterRow| {
        alone.mode == Mode::Isolated && row.mode == Mode::Sequential && row.variant == alone.variant
    };
    let rows = by_chapter.rows(&alone.chapter).to_vec();
    rows.into_iter().filter(same).map(move |row| (alone, row))
}
