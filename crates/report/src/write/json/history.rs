//! The history of a suite in JSON.

use crashrate_model::ALPHA;
use crashrate_stats::{ChangeShape, HistoryLook};
use serde_json::{Value, json};

use super::values::{SCHEMA, crash_rate, pretty};
use crate::compare::{Change, History, Point, Trend, history_intro, trend_sentences, verb};
use crate::view::Share;

/// The histories of a name as JSON, with a newline at its end.
pub fn history_json(histories: &[History]) -> String {
    pretty(&json!({
        "schema": SCHEMA,
        "histories": histories.iter().map(one_history).collect::<Vec<_>>(),
    }))
}

fn one_history(history: &History) -> Value {
    let trends = history.trends.iter();
    let listed = trends.filter(|trend| history.listed_points(trend).next().is_some());
    json!({
        "suite": history.suite,
        // The command that was given in place of a suite file.
        "command": history.given,
        "tested": history_intro(history),
        "test": "fisher-exact, every split, alpha spent over the runs",
        // The error probability of the whole history.
        "alpha": ALPHA,
        "bad": history.bad,
        "runs": history.listed(),
        "trends": listed.map(|trend| one_trend(history, trend)).collect::<Vec<_>>(),
    })
}

fn one_trend(history: &History, trend: &Trend) -> Value {
    let marks = trend.marks.iter().map(|run| history.runs[*run].number);
    let points = history.listed_points(trend);
    json!({
        "chapter": trend.chapter,
        "sequence": trend.sequence,
        "mode": trend.mode,
        "variant": trend.variant,
        // A hash of what it runs; null if only imported runs have it.
        "identity": trend.identity,
        "said": trend_sentences(history, trend).join(" "),
        // Numbers of the runs after which a change is shown, including unlisted runs.
        "marks": marks.collect::<Vec<_>>(),
        "change": trend.change.as_ref().map(|change| one_change(history, change)),
        "points": points.map(|point| one_point(history, point)).collect::<Vec<_>>(),
    })
}

/// The change as of the last mark. Runs are given by number.
fn one_change(history: &History, change: &Change) -> Value {
    let number = |run: usize| history.runs[run].number;
    json!({
        "direction": verb(change.rose()),
        "shape": match change.shape {
            ChangeShape::Step => "step",
            ChangeShape::Creeping => "creeping",
        },
        // The most probable first run with the new rate.
        "at": number(change.at),
        // The 95% credible set of runs for the change.
        "first": number(change.first),
        "last": number(change.last),
        "before": change.before,
        "after": change.after,
        "since": number(change.since),
        "until": number(change.until),
        // Whether the latest test still shows it.
        "holds": change.holds,
    })
}

fn one_point(history: &History, point: &Point) -> Value {
    let run = &history.runs[point.run];
    json!({
        "number": run.number,
        "run": run.id,
        "first_attempt": point.share,
        "crash_rate": crash_rate(point.share, point.optional_stopping),
        // Rounds without a result, by what became of them.
        "missing": point.missing,
        // Why it is excluded from the tests.
        "untested": point.untested,
        // The test of all runs up to this one: the split with the smallest p-value.
        "look": point.look.map(|look| one_look(history, point, look)),
    })
}

fn one_look(history: &History, point: &Point, look: HistoryLook) -> Value {
    json!({
        "shown": point.holds,
        // The first run after the split.
        "from": history.runs[look.from].number,
        "before": Share::from(look.before),
        "after": Share::from(look.after),
        "p": look.p,
        // Adjusted for the number of splits and rows.
        "p_adjusted": look.p_adjusted,
        // The error budget of this test; a change is shown if `p_adjusted` is at most that.
        "alpha": look.alpha,
    })
}
