//! The result of a run in a word and a few sentences: what every report begins with.

use std::cmp::Reverse;

use crashrate_model::{Axis, Mode, Outcome, StopReason};
use crashrate_stats::GateVerdict;

use super::sides::{is_decided, sides};
use super::{Block, Tone, Verdict, bisection, devices, provocation, search};
use crate::clean::{NAME, clean};
use crate::compare::{Compared, What, p_words};
use crate::view::{ExitClass, Judgement, Results, Share, View, exit_class};
use crate::words::{
    count, counts, first_lines, flaky, interval_words, joined, known, leading, missing_words,
    of_unit, plural, points, seconds, stop_note,
};

/// `story · cpu · 15 rounds in 18.7 s · run 1`.
pub(super) fn title(view: &View) -> String {
    let (run, totals) = (&view.run, &view.totals);
    let mut title = clean(&run.suite, NAME);
    // Plain commands do not report a device.
    if run.device != "auto" {
        title += &format!(" · {}", clean(&run.device, NAME));
    }
    title += " · ";
    title += &match run.state.is_running() || !run.complete {
        false => plural(totals.first_attempt.n, "round"),
        true => format!(
            "{} of {}",
            count(totals.first_attempt.n.into()),
            plural(totals.planned, "round")
        ),
    };
    if let Some(secs) = run.secs {
        title += &format!(" in {}", seconds(secs));
    }
    if let Some(merged) = &run.merged {
        title += &format!(" · {}", plural(merged.count, "shard"));
    }
    if let Some(shard) = run.shard {
        title += &format!(" · shard {shard}");
    }
    if let Some(jobs @ 2..) = run.jobs {
        let runs = run.merged.iter().flat_map(|merged| &merged.shards);
        let mut runs = runs.flat_map(|shard| &shard.each);
        let most = match runs.any(|run| run.jobs != jobs) {
            true => "up to ",
            false => "",
        };
        title += &format!(" · {most}{jobs} at a time");
    }
    let kind = match run.imported {
        Some(_) => "report",
        None => "run",
    };
    format!("{title} · {kind} {}", run.number)
}

/// Of a running run, its counts first: `12/40 · 2 bad · story`.
pub(super) fn tab(view: &View) -> Option<String> {
    if !view.run.state.is_running() {
        return None;
    }
    let Share { bad, n } = view.totals.first_attempt;
    let bad = match bad {
        0 => String::new(),
        bad => format!(" · {} bad", count(bad.into())),
    };
    let planned = count(view.totals.planned.into());
    let suite = clean(&view.run.suite, NAME);
    Some(format!("{}/{planned}{bad} · {suite}", count(n.into())))
}

/// When the run started, its seed and its id.
pub(super) fn facts(view: &View) -> String {
    let run = &view.run;
    let seed = (run.seed).map_or_else(String::new, |seed| format!(", seed {seed}"));
    let (started, id) = (clean(&run.started, NAME), clean(&run.id, NAME));
    format!("started {started}{seed}, run {id}")
}

/// The verdict, and what bears on everything below it.
pub(super) fn verdict(view: &View) -> Vec<Block> {
    let verdict = Block::Verdict(in_words(view));
    let warnings = leading(view).into_iter().chain(flaky(view));
    [verdict]
        .into_iter()
        .chain(warnings.map(Block::warning))
        .collect()
}

/// The result of the run.
pub(crate) fn in_words(view: &View) -> Verdict {
    let (word, tone) = status(view);
    let lines = match (&view.search, &view.bisection, &view.provocation) {
        (Some(search), ..) => search::in_words(view, search),
        (_, Some(search), _) => bisection::in_words(view, search),
        (.., Some(search)) => provocation::in_words(view, search),
        (None, None, None) => of_rounds(view, tone),
    };
    Verdict { word, tone, lines }
}

/// How the rounds ended.
fn of_rounds(view: &View, tone: Tone) -> Vec<String> {
    let decided = sides(view);
    let mut lines = match decided.is_empty() {
        true => not_passed(view),
        false => Vec::new(),
    };
    // Failures come first, unless retries or gates make up for them.
    let place = match tone {
        Tone::Good => 0,
        _ => lines.len(),
    };
    lines.insert(place, progress(view));
    lines.splice(0..0, decided);
    lines.extend(gates(view));
    if is_judged_merged(view) {
        lines.push("Only the merged run is judged.".to_owned());
    }
    lines.extend(devices::failed(view));
    lines.extend(stop_note(view));
    lines.extend(bound(view));
    lines
}

