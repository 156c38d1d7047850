//! The runs of a suite in their order: each chapter's rate over them, and where a change is shown.

use crashrate_model::{Mode, OutcomeSet};

use super::between::{differences, label};
use super::test::{Pair, fixed, taking_part};
use super::within::count;
use super::{Compared, Evidence, Side};
use crate::view::{Results, Share, View};

/// The runs of one suite.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The suite's name.
    pub suite: String,
    /// What is counted as bad: what any of the runs does, so that no run's bad ends vanish beside another's.
    pub bad: OutcomeSet,
    /// The runs in the order in which they were given.
    pub runs: Vec<PastRun>,
    /// A row for each chapter in each way it ran, and for each sequence as a whole.
    pub trends: Vec<Trend>,
    /// How many tests were made; p is adjusted for all of them.
    pub tests: usize,
}

/// One run of a history.
#[derive(Clone, Debug, PartialEq)]
pub struct PastRun {
    /// The report number N.
    pub number: u32,
    /// Its id.
    pub id: String,
    /// When it was opened, RFC 3339.
    pub started: String,
    /// The device in use.
    pub device: String,
    /// Whether it is being written at the moment.
    pub live: bool,
    /// Whether it came to its end.
    pub complete: bool,
    /// Whether others measured it.
    pub imported: bool,
    /// First attempts that count, and rounds planned.
    pub rounds: (u32, u32),
    /// What differs from the run before, besides the rates, in sentences.
    pub differs: Vec<String>,
}

/// One chapter, or a sequence as a whole, over the runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Trend {
    /// The chapter; nothing for a sequence as a whole.
    pub chapter: Option<String>,
    /// The sequence that it is about, if any.
    pub sequence: Option<String>,
    /// How it ran.
    pub mode: Mode,
    /// Its variant.
    pub variant: String,
    /// Its runs, in their order.
    pub points: Vec<Point>,
}

/// What one run says of a chapter.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The run's place in [`History::runs`].
    pub run: usize,
    /// Bad first attempts of those that count.
    pub share: Share,
    /// Rounds that were run.
    pub rounds: u32,
    /// Whether the data decided how many there were.
    pub by_data: bool,
    /// Beside the run before that has it; nothing for the first.
    pub step: Option<Compared>,
}

/// Puts the runs of a suite beside each other, in the order given. Each is compared with the one before that has the
/// same chapter, and all these tests share one error.
pub fn history(suite: &str, views: &[View]) -> History {
    let bad = match views {
        [] => OutcomeSet::default(),
        views => OutcomeSet::new(views.iter().flat_map(|view| view.run.bad.iter())),
    };
    let mut trends = trends(views, &bad);
    let tests = compare(&mut trends, views);
    let runs = views.iter().enumerate().map(|(place, view)| {
        let before = place.checked_sub(1).map(|before| &views[before]);
        past_run(view, before)
    });
    History {
        suite: suite.to_owned(),
        bad,
        runs: runs.collect(),
        trends,
        tests,
    }
}

fn past_run(view: &View, before: Option<&View>) -> PastRun {
    let run = &view.run;
    PastRun {
        number: run.number,
        id: run.id.clone(),
        started: run.started.clone(),
        device: run.device.clone(),
        live: run.live,
        complete: run.complete,
        imported: run.imported.is_some(),
        rounds: (view.totals.first_attempt.n, view.totals.planned),
        differs: before.map_or_else(Vec::new, |before| differences([before, view])),
    }
}

/// A chapter, a sequence, a mode and a variant.
type Key = (Option<String>, Option<String>, Mode, String);

fn trends(views: &[View], bad: &OutcomeSet) -> Vec<Trend> {
    let mut trends: Vec<Trend> = Vec::new();
    for (run, view) in views.iter().enumerate() {
        for (key, results) in rows(view) {
            let point = Point {
                run,
                share: count(&[&results.cells], bad),
                rounds: results.rounds,
                by_data: results.by_data,
                step: None,
            };
            let same = |trend: &&mut Trend| {
                (&trend.chapter, &trend.sequence, trend.mode, &trend.variant)
                    == (&key.0, &key.1, key.2, &key.3)
            };
            match trends.iter_mut().find(same) {
                Some(trend) => trend.points.push(point),
                None => {
                    let (chapter, sequence, mode, variant) = key;
                    trends.push(Trend {
                        chapter,
                        sequence,
                        mode,
                        variant,
                        points: vec![point],
                    });
                }
            }
        }
    }
    trends
}

fn rows(view: &View) -> Vec<(Key, &Results)> {
    let chapters = view.chapters.iter().map(|row| {
        let chapter = Some(row.chapter.clone());
        let key = (chapter, row.sequence.clone(), row.mode, row.variant.clone());
        (key, &row.results)
    });
    let sequences = view.sequences.iter().map(|row| {
        let sequence = Some(row.sequence.clone());
        (
            (None, sequence, Mode::Sequential, row.variant.clone()),
            &row.results,
        )
    });
    chapters.chain(sequences).collect()
}

/// Compares each point with the one before it; says how many tests that took.
fn compare(trends: &mut [Trend], views: &[View]) -> usize {
    let steps = |trend: &Trend| -> Vec<[Point; 2]> {
        let pairs = trend.points.windows(2);
        pairs
            .map(|pair| [pair[0].clone(), pair[1].clone()])
            .collect()
    };
    let all: Vec<Vec<[Point; 2]>> = trends.iter().map(steps).collect();
    // What the data decided the number of is not tested: it takes no part in the adjustment either.
    let is_fixed = |pair: &&[Point; 2]| pair.iter().all(|point| !point.by_data);
    let counted: Vec<_> = (all.iter().flatten().filter(is_fixed))
        .map(|pair| Pair {
            shares: pair.each_ref().map(|point| point.share),
            rounds: pair.each_ref().map(|point| point.rounds),
        })
        .collect();
    let made = taking_part(&counted);
    let tests = fixed(&counted);
    let mut tests = tests.into_iter();
    for (trend, pairs) in trends.iter_mut().zip(&all) {
        for (place, pair) in pairs.iter().enumerate() {
            let test = is_fixed(&pair).then(|| tests.next().flatten()).flatten();
            let step = Compared {
                chapter: trend.chapter.clone(),
                sequence: trend.sequence.clone(),
                mode: Some(trend.mode),
                variant: Some(trend.variant.clone()),
                sides: pair.each_ref().map(|point| Side {
                    label: label(&views[point.run]),
                    share: point.share,
                    by_data: point.by_data,
                }),
                evidence: test.map_or(Evidence::Untested, Evidence::Fixed),
                plan: None,
            };
            trend.points[place + 1].step = Some(step);
        }
    }
    made
}
