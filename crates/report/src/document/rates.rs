//! The rates of each chapter in both modes, and of each sequence, on one scale.

use std::cmp::Reverse;

use crashrate_model::{Mode, Outcome};

use super::lines::{ALL_LISTED, Group, Line, What, bad_head, by_mode, failed, lines, time};
use super::plot::{Mark, RateKind, RateMarks, RatesPlot, Scale, top_of};
use super::{Block, Table, Text};
use crate::view::{Results, View};
use crate::words::{
    counts, exposure, joined, known, missed, of_unit, outcomes_of, percent_of, plural, rate,
    short_rate_of, signals, unmeasured,
};

/// A row for each chapter and each sequence, those that did not pass first; then what the numbers
/// do not say.
pub(super) fn rates(view: &View) -> Vec<Block> {
    let mut all = lines(view);
    all.sort_by_key(|line| Reverse(line.badness()));
    let (mut shown, mut folded) = (all, Vec::new());
    if shown.len() > ALL_LISTED {
        let is_shown = |line: &Line<&Results>| !line.passed() || line.what == What::Sequence;
        (shown, folded) = shown.into_iter().partition(is_shown);
    }
    let n = folded.len() as u64;
    let mut blocks = plot(view, &shown);
    let title = format!("{} that passed in every round", plural(n, "row"));
    let folded = plot(view, &folded);
    if blocks.is_empty() {
        blocks = folded;
    } else if !folded.is_empty() {
        blocks.push(Block::Fold(title, folded));
    }
    let mut remarks: Vec<String> = view.chapters.iter().flat_map(missed).collect();
    remarks.extend(unmeasured(view));
    remarks.extend(exposure(view));
    blocks.extend(Block::list(remarks));
    blocks
}

impl Line<&Results> {
    /// The largest crash rate, then the largest rate of failures.
    fn badness(&self) -> [u32; 2] {
        let most = |n: fn(&Results) -> u32| {
            let shares = self.results().map(|results| {
                let rate = f64::from(n(results)) / f64::from(results.first_attempt.n.max(1));
                (rate * 1e6) as u32
            });
            shares.max().unwrap_or(0)
        };
        [
            most(|results| results.first_attempt.bad),
            most(Results::failed),
        ]
    }
}

