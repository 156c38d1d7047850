//! Builds a history from runs, and tests each of its rows for changes.

use std::ops::Range;

use crashrate_model::{ALPHA, Outcome, OutcomeSet, agree};
use crashrate_stats::{Counts, change_point, change_shape, history_looks};

use super::differences::differences;
use super::history::{Change, History, PastRun, Point, Trend, Untested, rises};
use crate::view::{Cell, OptionalStopping, Outcomes, Results, Row, RunState, View};

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
        given: views.last().and_then(|view| view.run.given.clone()),
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
        rounds: view.totals.first_attempt.n,
        planned: view.totals.planned,
        differs: before.map_or_else(Vec::new, |before| differences([before, view])),
    }
}

fn trends(views: &[View], bad: &OutcomeSet) -> Vec<Trend> {
    let mut trends: Vec<Trend> = Vec::new();
    for (run, view) in views.iter().enumerate() {
        let identities = view.identities();
        for row in view.chapter_rows().chain(view.sequence_rows()) {
            let point = point(run, view, row.results, bad);
            let identity = identities.get(&row.unit()).copied();
            match same(&mut trends, &row, identity) {
                Some(trend) => {
                    trend.identity = trend.identity.take().or(identity.map(str::to_owned));
                    add(&mut trend.points, point);
                }
                None => trends.push(Trend {
                    chapter: row.chapter.cloned(),
                    sequence: row.sequence.cloned(),
                    mode: row.mode,
                    variant: row.variant.clone(),
                    identity: identity.map(str::to_owned),
                    points: vec![point],
                    marks: Vec::new(),
                    change: None,
                }),
            }
        }
    }
    trends
}

/// The trend of the rows that ran the same. What an imported run ran is unknown: it continues the
/// latest trend of its name, and a later run continues a trend of imported runs only.
fn same<'a>(
    trends: &'a mut [Trend],
    row: &Row<'_>,
    identity: Option<&str>,
) -> Option<&'a mut Trend> {
    let named = trends.iter_mut().filter(|trend| trend.has_name_of(row));
    let agreeing = named.filter(|trend| agree(trend.identity.as_deref(), identity));
    agreeing.max_by_key(|trend| (trend.identity.is_some(), trend.last_run()))
}

fn point(run: usize, view: &View, results: &Results, bad: &OutcomeSet) -> Point {
    let untested = match (view.run.state, results.optional_stopping) {
        (RunState::Running, _) => Some(Untested::Running),
        (RunState::Ended, OptionalStopping::Possible) => Some(Untested::OptionalStopping),
        (RunState::Ended, OptionalStopping::No) => None,
    };
    Point {
        run,
        share: results.outcomes.share(bad),
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
    for cell in cells {
        match cell.first {
            Some(outcome) if !outcome.is_measured() => missing.add(outcome, 1),
            // Even if the round was run again, the result of its first attempt is unknown.
            _ if cell.vanished => missing.add(Outcome::Lost, 1),
            _ => {}
        }
    }
    missing
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
            row[point.run] = point.share.counts().ok();
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
        let marked = trend.points.iter().filter(|point| point.holds);
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
    let until = tested.iter().rposition(|(point, _)| point.holds)?;
    let (points, counts): (Vec<&Point>, Vec<Counts>) = tested[..=until].iter().copied().unzip();
    let found = change_point(&counts, ALPHA).ok()??;
    let rises = |point: &Point| point.look.map(rises);
    let unbroken = |place: &usize| {
        let point = points[*place];
        point.holds && rises(point) == rises(points[until])
    };
    let since = (0..=until).rev().take_while(unbroken).last()?;
    let run = |place: usize| points[place].run;
    Some(Change {
        at: run(found.at),
        first: run(found.first),
        last: run(found.last),
        base: run(found.first - 1),
        before: found.before.into(),
        after: found.after.into(),
        ends: [0, until].map(|place| (run(place), points[place].share)),
        shape: change_shape(&counts),
        since: run(since),
        until: run(until),
        holds: true,
    })
}
