//! What a reader must know before believing a rate. It follows the verdict of every report.

use crashrate_model::{EvidenceMode, Mode, Outcome, StopReason, Stopping};
use crashrate_stats::{GateVerdict, Independence, Pattern};

use super::estimates::p_value;
use super::fault::fault;
use super::machines::{bounded, commits, machine_differences, missing_blocks, shard_list};
use super::names::{of_unit, units, units_and_chapters};
use super::numbers::{count, first_lines, joined, plural, share};
use crate::clean::{NAME, SENTENCE, WHOLE, clean};
use crate::view::{BuildFacts, Exposure, GateSeen, Results, View};

/// Where the run is from, its fault, doubts about its rates, and crashes that its outcomes do not
/// show.
pub(crate) fn leading(view: &View) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(imported(view).map(|from| format!("{from}.")));
    lines.extend(fault(view));
    lines.extend(doubts(view));
    lines.extend(of_descendants(view));
    lines
}

/// The report that the run was imported from, if it was.
pub(crate) fn imported(view: &View) -> Option<String> {
    let file = clean(&view.run.imported.as_ref()?.file, SENTENCE);
    Some(format!("Imported from {file}, not measured by crashrate"))
}

/// Which units passed only on a retry, and in which rounds; nothing if none did.
pub(crate) fn flaky(view: &View) -> Option<String> {
    let names = view
        .unit_results()
        .filter_map(|((name, mode, variant), results)| {
            let rounds = flaky_rounds(results)?;
            let mode = Some(mode).filter(|mode| *mode == Mode::Isolated);
            Some(format!("{} {rounds}", of_unit(name, mode, variant)))
        });
    let names = joined(names, "; ")?;
    Some(format!("Flaky, passed only on a retry: {names}."))
}

fn flaky_rounds(results: &Results) -> Option<String> {
    const SHOWN: usize = 10;
    let flaky = &results.flaky_rounds;
    let numbers = joined(flaky.iter().take(SHOWN).map(u32::to_string), ", ")?;
    let word = if flaky.len() == 1 { "round" } else { "rounds" };
    Some(match flaky.len().saturating_sub(SHOWN) {
        0 => format!("in {word} {numbers}"),
        more => format!("in {word} {numbers} and {} more", count(more as u64)),
    })
}

/// A sentence for each crash of a descendant.
fn of_descendants(view: &View) -> Vec<String> {
    const SHOWN: usize = 5;
    let mut sentences = Vec::new();
    for row in &view.crashes {
        let signature = clean(&row.signature, SENTENCE);
        for place in &row.places {
            let Some(program) = &place.role.descendant else {
                continue;
            };
            let unit = of_unit(&place.name, Some(place.mode), &place.variant);
            let program = clean(program, NAME);
            let of = share(place.share.bad, place.share.n);
            let rounds = match place.role.in_evidence_rounds {
                true => format!("evidence rounds ({of}, not counted)"),
                false => format!("{of} rounds"),
            };
            sentences.push(format!(
                "{unit}: its descendant `{program}` crashed in {rounds}: {signature}."
            ));
        }
    }
    let others = format!("more such crashes: crashrate crashes {}", view.name);
    first_lines(sentences, SHOWN, &others)
}

/// Lost rounds with their bounds, clustered crashes, traced runs, and runs that stopped because of
/// their results.
pub(crate) fn doubts(view: &View) -> Vec<String> {
    let mut doubts: Vec<String> = match missing_blocks(view) {
        None => (units(view))
            .filter_map(|(name, results)| missing(&name, results))
            .collect(),
        Some(blocks) => of_shards(view, blocks),
    };
    doubts.extend(without_shards(view));
    doubts.extend(
        view.gates
            .iter()
            .filter_map(|gate| after_verdict(view, gate)),
    );
    doubts.extend(commits(view));
    doubts.extend(machine_differences(view));
    let clustered = units_and_chapters(view).filter(|(_, results)| results.is_clustered());
    doubts.extend(clustered.map(|(name, _)| {
        format!("{name}: bad rounds come in clusters or drift, so the interval is too narrow.")
    }));
    if view.run.evidence == EvidenceMode::Trace && view.totals.first_attempt.n > 0 {
        let caution = "Every attempt was traced, which can change how often races crash. Compare \
            this run only with traced runs.";
        doubts.push(caution.to_owned());
    }
    doubts.extend(same_program(view));
    doubts.extend(not_built(view));
    doubts.extend(bias(view));
    doubts
}

