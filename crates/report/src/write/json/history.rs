//! The history of a suite in JSON.

use crashrate_model::{ALPHA, Mode, Outcome};
use crashrate_stats::{ChangeShape, Counts, HistoryLook};
use serde::Serialize;

use super::values::Estimated;
use super::{SCHEMA, pretty};
use crate::compare::{
    Change, History, PastRun, Point, Trend, Untested, history_intro, trend_sentences, verb,
};
use crate::view::{Outcomes, Share};

/// The history as JSON, with a newline at its end.
pub fn history_json(history: &History) -> String {
    pretty(&All {
        schema: SCHEMA,
        suite: &history.suite,
        tested: history_intro(history),
        test: "fisher-exact, every split, alpha spent over the runs",
        alpha: ALPHA,
        bad: history.bad.iter().collect(),
        runs: history.listed(),
        trends: (history.trends.iter())
            .filter(|trend| history.listed_points(trend).next().is_some())
            .map(|trend| OneTrend::of(history, trend))
            .collect(),
    })
}

#[derive(Serialize)]
struct All<'a> {
    schema: u32,
    suite: &'a str,
    tested: String,
    test: &'static str,
    /// The error probability of the whole history.
    alpha: f64,
    bad: Vec<Outcome>,
    runs: &'a [PastRun],
    trends: Vec<OneTrend<'a>>,
}

#[derive(Serialize)]
struct OneTrend<'a> {
    chapter: Option<&'a str>,
    sequence: Option<&'a str>,
    mode: Mode,
    variant: &'a str,
    said: String,
    /// Numbers of the runs after which a change is shown, including unlisted runs.
    marks: Vec<u32>,
    change: Option<OneChange>,
    points: Vec<OnePoint<'a>>,
}

impl<'a> OneTrend<'a> {
    fn of(history: &'a History, trend: &'a Trend) -> Self {
        let marks = trend.marks.iter();
        OneTrend {
            chapter: trend.chapter.as_deref(),
            sequence: trend.sequence.as_deref(),
            mode: trend.mode,
            variant: &trend.variant,
            said: trend_sentences(history, trend).join(" "),
            marks: marks.map(|run| history.runs[*run].number).collect(),
            change: (trend.change.as_ref()).map(|change| OneChange::of(history, change)),
            points: (history.listed_points(trend))
                .map(|point| OnePoint::of(history, point))
                .collect(),
        }
    }
}

/// The change as of the last mark. Runs are given by number.
#[derive(Serialize)]
struct OneChange {
    direction: &'static str,
    shape: &'static str,
    /// The most probable first run with the new rate.
    at: u32,
    /// The 95% credible set of runs for the change.
    first: u32,
    last: u32,
    before: Share,
    after: Share,
    since: u32,
    until: u32,
    /// Whether the latest test still shows it.
    holds: bool,
}

impl OneChange {
    fn of(history: &History, change: &Change) -> Self {
        let number = |run: usize| history.runs[run].number;
        OneChange {
            direction: verb(change.rose()),
            shape: match change.shape {
                ChangeShape::Step => "step",
                ChangeShape::Creeping => "creeping",
            },
            at: number(change.at),
            first: number(change.first),
            last: number(change.last),
            before: change.before,
            after: change.after,
            since: number(change.since),
            until: number(change.until),
            holds: change.holds,
        }
    }
}

#[derive(Serialize)]
struct OnePoint<'a> {
    number: u32,
    run: &'a str,
    first_attempt: Share,
    crash_rate: Option<Estimated>,
    /// Rounds without a result, by what became of them.
    missing: Outcomes,
    /// Why it is excluded from the tests.
    untested: Option<&'static str>,
    /// The test of all runs up to this one.
    look: Option<Look>,
}

impl<'a> OnePoint<'a> {
    fn of(history: &'a History, point: &'a Point) -> Self {
        let run = &history.runs[point.run];
        OnePoint {
            number: run.number,
            run: &run.id,
            first_attempt: point.share,
            crash_rate: Estimated::of(point.share, point.optional_stopping),
            missing: point.missing,
            untested: point.untested.map(|why| match why {
                Untested::OptionalStopping => "by-data",
                Untested::Running => "live",
            }),
            look: point.look.map(|look| Look::of(history, point, look)),
        }
    }
}

/// The split with the smallest p-value.
#[derive(Serialize)]
struct Look {
    shown: bool,
    /// The first run after the split.
    from: u32,
    before: Counted,
    after: Counted,
    p: f64,
    /// Adjusted for the number of splits and rows.
    p_adjusted: f64,
    /// The error budget of this test; a change is shown if `p_adjusted` is at most that.
    alpha: f64,
}

#[derive(Serialize)]
struct Counted {
    bad: u64,
    n: u64,
}

impl Look {
    fn of(history: &History, point: &Point, look: HistoryLook) -> Self {
        let counted = |counts: Counts| Counted {
            bad: counts.bad(),
            n: counts.n(),
        };
        Look {
            shown: point.is_marked(),
            from: history.runs[look.from].number,
            before: counted(look.before),
            after: counted(look.after),
            p: look.p,
            p_adjusted: look.p_adjusted,
            alpha: look.alpha,
        }
    }
}
