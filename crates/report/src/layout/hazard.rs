//! The hazard by position: of the rounds that reached a chapter of a sequence, how many ended badly in it.

use super::plot::Plot;
use super::rates::{marks, top};
use super::{Table, Text, Tone};
use crate::view::{ChapterRow, SequenceRow, View};
use crate::words::{estimates_head, of_unit, percent_of, short_estimate, signals};

/// A table for each sequence and variant, its chapters in order.
pub(crate) fn hazard(view: &View) -> Vec<Table> {
    let plots = hazard_plots(view).into_iter();
    plots.map(|plot| plot.table).collect()
}

/// The same with the rates on a scale.
pub(crate) fn hazard_plots(view: &View) -> Vec<Plot> {
    view.sequences.iter().map(|row| plot(view, row)).collect()
}

/// Where a sequence can die, and how often it did of the rounds that came so far.
struct Place {
    position: String,
    name: String,
    share: (u32, u32),
    signals: Option<String>,
}

fn places(view: &View, sequence: &SequenceRow) -> Vec<Place> {
    let own = |row: &&ChapterRow| {
        row.sequence.as_ref() == Some(&sequence.sequence) && row.variant == sequence.variant
    };
    let in_chapters = view.chapters.iter().filter(own).map(|row| {
        let share = row.results.first_attempt;
        Place {
            position: row.position.map(|p| p.to_string()).unwrap_or_default(),
            name: row.chapter.clone(),
            share: (share.bad, share.n),
            signals: signals(&row.results),
        }
    });
    // Deaths between chapters are of all rounds; those at the exit of the rounds that came so far.
    let n = sequence.results.first_attempt.n;
    let outside = [
        ("(between chapters)", sequence.died_in.between, n),
        (
            "(at exit)",
            sequence.died_in.exit,
            sequence.died_in.reached_exit(n),
        ),
    ];
    let outside = outside.into_iter().filter(|(_, deaths, _)| *deaths > 0);
    let outside = outside.map(|(name, deaths, n)| Place {
        position: "-".to_owned(),
        name: name.to_owned(),
        share: (deaths, n),
        signals: None,
    });
    in_chapters.chain(outside).collect()
}

fn plot(view: &View, sequence: &SequenceRow) -> Plot {
    let name = of_unit(&sequence.sequence, None, &sequence.variant);
    let by_data = sequence.results.by_data;
    let mut table = Table {
        title: format!("{name}: bad ends by position, of the rounds that reached it"),
        ..Table::default()
    }
    .number("position")
    .text("chapter")
    .number(&estimates_head("bad of reached", by_data))
    .text("signals");
    let places = places(view, sequence);
    for place in &places {
        let (bad, n) = place.share;
        let tone = if bad > 0 { Tone::Bad } else { Tone::Plain };
        table.rows.push(vec![
            Text::plain(&place.position),
            Text::plain(&place.name),
            Text::new(&short_estimate(bad, n, by_data), tone),
            Text::long(place.signals.as_deref().unwrap_or("-")),
        ]);
    }
    let shares: Vec<_> = places.iter().map(|place| place.share).collect();
    let (scale, marks) = marks(&shares, by_data);
    Plot {
        table,
        head: format!("from 0% to {}", percent_of(top(scale))),
        ticks: scale.ticks(percent_of),
        marks,
    }
}
