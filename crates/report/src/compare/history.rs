//! The runs of a suite in order: each chapter's rate per run, and detected changes.

use std::ops::Range;

use crashrate_model::{ALPHA, Mode, Outcome, OutcomeSet};
use crashrate_stats::{
    ChangeShape, Counts, HistoryLook, change_point, change_shape, history_looks,
};

use super::between::differences;
use super::blocks::count;
use super::test::counts;
use crate::view::{Cell, OptionalStopping, Outcomes, Results, RunState, Share, View};

/// The runs of one suite.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The suite's name.
    pub suite: String,
    /// Outcomes that count as bad: the union over the runs, so that no bad outcome is hidden.
    pub bad: OutcomeSet,
    /// The runs in the order given.
    pub runs: Vec<PastRun>,
    /// A row for each chapter in each mode and variant, and for each whole sequence.
    pub trends: Vec<Trend>,
    /// The index of the first run listed. Earlier runs are still tested.
    pub listed_from: usize,
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
    /// Whether it is running or has ended.
    pub state: RunState,
    /// Whether it completed.
    pub complete: bool,
    /// Whether it was imported.
    pub imported: bool,
    /// First attempts that count, and planned rounds.
    pub rounds: (u32, u32),
    /// What differs from the previous run, besides the rates.
    pub differs: Vec<Difference>,
}

/// A fact about a run that differs from the run before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name, such as `device`.
    pub what: String,
    /// Its value in the previous run.
    pub before: String,
    /// Its value in this run.
    pub now: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [now, before] = around_difference([&self.now, &self.before]);
        write!(f, "{}: {now}, before {before}", self.what)
    }
}

/// The differing part of two long texts, with some context.
fn around_difference(texts: [&str; 2]) -> [String; 2] {
    /// Texts up to this many characters are shown whole.
    const WHOLE: usize = 40;
    const AROUND: usize = 12;
    let [one, two] = texts.map(|text| text.chars().collect::<Vec<char>>());
    if one.len().max(two.len()) <= WHOLE {
        return texts.map(str::to_owned);
    }
    let same =
        |pairs: &mut dyn Iterator<Item = (&char, &char)>| pairs.take_while(|(a, b)| a == b).count();
    let head = same(&mut one.iter().zip(&two));
    let rest = one.len().min(two.len()) - head;
    let tail = same(&mut one.iter().rev().zip(two.iter().rev())).min(rest);
    [one, two].map(|text| {
        let start = head.saturating_sub(AROUND);
        let end = (text.len() - tail + AROUND).min(text.len());
        let middle: String = text[start..end].iter().collect();
        let [before, after] = [start > 0, end < text.len()].map(|cut| if cut { "..." } else { "" });
        format!("{before}{middle}{after}")
    })
}

/// One chapter, or a sequence as a whole, over the runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Trend {
    /// The chapter; `None` for a whole sequence.
    pub chapter: Option<String>,
    /// The sequence, if any.
    pub sequence: Option<String>,
    /// How it ran.
    pub mode: Mode,
    /// Its variant.
    pub variant: String,
    /// Its runs, in their order.
    pub points: Vec<Point>,
    /// Indices of the runs after which a change is shown. Each is computed only from the runs up to
    /// it, so adding runs never removes one.
    pub marks: Vec<usize>,
    /// The change as of the last mark.
    pub change: Option<Change>,
}

/// One run's result for a chapter.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The run's index in [`History::runs`].
    pub run: usize,
    /// Bad first attempts of those that count.
    pub share: Share,
    /// Whether the data may have decided the number of rounds.
    pub optional_stopping: OptionalStopping,
    /// Rounds without a result, by what became of them: lost, interrupted or not started. They are
    /// not counted in any rate.
    pub missing: Outcomes,
    /// Why it is excluded from the tests.
    pub untested: Option<Untested>,
    /// The test of all runs up to this one; `None` for the first run and for excluded ones.
    pub look: Option<HistoryLook>,
    /// Whether the test shows a change however the rounds without a result ended.
    pub holds: bool,
}

/// Why a run is excluded from the tests of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untested {
    /// The data may have decided its number of rounds.
    OptionalStopping,
    /// Its counts are not final, and each look at them would be another test.
    Running,
}

/// A change of a rate. Indices refer to [`History::runs`].
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The most probable first run with the new rate.
    pub at: usize,
    /// The first run of the 95% credible set for the change.
    pub first: usize,
    /// The last run of that set.
    pub last: usize,
    /// The row's last run before `first`. Facts that changed after it may explain the change.
    pub base: usize,
    /// Bad rounds before `at`.
    pub before: Share,
    /// Bad rounds from `at` to the last mark.
    pub after: Share,
    /// The first and the last tested run, with their rounds.
    pub ends: [(usize, Share); 2],
    /// Whether it looks like a step or a trend. This is a description, not a test.
    pub shape: ChangeShape,
    /// The first mark of the unbroken series that ends at the last mark.
    pub since: usize,
    /// The last mark.
    pub until: usize,
    /// Whether the latest test still shows it.
    pub holds: bool,
}

