//! Rates and times on scales: by chapter, by position in a sequence, and isolated beside
//! sequential.

use crashrate_model::Mode;

use super::plot::{Mark, Plot, Scale};
use super::source::Source;
use super::{Block, Table, Text, Tone};
use crate::view::{ByChapter, ChapterRow, OptionalStopping, Results, SequenceRow, Spread, View};
use crate::words::{
    count, known, of_chapter, of_unit, seconds, share, short_estimate, short_rate_of, signals,
};

/// The crash rate of each chapter in each mode, and of each sequence.
pub(super) fn rates(source: &Source) -> Vec<Block> {
    let view = source.view;
    let rows = rows(view);
    let optional_stopping = view.run.optional_stopping();
    let shares: Vec<_> = (rows.iter())
        .map(|(_, results)| (results.first_attempt.bad, results.first_attempt.n))
        .collect();
    let (scale, marks) = marks(&shares, optional_stopping);
    let mut table = Table::default()
        .text("chapter or sequence")
        .number("crash rate (95%)");
    for ((name, results), (bad, _)) in rows.iter().zip(&shares) {
        let rate = Text::new(&short_rate_of(results), Tone::of_bad(*bad));
        table.rows.push(vec![Text::long(name), rate]);
    }
    let plot = Plot::of_shares(table, scale, marks);
    drawn(rows.len(), plot)
}

/// A picture, if it has any rows.
fn drawn(rows: usize, plot: Plot) -> Vec<Block> {
    match rows {
        0 => Vec::new(),
        _ => vec![Block::Picture(plot)],
    }
}

/// How long attempts that count took: the shortest, the median and the longest.
pub(super) fn durations(source: &Source) -> Vec<Block> {
    let rows: Vec<_> = rows(source.view)
        .into_iter()
        .filter_map(|(name, results)| Some((name, results.secs?)))
        .collect();
    let ends = rows.iter().flat_map(|(_, secs)| [secs.min, secs.max]);
    let scale = Scale::of_times(ends);
    let mut table = Table::default()
        .text("chapter or sequence")
        .number("median time")
        .number("shortest")
        .number("longest")
        .number("attempts");
    for (name, secs) in &rows {
        let times = [secs.median, secs.min, secs.max].map(|t| Text::plain(&seconds(t)));
        let mut cells = vec![Text::long(name)];
        cells.extend(times);
        cells.push(Text::plain(&count(secs.n.into())));
        table.rows.push(cells);
    }
    let mark = |secs: &Spread| Mark {
        from: scale.place(secs.min),
        at: scale.place(secs.median),
        to: scale.place(secs.max),
        bad: false,
    };
    let marks = rows.iter().map(|(_, secs)| Some(mark(secs))).collect();
    let plot = Plot {
        table,
        head: "shortest, median and longest; each line is ten times the one before".to_owned(),
        ticks: scale.ticks(seconds),
        marks,
    };
    match rows.is_empty() {
        true => Vec::new(),
        false => vec![Block::Plot(plot)],
    }
}

/// A common scale for these shares, and a mark for each.
pub(super) fn marks(
    shares: &[(u32, u32)],
    optional_stopping: OptionalStopping,
) -> (Scale, Vec<Option<Mark>>) {
    let known: Vec<_> = (shares.iter())
        .map(|(bad, n)| known(*bad, *n, optional_stopping))
        .collect();
    let scale = Scale::of_shares(known.iter().flatten().map(|known| known.interval.hi));
    let marks = shares.iter().zip(&known).map(|((bad, n), known)| {
        let interval = known.as_ref()?.interval;
        Some(Mark {
            from: scale.place(interval.lo),
            at: scale.place(f64::from(*bad) / f64::from(*n)),
            to: scale.place(interval.hi),
            bad: *bad > 0,
        })
    });
    (scale, marks.collect())
}

/// Every chapter in each mode, then the sequences.
pub(super) fn rows(view: &View) -> Vec<(String, &Results)> {
    let by_chapter = ByChapter::of(view);
    let chapters = by_chapter.ids().flat_map(|id| by_chapter.rows(id));
    let chapters = chapters.map(|row| (of_chapter(row), &row.results));
    let sequences = view.sequences.iter().map(|row| {
        let name = of_unit(&row.sequence, None, &row.variant);
        (format!("{name} as a whole"), &row.results)
    });
    chapters.chain(sequences).collect()
}

/// The hazard by position: of the rounds that reached a chapter of a sequence, how many ended badly
/// in it.
pub(super) fn hazards(source: &Source) -> Vec<Block> {
    let view = source.view;
    let plots = view.sequences.iter().map(|row| hazard(view, row));
    plots.map(Block::Plot).collect()
}

/// A place where a sequence can die, with the deaths there of the rounds that got that far.
struct HazardRow {
    position: String,
    name: String,
    share: (u32, u32),
    signals: Option<String>,
}

fn places(view: &View, sequence: &SequenceRow) -> Vec<HazardRow> {
    let own = |row: &&ChapterRow| {
        row.sequence.as_ref() == Some(&sequence.sequence) && row.variant == sequence.variant
    };
    let in_chapters = view.chapters.iter().filter(own).map(|row| {
        let share = row.results.first_attempt;
        HazardRow {
            position: row.position.map(|p| p.to_string()).unwrap_or_default(),
            name: row.chapter.clone(),
            share: (share.bad, share.n),
            signals: signals(&row.results),
        }
    });
    // Every round can die between chapters, but only those that got there at the exit.
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
    let outside = outside.map(|(name, deaths, n)| HazardRow {
        position: "-".to_owned(),
        name: name.to_owned(),
        share: (deaths, n),
        signals: None,
    });
    in_chapters.chain(outside).collect()
}

fn hazard(view: &View, sequence: &SequenceRow) -> Plot {
    let name = of_unit(&sequence.sequence, None, &sequence.variant);
    let optional_stopping = sequence.results.optional_stopping;
    let title = format!("{name}: bad rounds by position, counting only rounds that got this far");
    let mut table = Table::titled(&title)
        .number("position")
        .text("chapter")
        .number("bad of reached (95%)")
        .text("signals");
    let places = places(view, sequence);
    for place in &places {
        let (bad, n) = place.share;
        table.rows.push(vec![
            Text::plain(&place.position),
            Text::plain(&place.name),
            Text::new(
                &short_estimate(bad, n, optional_stopping),
                Tone::of_bad(bad),
            ),
            Text::long(place.signals.as_deref().unwrap_or("-")),
        ]);
    }
    let shares: Vec<_> = places.iter().map(|place| place.share).collect();
    let (scale, marks) = marks(&shares, optional_stopping);
    Plot::of_shares(table, scale, marks)
}

/// A row for each chapter that ran in both modes under the same variant.
pub(super) fn modes(source: &Source) -> Vec<Block> {
    let view = source.view;
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
    let title = "first attempts; in sequence, counting only rounds that got this far";
    let mut table = Table::titled(title).text("chapter");
    if sequences {
        table = table.text("sequence");
    }
    if variants {
        table = table.text("variant");
    }
    for what in ["passed isolated", "passed in sequence"] {
        table = table.number(what);
    }
    for what in ["bad isolated", "bad in sequence"] {
        table = table.number(&format!("{what} (95%)"));
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
    match pairs.is_empty() {
        true => Vec::new(),
        false => vec![Block::Table(table)],
    }
}

/// An isolated chapter with each of its rows in a sequence.
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