fn status(view: &View) -> (&'static str, Tone) {
    if view.run.state.is_running() {
        return match view.pace.ending {
            None => ("RUNNING", Tone::Plain),
            Some(_) => ("STOPPING", Tone::Doubtful),
        };
    }
    match exit_class(view) {
        ExitClass::Passed if is_judged_merged(view) => ("DONE", Tone::Plain),
        ExitClass::Passed if view.is_search() => ("FOUND", Tone::Good),
        ExitClass::Passed | ExitClass::NotPassed if is_decided(view) => ("DECIDED", Tone::Good),
        ExitClass::Passed => ("PASS", Tone::Good),
        ExitClass::NotPassed | ExitClass::Refuted => ("FAIL", Tone::Bad),
        ExitClass::Undecided => ("UNDECIDED", Tone::Doubtful),
        ExitClass::Incomplete => ("INCOMPLETE", Tone::Doubtful),
    }
}

/// Whether this is a shard whose own rounds do not show what the run is about. One machine alone
/// refutes nothing.
fn is_judged_merged(view: &View) -> bool {
    let verdict = view.judgement();
    view.run.shard.is_some() && matches!(verdict, Judgement::Refuted | Judgement::Undecided)
}

/// How many gates have each verdict.
fn gates(view: &View) -> Option<String> {
    let with = |verdict| view.gates.iter().filter(|g| g.verdict() == verdict).count();
    let kinds = [
        (with(GateVerdict::Below), "passed"),
        (with(GateVerdict::Above), "refuted"),
        (with(GateVerdict::Undecided), "undecided"),
    ];
    let words = counts(kinds.map(|(n, word)| (n as u64, word)));
    Some(format!("Gates: {}.", joined(words, ", ")?))
}

/// How many rounds passed: `15 of 15 rounds passed.`
fn progress(view: &View) -> String {
    let (run, totals) = (&view.run, &view.totals);
    let (n, planned) = (totals.first_attempt.n, totals.planned);
    if planned == 0
        && let Some(shard) = run.shard
    {
        return format!(
            "Nothing was run: shard {shard} has no block, because the plan has fewer blocks than \
             shards."
        );
    }
    if planned == 0 {
        return "No rounds were planned.".to_owned();
    }
    let skipped = totals.outcomes.get(Outcome::Skipped);
    if n == 0 && skipped > 0 {
        return format!("All {} were skipped.", plural(skipped, "round"));
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
        (false, true) if n + skipped == planned => format!("{passed} of {ended} passed"),
        (false, true) => {
            let why = match run.stopped {
                Some(StopReason::TimeBudget) => "Time limit reached after",
                Some(StopReason::Decided) => "Decided after",
                _ => "Stopped after",
            };
            format!("{why} {ended}; {passed} passed")
        }
    };
    let first = totals.outcomes.get(Outcome::Passed);
    let retried = totals.passed_after_retries.saturating_sub(first);
    let after = match run.retries {
        None | Some(0) => String::new(),
        _ if first == n => String::new(),
        _ if retried == 0 => "; no retry passed".to_owned(),
        _ => format!("; {} more passed on a retry", count(retried.into())),
    };
    let skipped = match skipped {
        0 => String::new(),
        n => format!("; {} skipped", count(n.into())),
    };
    format!("{said}{after}{skipped}{}.", run_again(view))
}

/// How many rounds were run again because their first attempts have no results. A second result
/// does not replace the first.
fn run_again(view: &View) -> String {
    let all = view.unit_results();
    let again = all.map(|(_, results)| results.lost_and_run_again());
    match again.sum::<u32>() {
        0 => String::new(),
        n => format!(
            "; {} run again, because the first attempt has no result",
            count(n.into())
        ),
    }
}