fn plot(view: &View, lines: &[Line<&Results>]) -> Vec<Block> {
    if lines.is_empty() {
        return Vec::new();
    }
    let table = table(view, lines);
    let has_failed = !view.run.bad.contains(Outcome::Failed);
    let marks: Vec<_> = lines
        .iter()
        .map(|line| intervals(line, has_failed))
        .collect();
    let top = top_of(marks.iter().flatten().map(|(_, [_, _, high])| *high));
    let scale = Scale::Linear(top);
    let mut kinds: Vec<_> = marks.iter().flatten().map(|(kind, _)| *kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let details: Vec<_> = lines.iter().map(|line| details(view, line)).collect();
    let mut detailed = table.clone();
    if details.iter().any(|details| !details.is_empty()) {
        detailed = detailed.texts(["details"]);
        for (row, details) in detailed.rows.iter_mut().zip(&details) {
            row.push(Text::long(details));
        }
    }
    let rows = lines.iter().zip(marks).zip(details);
    let rows = rows.map(|((line, marks), details)| RateMarks {
        details,
        marks: marks
            .into_iter()
            .map(|(kind, at)| (kind, mark(scale, kind, at)))
            .collect(),
        ideal: ideal(view, line).map(|below| (0.0, scale.place(below))),
        outcomes: outcomes(line),
    });
    let rows = rows.collect();
    vec![Block::Rates(RatesPlot {
        table,
        detailed,
        ticks: scale.ticks(percent_of),
        rows,
        kinds,
    })]
}

/// The lower end of an interval, the rate, and the upper end.
type Estimated = [f64; 3];

/// The intervals of a row: of crashes in each mode, and of failures where there are any.
fn intervals(line: &Line<&Results>, has_failed: bool) -> Vec<(RateKind, Estimated)> {
    let kinds = [
        (RateKind::Isolated, RateKind::IsolatedFailed),
        (RateKind::InSequence, RateKind::InSequenceFailed),
    ];
    let mut marks = Vec::new();
    for (results, (crashed, failed)) in line.modes.iter().zip(kinds) {
        let Some(results) = results else { continue };
        let n = results.first_attempt.n;
        let mut add = |kind, k: u32| {
            let estimate = known(k, n, results.optional_stopping);
            marks.extend(estimate.map(|known| {
                let rate = f64::from(k) / f64::from(n);
                (kind, [known.interval.lo, rate, known.interval.hi])
            }));
        };
        add(crashed, results.first_attempt.bad);
        if has_failed && results.failed() > 0 {
            add(failed, results.failed());
        }
    }
    marks
}

fn mark(scale: Scale, kind: RateKind, [from, at, to]: Estimated) -> Mark {
    let is_crash = matches!(kind, RateKind::Isolated | RateKind::InSequence);
    Mark {
        from: scale.place(from),
        at: scale.place(at),
        to: scale.place(to),
        bad: is_crash && at > 0.0,
    }
}

/// The rate below which the gates of a row want it: the smallest of several.
fn ideal(view: &View, line: &Line<&Results>) -> Option<f64> {
    let mode = match line.what {
        What::Chapter => Mode::Isolated,
        What::Sequence => Mode::Sequential,
    };
    let gates = view.gates.iter().map(|seen| &seen.gate);
    let own = gates.filter(|gate| {
        let name = of_unit(&gate.name, None, &gate.variant);
        gate.mode == mode && name == line.name
    });
    own.map(|gate| gate.limit.below).min_by(f64::total_cmp)
}

fn outcomes(line: &Line<&Results>) -> Vec<Outcome> {
    let all = outcomes_of(line.results());
    all.occurred().map(|(outcome, _)| outcome).collect()
}

fn table(view: &View, lines: &[Line<&Results>]) -> Table {
    let all = outcomes_of(lines.iter().flat_map(Line::results));
    let bad_head = format!("{} (95%)", bad_head(view, &all));
    let mut groups: Vec<Group<&Results>> = vec![(&bad_head, crashed)];
    if all.get(Outcome::Failed) > 0 && !view.run.bad.contains(Outcome::Failed) {
        groups.push(("failed", failed));
    }
    let mut results = lines.iter().flat_map(Line::results);
    if results.any(|results| results.secs.is_some()) {
        groups.push(("median time", time));
    }
    by_mode(("chapter or sequence", 0), lines, &groups)
}

fn crashed(results: &&Results) -> Text {
    Text::rate(short_rate_of(results), results.first_attempt.bad)
}

/// What the other columns do not say: outcomes that are not rates, signals, retries.
fn details(view: &View, line: &Line<&Results>) -> String {
    let both = line.results().count() > 1;
    let modes = ["isolated", "in sequence"];
    let words = line.modes.iter().zip(modes).filter_map(|(results, mode)| {
        let words = details_of(view, results.as_ref()?)?;
        Some(match both {
            true => format!("{mode}: {words}"),
            false => words,
        })
    });
    joined(words, "; ").unwrap_or_default()
}

fn details_of(view: &View, results: &Results) -> Option<String> {
    let bad = &view.run.bad;
    let several = results
        .outcomes
        .occurred()
        .filter(|(outcome, _)| bad.contains(*outcome))
        .count()
        > 1;
    let named = |outcome: Outcome| match outcome {
        Outcome::Passed | Outcome::Failed => false,
        outcome => several || !bad.contains(outcome),
    };
    let outcomes = results
        .outcomes
        .occurred()
        .filter(|(outcome, _)| named(*outcome));
    let outcomes = counts(outcomes.map(|(outcome, n)| (u64::from(n), outcome.word())));
    let mut words: Vec<_> = outcomes.collect();
    words.extend(signals(results));
    if view.run.retries > Some(0) && results.passed() < results.first_attempt.n {
        let after = rate(results.passed_after_retries, results.after_retries.n);
        words.push(format!("after retries {after} passed"));
    }
    joined(words.into_iter(), ", ")
}