impl Change {
    /// Whether the rate went up.
    pub fn rose(&self) -> bool {
        is_rise(self.before, self.after)
    }
}

/// Whether the rate is higher after the change.
pub(super) fn is_rise(before: Share, after: Share) -> bool {
    u64::from(after.bad) * u64::from(before.n) > u64::from(before.bad) * u64::from(after.n)
}

impl Point {
    /// Whether the test after this run shows a change.
    pub fn is_marked(&self) -> bool {
        self.holds
    }

    /// Whether its rounds are tested.
    fn tested(&self) -> Option<Counts> {
        let counts = counts(self.share).ok()?;
        (self.untested.is_none() && self.share.n > 0).then_some(counts)
    }
}

impl Trend {
    /// The first mark of each unbroken series in one direction: the run's index, and whether the
    /// rate rose.
    pub fn turns(&self) -> Vec<(usize, bool)> {
        let mut turns = Vec::new();
        let mut before = None;
        for point in &self.points {
            let Some(look) = point.look else { continue };
            let now = point.is_marked().then(|| rises(look));
            if let Some(rose) = now.filter(|_| now != before) {
                turns.push((point.run, rose));
            }
            before = now;
        }
        turns
    }
}

impl History {
    /// Lists only the last `n` runs. All runs are still tested.
    pub fn list_last(&mut self, n: usize) {
        self.listed_from = self.runs.len().saturating_sub(n);
    }

    /// The runs that are listed.
    pub fn listed(&self) -> &[PastRun] {
        self.runs.get(self.listed_from..).unwrap_or_default()
    }

    /// The points of a row in the runs that are listed.
    pub fn listed_points<'a>(&'a self, trend: &'a Trend) -> impl Iterator<Item = &'a Point> {
        let listed = |point: &&Point| point.run >= self.listed_from;
        trend.points.iter().filter(listed)
    }
}

/// Makes a suite's history from its runs in the given order, and tests each row after each run.
///
/// All rows and all runs share one error probability of 5 %: see [`history_looks`].
pub fn history(suite: &str, views: &[View]) -> History {
    let (bad, trends) = tested(views);
    let runs = views.iter().enumerate().map(|(place, view)| {
        let before = place.checked_sub(1).map(|before| &views[before]);
        past_run(view, before)
    });
    History {
        suite: suite.to_owned(),
        bad,
        runs: runs.collect(),
        trends,
        listed_from: 0,
    }
}

fn past_run(view: &View, before: Option<&View>) -> PastRun {
    let run = &view.run;
    PastRun {
        number: run.number,
        id: run.id.clone(),
        started: run.started.clone(),
        device: run.device.clone(),
        state: run.state,
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
            let point = point(run, view, results, bad);
            let same = |trend: &&mut Trend| {
                (&trend.chapter, &trend.sequence, trend.mode, &trend.variant)
                    == (&key.0, &key.1, key.2, &key.3)
            };
            match trends.iter_mut().find(same) {
                Some(trend) => add(&mut trend.points, point),
                None => {
                    let (chapter, sequence, mode, variant) = key;
                    trends.push(Trend {
                        chapter,
                        sequence,
                        mode,
                        variant,
                        points: vec![point],
                        marks: Vec::new(),
                        change: None,
                    });
                }
            }
        }
    }
    trends
}

fn point(run: usize, view: &View, results: &Results, bad: &OutcomeSet) -> Point {
    let untested = match (view.run.state, results.optional_stopping) {
        (RunState::Running, _) => Some(Untested::Running),
        (RunState::Ended, OptionalStopping::Possible) => Some(Untested::OptionalStopping),
        (RunState::Ended, OptionalStopping::No) => None,
    };
    Point {
        run,
        share: count(&results.cells, bad),
        optional_stopping: results.optional_stopping,
        missing: missing(&results.cells),
        untested,
        look: None,
        holds: false,
    }
}

/// Adds a point. A plan that has a unit twice yields two rows of one name; they become one point.
fn add(points: &mut Vec<Point>, point: Point) {
    match points.last_mut().filter(|last| last.run == point.run) {
        Some(last) => {
            last.share.add(point.share);
            last.optional_stopping = last.optional_stopping.max(point.optional_stopping);
            last.missing.add_all(&point.missing);
            last.untested = last.untested.or(point.untested);
        }
        None => points.push(point),
    }
}