/// What a clean run still allows: `With 3 rounds each, crash rates up to 63% cannot be ruled out
/// (95%).`
fn bound(view: &View) -> Option<String> {
    let totals = &view.totals;
    let all_passed = totals.outcomes.get(Outcome::Passed) == totals.first_attempt.n;
    if !all_passed || !view.run.complete || !view.run.bad.contains(Outcome::Crashed) {
        return None;
    }
    // The test of a gate shows a lower rate than the bound, which holds for all rates at once.
    let has_gate = |unit: (&str, Mode, &str)| {
        view.gates_of(unit).any(|seen| {
            let counted = seen.gate.limit.outcome;
            seen.verdict() == GateVerdict::Below
                && counted.is_none_or(|one| one == Outcome::Crashed)
        })
    };
    let (gated, others): (Vec<_>, Vec<_>) =
        view.unit_results().partition(|(key, _)| has_gate(*key));
    let with = match gated.is_empty() {
        true => "With",
        false => "Units without a gate: with",
    };
    let bounds = others.into_iter().filter_map(|(_, results)| {
        let n = results.first_attempt.n;
        Some((n, known(0, n, results.optional_stopping)?.interval.hi))
    });
    let all: Vec<(u32, f64)> = bounds.collect();
    let (fewest, highest) = all.iter().min_by_key(|(n, _)| *n)?;
    let (most, lowest) = all.iter().max_by_key(|(n, _)| *n)?;
    let [highest, lowest] = [highest, lowest].map(|share| format!("{}%", points(*share)));
    let each = if all.len() > 1 { " each" } else { "" };
    let rounds = plural(*most, "round");
    Some(match fewest == most {
        true => {
            format!("{with} {rounds}{each}, crash rates up to {highest} cannot be ruled out (95%).")
        }
        false => format!(
            "{with} {} to {rounds}{each}, crash rates up to {highest} (fewest rounds) or {lowest} \
             (most rounds) cannot be ruled out (95%).",
            count((*fewest).into())
        ),
    })
}

/// Units that are named before the rest are counted.
const NAMED: usize = 3;

/// Which units did not pass, and how often, the worst first.
fn not_passed(view: &View) -> Vec<String> {
    let all = view.unit_results().filter_map(|(key, results)| {
        let not = results.first_attempt.n.saturating_sub(results.passed());
        let words = endings(results)?;
        let name = name(view, key);
        // The comparison counts bad rounds, and not those that only failed.
        let bad = results.first_attempt.bad;
        let alone = (bad > 0).then(|| alone(view, key)).flatten();
        // The rounds of the shards that are left are no sample of all.
        let missing = (view.machines.as_ref().filter(|all| all.missing_blocks > 0))
            .and_then(|_| missing_words(results));
        let interval = || interval_words(results.first_attempt, results.optional_stopping);
        let more = missing.or(alone).or_else(interval);
        Some((not, format!("{name} {words}{}", more.unwrap_or_default())))
    });
    let mut all: Vec<(u32, String)> = all.collect();
    all.sort_by_key(|(not, _)| Reverse(*not));
    let lines: Vec<String> = all.into_iter().map(|(_, line)| line).collect();
    let noun = match (view.chapters.is_empty(), view.sequences.is_empty()) {
        (_, true) => "chapter",
        (true, _) => "sequence",
        _ => "unit",
    };
    let ending = if lines.len() == NAMED + 1 { "" } else { "s" };
    first_lines(lines, NAMED, &format!("more {noun}{ending} did not pass"))
}

/// The mode is named where it is needed to tell units apart.
fn name(view: &View, (name, mode, variant): (&str, Mode, &str)) -> String {
    let mode = (mode == Mode::Isolated && !view.sequences.is_empty()).then_some(mode);
    of_unit(name, mode, variant)
}

/// How rounds ended that did not pass: `crashed in 2 and failed in 1 of 8 rounds`; nothing if all
/// passed.
fn endings(results: &Results) -> Option<String> {
    let verb = |outcome: Outcome| match outcome {
        Outcome::Crashed => Some("crashed"),
        Outcome::Failed => Some("failed"),
        Outcome::TimedOut => Some("timed out"),
        Outcome::OutOfMemory => Some("ran out of memory"),
        _ => None,
    };
    let words = results
        .outcomes
        .occurred()
        .filter_map(|(outcome, n)| Some(format!("{} in {}", verb(outcome)?, count(n.into()))));
    let rounds = plural(results.first_attempt.n, "round");
    Some(format!("{} of {rounds}", joined(words, " and ")?))
}

/// The chapters of a sequence alone: `; its chapters alone in 0 of 8 (p = 0.0005)`.
fn alone(view: &View, (name, mode, variant): (&str, Mode, &str)) -> Option<String> {
    if mode != Mode::Sequential {
        return None;
    }
    let mut all = view.comparisons().iter();
    let all = all.find(|all| all.what == What::Within(Axis::Mode))?;
    let whole = |one: &&Compared| {
        one.chapter.is_none()
            && one.sequence.as_deref() == Some(name)
            && one.variant.as_deref() == Some(variant)
    };
    let one = all.list.iter().find(whole)?;
    let Share { bad, n } = one.sides[0].share;
    let p = match one.doubt {
        None => p_words(one),
        Some(_) => String::new(),
    };
    let (bad, of) = (count(bad.into()), count(n.into()));
    (n > 0).then(|| format!("; its chapters alone in {bad} of {of}{p}"))
}
