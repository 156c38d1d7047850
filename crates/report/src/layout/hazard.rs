//! The hazard by position: of the rounds that reached a chapter of a sequence, how many ended badly in it.

use super::{Table, Text, Tone};
use crate::view::{ChapterRow, SequenceRow, View};
use crate::words::{estimates_head, of_unit, short_estimate, signals};

/// A table for each sequence and variant, its chapters in order.
pub(crate) fn hazard(view: &View) -> Vec<Table> {
    view.sequences.iter().map(|row| table(view, row)).collect()
}

fn table(view: &View, sequence: &SequenceRow) -> Table {
    let name = of_unit(&sequence.sequence, None, &sequence.variant);
    let mut table = Table {
        title: format!("{name}: bad ends by position, of the rounds that reached it"),
        ..Table::default()
    }
    .number("position")
    .text("chapter")
    .number(&estimates_head("bad of reached", sequence.results.by_data))
    .text("signals");
    let own = |row: &&ChapterRow| {
        row.sequence.as_ref() == Some(&sequence.sequence) && row.variant == sequence.variant
    };
    for row in view.chapters.iter().filter(own) {
        let share = row.results.first_attempt;
        let position = row.position.map(|p| p.to_string()).unwrap_or_default();
        table.rows.push(vec![
            Text::plain(&position),
            Text::plain(&row.chapter),
            bad(share.bad, share.n, row.results.by_data),
            Text::long(signals(&row.results).as_deref().unwrap_or("-")),
        ]);
    }
    // Deaths outside chapters are the sequence's own: of all its rounds.
    let n = sequence.results.first_attempt.n;
    let outside = [
        ("(between chapters)", sequence.died_in.between),
        ("(at exit)", sequence.died_in.exit),
    ];
    for (place, deaths) in outside.into_iter().filter(|(_, deaths)| *deaths > 0) {
        let (none, place) = (Text::plain("-"), Text::plain(place));
        table.rows.push(vec![
            none.clone(),
            place,
            bad(deaths, n, sequence.results.by_data),
            none,
        ]);
    }
    table
}

fn bad(k: u32, n: u32, by_data: bool) -> Text {
    let tone = if k > 0 { Tone::Bad } else { Tone::Plain };
    Text::new(&short_estimate(k, n, by_data), tone)
}
