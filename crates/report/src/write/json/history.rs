//! The history of a suite in JSON.

use crashrate_model::{Mode, Outcome};
use serde::Serialize;

use super::compared::Tested;
use super::values::{Estimated, Rate};
use super::{SCHEMA, pretty};
use crate::compare::{Compared, Evidence, History, Point, Trend, step, step_intro};

/// The history as JSON, with a newline at its end.
pub fn history_json(history: &History) -> String {
    pretty(&All {
        schema: SCHEMA,
        suite: &history.suite,
        compared: step_intro(history),
        bad: history.bad.iter().collect(),
        tests: history.tests,
        runs: history.runs.iter().map(Run::of).collect(),
        trends: (history.trends.iter())
            .map(|trend| OneTrend::of(history, trend))
            .collect(),
    })
}

#[derive(Serialize)]
struct All<'a> {
    schema: u32,
    suite: &'a str,
    compared: String,
    bad: Vec<Outcome>,
    tests: usize,
    runs: Vec<Run<'a>>,
    trends: Vec<OneTrend<'a>>,
}

#[derive(Serialize)]
struct Run<'a> {
    number: u32,
    id: &'a str,
    started: &'a str,
    device: &'a str,
    live: bool,
    complete: bool,
    imported: bool,
    rounds: u32,
    planned: u32,
    /// From the run before.
    differs: &'a [String],
}

impl<'a> Run<'a> {
    fn of(run: &'a crate::compare::PastRun) -> Self {
        Run {
            number: run.number,
            id: &run.id,
            started: &run.started,
            device: &run.device,
            live: run.live,
            complete: run.complete,
            imported: run.imported,
            rounds: run.rounds.0,
            planned: run.rounds.1,
            differs: &run.differs,
        }
    }
}

#[derive(Serialize)]
struct OneTrend<'a> {
    chapter: Option<&'a str>,
    sequence: Option<&'a str>,
    mode: Mode,
    variant: &'a str,
    points: Vec<OnePoint<'a>>,
}

impl<'a> OneTrend<'a> {
    fn of(history: &'a History, trend: &'a Trend) -> Self {
        OneTrend {
            chapter: trend.chapter.as_deref(),
            sequence: trend.sequence.as_deref(),
            mode: trend.mode,
            variant: &trend.variant,
            points: (trend.points.iter())
                .map(|point| OnePoint::of(history, point))
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct OnePoint<'a> {
    number: u32,
    run: &'a str,
    first_attempt: Rate,
    crash_rate: Option<Estimated>,
    /// Against the run before that has the chapter; `null` for the first.
    change: Option<Change<'a>>,
}

impl<'a> OnePoint<'a> {
    fn of(history: &'a History, point: &'a Point) -> Self {
        let run = &history.runs[point.run];
        OnePoint {
            number: run.number,
            run: &run.id,
            first_attempt: point.share.into(),
            crash_rate: Estimated::of(point.share, point.by_data),
            change: point.step.as_ref().map(|one| Change::of(history, one)),
        }
    }
}

#[derive(Serialize)]
struct Change<'a> {
    against: &'a str,
    shown: bool,
    said: String,
    #[serde(flatten)]
    test: Option<Tested>,
}

impl<'a> Change<'a> {
    fn of(history: &History, one: &'a Compared) -> Self {
        Change {
            against: &one.sides[0].label,
            shown: one.differs(),
            said: step(&history.bad, one),
            test: match &one.evidence {
                Evidence::Fixed(test) => Some(Tested::of(test)),
                Evidence::Pairs(_) | Evidence::Untested => None,
            },
        }
    }
}