fn missing(cells: &[Cell]) -> Outcomes {
    let mut missing = Outcomes::default();
    let without_result = |outcome: &Outcome| {
        matches!(
            outcome,
            Outcome::Lost | Outcome::Interrupted | Outcome::NotStarted
        )
    };
    for cell in cells {
        match cell.first {
            Some(outcome) if without_result(&outcome) => missing.add(outcome, 1),
            // Even if the round was run again, the result of its first attempt is unknown.
            _ if cell.vanished => missing.add(Outcome::Lost, 1),
            _ => {}
        }
    }
    missing
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

/// Builds the rows and tests them after each run.
///
/// A test counts as bad what any run so far counts. When a run extends that set, earlier runs are
/// recounted but not retested; otherwise a mark could vanish.
fn tested(views: &[View]) -> (OutcomeSet, Vec<Trend>) {
    let with = |bad: &OutcomeSet, view: &View| -> OutcomeSet {
        OutcomeSet::new(bad.iter().chain(view.run.bad.iter()))
    };
    let mut bad = views
        .first()
        .map_or_else(OutcomeSet::default, |view| view.run.bad.clone());
    let mut tested: Vec<Trend> = Vec::new();
    let mut start = 0;
    while let Some(first) = views.get(start) {
        bad = with(&bad, first);
        let adds_none = |view: &&View| with(&bad, view) == bad;
        let end = start + views[start..].iter().take_while(adds_none).count();
        let mut trends = trends(&views[..end], &bad);
        // Rows keep the order of the first run that has them, so earlier rows keep their index.
        for (trend, before) in trends.iter_mut().zip(&tested) {
            trend.change.clone_from(&before.change);
            for (point, before) in trend.points.iter_mut().zip(&before.points) {
                point.look = before.look;
            }
        }
        test(&mut trends, start..end);
        (tested, start) = (trends, end);
    }
    (bad, tested)
}

/// Tests all rows after each of these runs; `trends` has the runs up to them.
fn test(trends: &mut [Trend], runs: Range<usize>) {
    let row = |trend: &Trend| {
        let mut row = vec![None; runs.end];
        // A row without reached rounds still exists and uses its share of the error budget.
        for point in trend.points.iter().filter(|p| p.untested.is_none()) {
            row[point.run] = counts(point.share).ok();
        }
        row
    };
    let rows: Vec<_> = trends.iter().map(row).collect();
    let looks = history_looks(&rows, ALPHA).unwrap_or_default();
    for (trend, looks) in trends.iter_mut().zip(looks) {
        for point in &mut trend.points {
            if runs.contains(&point.run) {
                point.look = looks[point.run];
            }
        }
        for place in 0..trend.points.len() {
            let missing = missing_around(&trend.points[..=place]);
            let point = &mut trend.points[place];
            point.holds = point.look.is_some_and(|look| look.holds(missing));
        }
        let marked = trend.points.iter().filter(|point| point.is_marked());
        trend.marks = marked.map(|point| point.run).collect();
        let is_new = (trend.marks.last()).is_some_and(|last| runs.contains(last));
        if is_new {
            trend.change = change(&trend.points);
        }
        let last = trend.points.iter().rfind(|point| point.look.is_some());
        if let (Some(change), Some(last)) = (&mut trend.change, last) {
            change.holds = last.run == change.until;
        }
    }
}

/// Rounds without a result before and after the change that the last point shows.
fn missing_around(points: &[Point]) -> [u64; 2] {
    let Some(look) = points.last().and_then(|point| point.look) else {
        return [0, 0];
    };
    let tested = points.iter().filter(|point| point.untested.is_none());
    let mut missing = [0, 0];
    for point in tested {
        missing[usize::from(point.run >= look.from)] += u64::from(point.missing.sum());
    }
    missing
}

/// The change as of the last mark.
fn change(points: &[Point]) -> Option<Change> {
    let tested: Vec<_> = (points.iter())
        .filter_map(|point| Some((point, point.tested()?)))
        .collect();
    let until = tested.iter().rposition(|(point, _)| point.is_marked())?;
    let (points, counts): (Vec<&Point>, Vec<Counts>) = tested[..=until].iter().copied().unzip();
    let found = change_point(&counts, ALPHA).ok()??;
    let rises = |point: &Point| point.look.map(rises);
    let unbroken = |place: &usize| {
        let point = points[*place];
        point.is_marked() && rises(point) == rises(points[until])
    };
    let since = (0..=until).rev().take_while(unbroken).last()?;
    let run = |place: usize| points[place].run;
    Some(Change {
        at: run(found.at),
        first: run(found.first),
        last: run(found.last),
        base: run(found.first - 1),
        before: share(found.before),
        after: share(found.after),
        ends: [0, until].map(|place| (run(place), points[place].share)),
        shape: change_shape(&counts),
        since: run(since),
        until: run(until),
        holds: true,
    })
}

/// Whether the rate is higher after the split with the smallest p-value.
pub(crate) fn rises(look: HistoryLook) -> bool {
    is_rise(share(look.before), share(look.after))
}

pub(super) fn share(counts: Counts) -> Share {
    let rounds = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    Share {
        bad: rounds(counts.bad()),
        n: rounds(counts.n()),
    }
}