/// Rounds after the verdict of a gate whose rate contradicts it, such as those of a machine that began
/// later.
fn after_verdict(view: &View, seen: &GateSeen) -> Option<String> {
    let gate = &seen.gate;
    if seen.verdict() != GateVerdict::Below {
        return None;
    }
    let results = view.results_of(&gate.name, gate.mode, &gate.variant)?;
    let firsts = results.cells.iter().filter_map(|cell| cell.first);
    let counted = firsts.filter_map(|first| gate.limit.hits(first, &view.run.bad));
    let (mut bad, mut n) = (0_u64, 0_u64);
    for is_bad in counted {
        (bad, n) = (bad + u64::from(is_bad), n + 1);
    }
    let (seen_bad, seen_n) = seen.watch.seen();
    let (bad, n) = (bad.saturating_sub(seen_bad), n.saturating_sub(seen_n));
    let is_unlike = bad as f64 > gate.limit.below * n as f64;
    let name = of_unit(&gate.name, Some(gate.mode), &gate.variant);
    let what = gate.limit.outcome.map_or("bad", Outcome::word);
    is_unlike.then(|| {
        format!(
            "{name}: the verdict of `{}` does not count what came after it: {} of {} {what}.",
            gate.limit,
            count(bad),
            plural(n as u32, "round")
        )
    })
}

/// Shards of which a merged run has nothing, although its stopping rule has decided.
fn without_shards(view: &View) -> Option<String> {
    let machines = view.machines.as_ref().filter(|_| view.run.complete)?;
    let missing = &machines.missing_shards;
    (!missing.is_empty()).then(|| {
        let shards = shard_list(missing.iter().copied());
        format!("Decided without results of {shards}.")
    })
}

/// What is missing of a merged run, with the bounds that it allows.
fn of_shards(view: &View, blocks: String) -> Vec<String> {
    const SHOWN: usize = 5;
    let all = units(view).filter_map(|(name, results)| {
        let again = results.lost_and_run_again();
        Some((name, results.bounds?, again))
    });
    let all: Vec<_> = all.collect();
    if let [(_, bounds, _)] = all.as_slice() {
        return vec![format!("{blocks}: {}.", bounded(*bounds))];
    }
    let units = all.iter().map(|(name, bounds, again)| {
        let missing = plural(bounds.missing.saturating_sub(*again), "round");
        let again = match again {
            0 => String::new(),
            n => format!(" and {} lost and run again", count((*n).into())),
        };
        format!("{name}: {missing} missing{again}: {}.", bounded(*bounds))
    });
    let others = match all.len() - SHOWN.min(all.len()) {
        1 => "more unit has missing rounds",
        _ => "more units have missing rounds",
    };
    let units = first_lines(units.collect(), SHOWN, others);
    std::iter::once(format!("{blocks}.")).chain(units).collect()
}

/// Builds that failed, where each is needed.
fn not_built(view: &View) -> Vec<String> {
    let failed = view.run.builds.iter().filter(|_| !view.is_search());
    let sentence = |build: &BuildFacts| {
        let problem = build.problem.as_ref()?;
        let first = problem.lines().next()?;
        // Where it ran, and its log.
        let last = problem.lines().skip(1).last();
        let place = last.map(|last| format!("; {}", clean(last.trim(), WHOLE)));
        let variant = clean(&build.variant, NAME);
        Some(format!(
            "{variant} could not be built: {}{}.",
            clean(first, SENTENCE),
            place.unwrap_or_default()
        ))
    };
    failed.filter_map(sentence).collect()
}

/// Builds that should differ and do not.
fn same_program(view: &View) -> Option<String> {
    if view.is_search() {
        return None;
    }
    let builds = &view.run.builds;
    let [first, others @ ..] = builds.as_slice() else {
        return None;
    };
    first.program.as_ref()?;
    let is_same = !others.is_empty() && others.iter().all(|one| one.program == first.program);
    is_same.then(|| {
        "All builds made the same program, byte for byte: no difference can come from it."
            .to_owned()
    })
}

/// `a (isolated): 4 results lost; the crash rate is between 0/20 and 4/20.`
fn missing(name: &str, results: &Results) -> Option<String> {
    let bounds = results.bounds?;
    let n = |outcome| results.outcomes.get(outcome);
    let what = match bounds.missing {
        all if n(Outcome::NotStarted) == all => format!("{} could not start", plural(all, "round")),
        all if n(Outcome::Lost) == all => format!("{} lost", plural(all, "result")),
        all => {
            let kinds = [
                (Outcome::Lost, "lost"),
                (Outcome::Interrupted, "interrupted"),
                (Outcome::NotStarted, "not started"),
            ];
            let kinds = kinds.into_iter().filter(|(outcome, _)| n(*outcome) > 0);
            let missing = format!("{} missing", plural(all, "result"));
            match joined(kinds.map(|(_, word)| word.to_owned()), ", ") {
                None => missing,
                Some(kinds) => format!("{missing} ({kinds})"),
            }
        }
    };
    let again = match results.run_again.sum() {
        0 => "",
        _ => ", and run again",
    };
    let [best, worst] = [bounds.best, bounds.worst].map(|of| share(of.bad, of.n));
    Some(format!(
        "{name}: {what}{again}; the crash rate is between {best} and {worst}."
    ))
}

