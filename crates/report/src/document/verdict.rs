//! The result of a run in a word and a few sentences: what every report begins with.

use crashrate_model::{Axis, Mode, Outcome, StopReason};
use crashrate_stats::GateVerdict;

use super::source::Source;
use super::{Block, Status, Verdict};
use crate::clean::{NAME, clean};
use crate::compare::{Compared, Evidence, What};
use crate::view::{ExitClass, Results, Running, Share, View, exit_class};
use crate::words::{
    count, duration, flaky, known, leading, of_unit, p_value, plural, points, stop_note, units,
};

/// `story · cpu · 15 rounds in 18.7 s · run 1`.
pub(super) fn title(view: &View) -> String {
    let (run, totals) = (&view.run, &view.totals);
    let rounds = match run.state.is_running() || !run.complete {
        false => plural(totals.first_attempt.n, "round"),
        true => format!(
            "{} of {}",
            count(totals.first_attempt.n.into()),
            plural(totals.planned, "round")
        ),
    };
    let time = match run.secs {
        None => String::new(),
        secs => format!(" in {}", duration(secs)),
    };
    let jobs = match run.jobs {
        None | Some(0 | 1) => String::new(),
        Some(jobs) => format!(" · {jobs} at a time"),
    };
    let suite = clean(&run.suite, NAME);
    // Plain commands do not report a device.
    let device = match run.device.as_str() {
        "auto" => String::new(),
        device => format!(" · {}", clean(device, NAME)),
    };
    let kind = match run.imported {
        Some(_) => "report",
        None => "run",
    };
    format!(
        "{suite}{device} · {rounds}{time}{jobs} · {kind} {}",
        run.number
    )
}

/// When the run started, its seed and its id.
pub(super) fn facts(view: &View) -> String {
    let run = &view.run;
    let seed = (run.seed).map_or_else(String::new, |seed| format!(", seed {seed}"));
    let (started, id) = (clean(&run.started, NAME), clean(&run.id, NAME));
    format!("started {started}{seed}, run {id}")
}

/// The verdict, and what bears on everything below it.
pub(super) fn verdict(source: &Source) -> Vec<Block> {
    let view = source.view;
    let status = status(view);
    let verdict = Verdict {
        status,
        lines: lines(source, status),
    };
    let warnings = leading(view).into_iter().chain(flaky(view));
    std::iter::once(Block::Verdict(verdict))
        .chain(warnings.map(Block::warning))
        .collect()
}

/// What is running now.
pub(super) fn running(source: &Source) -> Vec<Block> {
    let view = source.view;
    if !view.run.state.is_running() {
        return Vec::new();
    }
    let line = |now: &Running| {
        let name = of_unit(&now.name, Some(now.mode), &now.variant);
        match now.attempt {
            1 => format!("{name} round {}", now.round),
            attempt => format!("{name} round {}, attempt {attempt}", now.round),
        }
    };
    let (ended, planned) = (view.totals.first_attempt.n, view.totals.planned);
    std::iter::once(Block::Progress(ended, planned))
        .chain(Block::list(view.running.iter().map(line).collect()))
        .collect()
}

fn status(view: &View) -> Status {
    if view.run.state.is_running() {
        return Status::Running;
    }
    match exit_class(view) {
        ExitClass::Passed => Status::Pass,
        ExitClass::NotPassed | ExitClass::Refuted => Status::Fail,
        ExitClass::Undecided => Status::Undecided,
        ExitClass::Incomplete => Status::Incomplete,
    }
}

fn lines(source: &Source, status: Status) -> Vec<String> {
    let view = source.view;
    let mut lines = not_passed(source);
    // Failures come first, unless retries or gates make up for them.
    let place = if status == Status::Pass {
        0
    } else {
        lines.len()
    };
    lines.insert(place, progress(view));
    lines.extend(gates(view));
    lines.extend(stop_note(view));
    lines.extend(bound(view));
    lines
}

/// How many gates have each verdict.
fn gates(view: &View) -> Option<String> {
    let with = |verdict| view.gates.iter().filter(|g| g.verdict() == verdict).count();
    let kinds = [
        (with(GateVerdict::Below), "passed"),
        (with(GateVerdict::Above), "refuted"),
        (with(GateVerdict::Undecided), "undecided"),
    ];
    let words = kinds.iter().filter(|(n, _)| *n > 0);
    let words: Vec<_> = words
        .map(|(n, word)| format!("{} {word}", count(*n as u64)))
        .collect();
    (!words.is_empty()).then(|| format!("Gates: {}.", words.join(", ")))
}

/// How many rounds passed: `15 of 15 rounds passed.`
fn progress(view: &View) -> String {
    let (run, totals) = (&view.run, &view.totals);
    let (n, planned) = (totals.first_attempt.n, totals.planned);
    if planned == 0 {
        return "No rounds were planned.".to_owned();
    }
    if n == 0 {
        return "No round has a result.".to_owned();
    }
    let passed = count(totals.outcomes.get(Outcome::Passed).into());
    let (ended, all) = (plural(n, "round"), plural(planned, "planned round"));
    let ended_of = format!("{} of {all}", count(n.into()));
    let said = match (run.state.is_running(), run.complete) {
        (true, _) => format!("{ended_of} ended so far; {passed} passed"),
        (false, false) => format!("{ended_of} have a result; {passed} passed"),
        (false, true) if n == planned => format!("{passed} of {ended} passed"),
        (false, true) => {
            let why = match run.stopped {
                Some(StopReason::TimeBudget) => "Time limit reached after",
                Some(StopReason::Decided) => "Decided after",
                _ => "Stopped after",
            };
            format!("{why} {ended}; {passed} passed")
        }
    };
    let after = match run.retries {
        None | Some(0) => String::new(),
        _ => format!(
            "; {} passed after retries",
            count(totals.passed_after_retries.into())
        ),
    };
    format!("{said}{after}.")
}

