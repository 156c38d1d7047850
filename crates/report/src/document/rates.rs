//! Rates and times on scales: by chapter, by position in a sequence, and isolated beside
//! sequential.

use crashrate_model::Mode;

use super::plot::Scale;
use super::{Block, Mark, Plot, Table, Text};
use crate::view::{ByChapter, ChapterRow, OptionalStopping, Results, SequenceRow, Share, View};
use crate::words::{
    NOTHING, chapters_of, known, of_chapter, of_sequence, seconds, share, short_estimate,
    short_rate_of, signals,
};

/// The crash rate of each chapter in each mode, and of each sequence.
pub(super) fn rates(view: &View) -> Vec<Block> {
    let mut table = Table::default()
        .texts(["chapter or sequence"])
        .numbers(["crash rate (95%)"]);
    let mut shares = Vec::new();
    for (name, results) in rows(view) {
        let rate = Text::rate(short_rate_of(results), results.first_attempt.bad);
        table.row([Text::long(name), rate]);
        shares.push(results.first_attempt);
    }
    let plot = of_shares(table, &shares, view.run.optional_stopping());
    match shares.is_empty() {
        true => Vec::new(),
        false => vec![Block::Picture(plot)],
    }
}

/// How long attempts that count took: the shortest, the median and the longest.
pub(super) fn durations(view: &View) -> Vec<Block> {
    let rows = rows(view).into_iter();
    let rows: Vec<_> = rows
        .filter_map(|(name, results)| Some((name, results.secs?)))
        .collect();
    let scale = Scale::of_times(rows.iter().flat_map(|(_, secs)| [secs.min, secs.max]));
    let heads = ["median time", "shortest", "longest", "attempts"];
    let mut table = Table::default()
        .texts(["chapter or sequence"])
        .numbers(heads);
    let mut marks = Vec::new();
    for (name, secs) in &rows {
        let [at, from, to] = [secs.median, secs.min, secs.max];
        let [median, shortest, longest] = [at, from, to].map(|secs| Text::plain(seconds(secs)));
        let attempts = Text::count(secs.n);
        table.row([Text::long(name), median, shortest, longest, attempts]);
        let bad = false;
        let [from, at, to] = [from, at, to].map(|secs| scale.place(secs));
        marks.push(Some(Mark { from, at, to, bad }));
    }
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

/// The table with a mark for each of these shares on a common scale.
fn of_shares(table: Table, shares: &[Share], optional_stopping: OptionalStopping) -> Plot {
    let (scale, marks) = marks(shares, optional_stopping);
    Plot::of_shares(table, scale, marks)
}

/// A common scale for these shares, and a mark for each.
pub(super) fn marks(
    shares: &[Share],
    optional_stopping: OptionalStopping,
) -> (Scale, Vec<Option<Mark>>) {
    let known: Vec<_> = (shares.iter())
        .map(|share| Some(known(share.bad, share.n, optional_stopping)?.interval))
        .collect();
    let scale = Scale::of_shares(known.iter().flatten().map(|interval| interval.hi));
    let marks = shares.iter().zip(&known).map(|(share, interval)| {
        let interval = interval.as_ref()?;
        Some(Mark {
            from: scale.place(interval.lo),
            at: scale.place(f64::from(share.bad) / f64::from(share.n)),
            to: scale.place(interval.hi),
            bad: share.bad > 0,
        })
    });
    (scale, marks.collect())
}

/// Every chapter in each mode, then the sequences.
pub(super) fn rows(view: &View) -> Vec<(String, &Results)> {
    let by_chapter = ByChapter::of(view);
    let chapters = by_chapter.ids().flat_map(|id| by_chapter.rows(id));
    let chapters = chapters.map(|row| (of_chapter(row), &row.results));
    let sequences = view.sequences.iter();
    let sequences = sequences.map(|row| (format!("{} as a whole", of_sequence(row)), &row.results));
    chapters.chain(sequences).collect()
}

/// The hazard by position: of the rounds that reached a chapter of a sequence, how many ended badly
/// in it.
pub(super) fn hazards(view: &View) -> Vec<Block> {
    let plots = view.sequences.iter().map(|row| hazard(view, row));
    plots.map(Block::Plot).collect()
}

fn hazard(view: &View, sequence: &SequenceRow) -> Plot {
    let optional_stopping = sequence.results.optional_stopping;
    let mut table = Table::titled(format!(
        "{}: bad rounds by position, counting only rounds that got this far",
        of_sequence(sequence)
    ))
    .numbers(["position"])
    .texts(["chapter"])
    .numbers(["bad of reached (95%)"])
    .texts(["signals"]);
    let mut shares = Vec::new();
    let mut add = |position: &str, name: &str, share: Share, signals: Option<String>| {
        table.row([
            Text::plain(position),
            Text::plain(name),
            Text::rate(short_estimate(share, optional_stopping), share.bad),
            Text::long(signals.as_deref().unwrap_or(NOTHING)),
        ]);
        shares.push(share);
    };
    for row in chapters_of(view, sequence) {
        let position = row.position.map(|p| p.to_string()).unwrap_or_default();
        let results = &row.results;
        add(
            &position,
            &row.chapter,
            results.first_attempt,
            signals(results),
        );
    }
    // Every round can die between chapters, but only those that got there at the exit.
    let n = sequence.results.first_attempt.n;
    let died_in = &sequence.died_in;
    let outside = [
        ("(between chapters)", died_in.between, n),
        ("(at exit)", died_in.exit, died_in.reached_exit(n)),
    ];
    for (name, bad, n) in outside.into_iter().filter(|(_, deaths, _)| *deaths > 0) {
        add(NOTHING, name, Share { bad, n }, None);
    }
    of_shares(table, &shares, optional_stopping)
}

/// A row for each chapter that ran in both modes under the same variant.
pub(super) fn modes(view: &View) -> Vec<Block> {
    let by_chapter = ByChapter::of(view);
    let isolated = view
        .chapters
        .iter()
        .filter(|row| row.mode == Mode::Isolated);
    let pairs = isolated.flat_map(|alone| {
        let same =
            |row: &&&ChapterRow| row.mode == Mode::Sequential && row.variant == alone.variant;
        let rows: Vec<_> = by_chapter
            .rows(&alone.chapter)
            .iter()
            .filter(same)
            .collect();
        rows.into_iter().map(move |row| (alone, *row))
    });
    let pairs: Vec<(&ChapterRow, &ChapterRow)> = pairs.collect();
    let title = "first attempts; in sequence, counting only rounds that got this far";
    let mut table = Table::titled(title)
        .texts(["chapter", "sequence", "variant"])
        .numbers([
            "passed isolated",
            "passed in sequence",
            "bad isolated (95%)",
            "bad in sequence (95%)",
        ]);
    for (alone, row) in &pairs {
        let both = [&alone.results, &row.results];
        let [passed_alone, passed] = both.map(|r| Text::plain(share(r.passed(), r.reached())));
        let [bad_alone, bad] = both.map(|results| Text::plain(short_rate_of(results)));
        table.row([
            Text::plain(&row.chapter),
            Text::plain(row.sequence.as_deref().unwrap_or("")),
            Text::plain(&row.variant),
            passed_alone,
            passed,
            bad_alone,
            bad,
        ]);
    }
    let sequences = pairs
        .iter()
        .any(|(_, row)| row.sequence != pairs[0].1.sequence);
    let variants = pairs.iter().any(|(row, _)| row.variant != "default");
    table.keep(&[true, sequences, variants]);
    Block::table(table)
}