/// The bias of a run that stopped because of its results.
fn bias(view: &View) -> Option<String> {
    let run = &view.run;
    if run.state.is_running() || run.imported.is_some() || view.totals.first_attempt.n == 0 {
        return None;
    }
    let bias = match (run.stopped?, &run.stopping) {
        (StopReason::MaxFailures, _) | (StopReason::Decided, Stopping::FirstBad) => {
            "The run stopped when rounds did not pass, so their rate is too high on average."
                .to_owned()
        }
        (StopReason::Decided, Stopping::Gates(_)) => of_gates(view)?,
        (StopReason::Decided, _) => {
            let mut watches = view.pairs.iter().flat_map(|seen| &seen.contrasts);
            watches.find(|(_, watch)| watch.is_decided())?;
            "The run stopped when the difference was shown, so that difference is too large on \
             average."
                .to_owned()
        }
        (StopReason::TimeBudget, _) => of_time(view)?,
        (StopReason::Interrupted, _) => {
            "If the run was stopped because of its results, the rates are biased.".to_owned()
        }
        _ => return None,
    };
    Some(format!("{bias} The intervals are valid."))
}

fn of_gates(view: &View) -> Option<String> {
    let verdicts: Vec<_> = view.gates.iter().map(|gate| gate.watch.verdict()).collect();
    let has = |verdict| verdicts.contains(&verdict);
    let text = match (has(GateVerdict::Below), has(GateVerdict::Above)) {
        (true, false) => "too low",
        (false, true) => "too high",
        (true, true) => "too low for gates that passed and too high for the others",
        (false, false) => return None,
    };
    Some(format!(
        "The run stopped at the verdicts of its gates, so rates are {text} on average."
    ))
}

/// A time limit favours short rounds.
fn of_time(view: &View) -> Option<String> {
    let mut all = Exposure::default();
    for (_, results) in units(view) {
        all.secs += results.exposure.secs;
        all.n += results.exposure.n;
        all.bad_secs += results.exposure.bad_secs;
        all.bad += results.exposure.bad;
    }
    if all.bad == 0 || all.bad == all.n {
        return None;
    }
    let bad = all.bad_secs / f64::from(all.bad);
    let good = (all.secs - all.bad_secs) / f64::from(all.n - all.bad);
    /// Below this ratio of their times the bias is negligible.
    const WORTH: f64 = 1.5;
    let (than, where_to) = match (bad > WORTH * good, good > WORTH * bad) {
        (true, _) => ("longer", "too high"),
        (_, true) => ("less time", "too low"),
        _ => return None,
    };
    Some(format!(
        "The run had a time limit and bad rounds take {than} than other rounds, so the crash \
         rate is {where_to} on average."
    ))
}

/// Whether bad rounds cluster or drift, since every interval assumes independent rounds: a line for
/// each unit and each chapter of a sequence that has enough bad rounds and others to
/// test.
pub(crate) fn independence(view: &View) -> Vec<String> {
    let sentences = units_and_chapters(view).filter_map(|(name, results)| {
        let tested = results.independence?;
        Some(format!("{name}: {}", tests(&tested)))
    });
    sentences.collect()
}

fn tests(tested: &Independence) -> String {
    let p = format!(
        "runs test p = {}, trend test p = {}",
        p_value(tested.runs.two_sided),
        p_value(tested.trend.p)
    );
    let text = match tested.pattern {
        Pattern::Independent => "no clustering or drift detected",
        Pattern::Clustered => {
            "bad rounds come in clusters, so intervals and tests that assume independent rounds \
             are too narrow"
        }
        Pattern::Drifting => {
            "the rate of bad rounds drifts over the run, so there is no single rate to estimate"
        }
        Pattern::Alternating => "bad rounds and others alternate more often than chance explains",
    };
    format!("{text} ({p})")
}

/// The word for it in JSON.
pub(crate) fn pattern(pattern: Pattern) -> &'static str {
    match pattern {
        Pattern::Independent => "independent",
        Pattern::Clustered => "clustered",
        Pattern::Drifting => "drifting",
        Pattern::Alternating => "alternating",
    }
}