/// What a clean run still allows: `With 3 rounds each, crash rates up to 63% cannot be ruled out
/// (95%).`
fn bound(view: &View) -> Option<String> {
    let totals = &view.totals;
    let all_passed = totals.outcomes.get(Outcome::Passed) == totals.first_attempt.n;
    if !all_passed || !view.run.complete || !view.run.bad.contains(Outcome::Crashed) {
        return None;
    }
    let all: Vec<(u32, f64)> = units(view)
        .filter_map(|(_, results)| {
            let n = results.first_attempt.n;
            Some((n, known(0, n, results.optional_stopping)?.interval.hi))
        })
        .collect();
    let least = all.iter().min_by_key(|(n, _)| *n)?;
    let most = all.iter().max_by_key(|(n, _)| *n)?;
    let percent = |share: f64| format!("{}%", points(share));
    let each = if all.len() > 1 { " each" } else { "" };
    Some(match least.0 == most.0 {
        true => format!(
            "With {}{each}, crash rates up to {} cannot be ruled out (95%).",
            plural(least.0, "round"),
            percent(least.1)
        ),
        false => format!(
            "With {} to {}{each}, crash rates up to {} (of the most rounds) and {} (of the \
             fewest) cannot be ruled out \
             (95%).",
            count(least.0.into()),
            plural(most.0, "round"),
            percent(most.1),
            percent(least.1)
        ),
    })
}

/// Units that are named before the rest are counted.
const NAMED: usize = 3;

/// Which units did not pass, and how often, the worst first.
fn not_passed(source: &Source) -> Vec<String> {
    let mut all: Vec<(u32, String)> = source
        .view
        .unit_results()
        .filter_map(|(key, results)| {
            let not = results.first_attempt.n.saturating_sub(results.passed());
            let words = endings(results)?;
            let name = name(source.view, key);
            let more = alone(source, key).or_else(|| interval(results));
            Some((not, format!("{name} {words}{}", more.unwrap_or_default())))
        })
        .collect();
    all.sort_by_key(|(not, _)| std::cmp::Reverse(*not));
    let left = all.len().saturating_sub(NAMED);
    let mut lines: Vec<_> = all.into_iter().take(NAMED).map(|(_, line)| line).collect();
    if left > 0 {
        lines.push(format!("{} more did not pass", count(left as u64)));
    }
    lines
}

/// The mode is named where it is needed to tell units apart.
fn name(view: &View, (name, mode, variant): (&str, Mode, &str)) -> String {
    let mode = (mode == Mode::Isolated && !view.sequences.is_empty()).then_some(mode);
    of_unit(name, mode, variant)
}

/// How rounds ended that did not pass: `crashed in 2 and failed in 1 of 8 rounds`; nothing if all
/// passed.
pub(super) fn endings(results: &Results) -> Option<String> {
    let verb = |outcome: Outcome| match outcome {
        Outcome::Crashed => Some("crashed"),
        Outcome::Failed => Some("failed"),
        Outcome::TimedOut => Some("timed out"),
        Outcome::OutOfMemory => Some("ran out of memory"),
        _ => None,
    };
    let words: Vec<_> = results
        .outcomes
        .occurred()
        .filter_map(|(outcome, n)| Some(format!("{} in {}", verb(outcome)?, count(n.into()))))
        .collect();
    let rounds = plural(results.first_attempt.n, "round");
    (!words.is_empty()).then(|| format!("{} of {rounds}", words.join(" and ")))
}

/// The interval of a crash rate above 0: ` (95%: 5.4% to 13%)`.
fn interval(results: &Results) -> Option<String> {
    let Share { bad, n } = results.first_attempt;
    let interval = known(bad, n, results.optional_stopping)?.interval;
    let (lo, hi) = (points(interval.lo), points(interval.hi));
    (bad > 0).then(|| format!(" (95%: {lo}% to {hi}%)"))
}

/// The chapters of a sequence alone: `; its chapters alone in 0 of 8 (p = 0.0005)`.
fn alone(source: &Source, (name, mode, variant): (&str, Mode, &str)) -> Option<String> {
    if mode != Mode::Sequential {
        return None;
    }
    let all = source
        .view
        .comparisons()
        .iter()
        .find(|all| all.what == What::Within(Axis::Mode))?;
    let whole = |one: &&Compared| {
        one.chapter.is_none()
            && one.sequence.as_deref() == Some(name)
            && one.variant.as_deref() == Some(variant)
    };
    let one = all.list.iter().find(whole)?;
    let Share { bad, n } = one.sides[0].share;
    let p = match &one.evidence {
        Evidence::Fixed(test) if one.doubt.is_none() => format!(" (p = {})", p_value(test.p)),
        _ => String::new(),
    };
    let (bad, of) = (count(bad.into()), count(n.into()));
    (n > 0).then(|| format!("; its chapters alone in {bad} of {of}{p}"))
}
