//! The search for the commit that raised a crash rate: its answer, and what was run at each commit.

mod tables;

use crashrate_model::{BisectAnswer, Bisected, BisectedPair};
use crashrate_stats::{Counts, fisher_exact};

use super::unfinished::unfinished;
use crate::clean::{NAME, SENTENCE, WHOLE, clean};
use crate::compare::e_value;
use crate::view::{Bisection, OptionalStopping, Share, View};
use crate::words::{count, date, interval_words, joined, percent_of, plural};
pub(super) use tables::{commits, heading, rise};

/// The most suspects, and the most other signatures, that a sentence names.
const NAMED: usize = 3;

/// The answer in sentences, or how far the search is.
pub(super) fn in_words(view: &View, search: &Bisection) -> Vec<String> {
    let found = search.found.as_ref();
    let mut lines = match (found, search.rise()) {
        (Some(found), Some(rise)) => risen(search, found, rise),
        (Some(found), None) => open(view, search, found),
        (None, _) => Vec::new(),
    };
    lines.push(format!(
        "{} in {} and {}.",
        match search.rise() {
            Some(_) => "Found",
            None => "Searched",
        },
        plural(view.totals.first_attempt.n, "round"),
        plural(search.builds(), "build")
    ));
    lines.extend(signatures(search));
    if search.answer().is_none() {
        lines.extend(unfinished(view, "bisect"));
    }
    lines
}

fn risen(search: &Bisection, found: &Bisected, rise @ [first, last]: [u32; 2]) -> Vec<String> {
    let mut lines = vec![match first == last {
        true => format!("{} raised the crash rate.", named(search, first)),
        false => format!(
            "One of {} raised the crash rate: {} to {}. None in between can be tested.",
            many(search, last - first + 1),
            named(search, first),
            named(search, last)
        ),
    }];
    if found.several {
        lines.push(
            "The crash comes and goes: this is one change of several, not the only one.".to_owned(),
        );
    }
    let [before, after] = search.sides(rise).map(of);
    lines.push(format!(
        "Crashed before it in {before}, and from it on in {after}."
    ));
    if let Some(pair) = &found.suspect {
        lines.push(format!("{}.", of_pair(search, pair, "in turn")));
    }
    lines.push(format!(
        "The answer is wrong with a probability of at most {}.",
        percent_of(search.rule.error)
    ));
    lines
}

/// What is known without a commit.
fn open(view: &View, search: &Bisection, found: &Bisected) -> Vec<String> {
    let ends = || of_pair(search, &found.ends, "in turn");
    match &found.answer {
        Some(BisectAnswer::EndsAlike) => {
            let pairs = found.ends.rounds[0];
            if is_swapped(&found.ends) {
                return vec![
                    format!("The good end crashes more often: {}.", ends()),
                    format!(
                        "Swap --good and --bad to find the {} that lowered the rate.",
                        search.noun()
                    ),
                ];
            }
            vec![
                format!("No change shown between the two ends: {}.", ends()),
                format!(
                    "A smaller difference may have been missed; more pairs show it (--pairs, now \
                     {}).",
                    count(pairs)
                ),
            ]
        }
        Some(BisectAnswer::NoChange) => vec![format!(
            "No {} is shown to have changed the rate, though the ends differ: {}.",
            search.noun(),
            ends()
        )],
        Some(BisectAnswer::EndUntestable { commit }) => untestable(view, search, *commit),
        Some(BisectAnswer::Rise { .. }) => Vec::new(),
        None => so_far(search, found),
    }
}

/// Why an end cannot be tested.
fn untestable(view: &View, search: &Bisection, commit: u32) -> Vec<String> {
    let seen = search.commits.iter().find(|seen| seen.index == commit);
    let problem = seen.and_then(|seen| seen.problem.as_deref());
    let problem = problem.unwrap_or("most of its rounds end in another way");
    let first = problem.lines().next().unwrap_or_default();
    let mut lines = vec![format!(
        "{} is an end of the history and cannot be tested: {}.",
        named(search, commit),
        clean(first, SENTENCE)
    )];
    let is_built = seen.is_some_and(|seen| seen.is_built);
    let last = problem.lines().last().filter(|_| !is_built);
    if let Some(place) = last.and_then(|last| last.trim().strip_prefix("ran in ")) {
        lines.push(format!("The build ran in {}.", clean(place, WHOLE)));
    }
    if !is_built && !view.run.state.is_running() {
        lines.push(format!(
            "Once it can be built, `crashrate bisect --resume {}` continues.",
            view.run.number
        ));
    }
    lines
}

fn so_far(search: &Bisection, found: &Bisected) -> Vec<String> {
    let mut lines = Vec::new();
    if found.ends.rounds[0] > 0 {
        lines.push(format!("{}.", of_pair(search, &found.ends, "in turn")));
    }
    let in_question = found
        .confidence
        .iter()
        .map(|[first, last]| last - first + 1);
    let in_question: u32 = in_question.sum();
    if let (Some([first, _]), Some([_, last])) = (found.confidence.first(), found.confidence.last())
    {
        lines.push(format!(
            "Of {}, {} can still be the one (95%), between {} and {}.",
            many(search, search.labels.len() as u32 - 1),
            count(in_question.into()),
            named(search, *first),
            named(search, *last)
        ));
    }
    let mut ranges: Vec<_> = found.posterior.iter().collect();
    ranges.sort_by(|one, two| two.probability.total_cmp(&one.probability));
    let suspects = ranges
        .iter()
        .filter(|range| range.first == range.last)
        .take(NAMED);
    let suspects = suspects.map(|range| {
        format!(
            "{} ({})",
            label(search, range.first),
            percent_of(range.probability)
        )
    });
    lines.extend(joined(suspects, ", ").map(|all| format!("Most probable: {all}.")));
    lines
}

/// Whether the end that is called good is shown to crash more often.
fn is_swapped(ends: &BisectedPair) -> bool {
    let counts = |side: usize| Counts::new(ends.deaths[side], ends.rounds[side]);
    let (Ok(good), Ok(bad)) = (counts(0), counts(1)) else {
        return false;
    };
    /// The error of saying so.
    const ALPHA: f64 = 0.01;
    fisher_exact(good, bad).greater < ALPHA
}

/// The rounds of two commits that were run in turn.
fn of_pair(search: &Bisection, pair: &BisectedPair, how: &str) -> String {
    let crashed = |side: usize| {
        let label = label(search, pair.commits[side]);
        let (deaths, rounds) = (count(pair.deaths[side]), count(pair.rounds[side]));
        format!("{label} crashed in {deaths} of {rounds} rounds")
    };
    format!(
        "Run {how}, {} and {} (evidence {}:1, {} needed)",
        crashed(1),
        crashed(0),
        e_value(pair.ln_e),
        e_value(pair.ln_needed)
    )
}

/// `4 of 120 rounds (95%: 1.0% to 9%)`.
fn of(of: Share) -> String {
    // The data decided the number of rounds.
    let interval = interval_words(of, OptionalStopping::Possible).unwrap_or_default();
    format!(
        "{} of {}{interval}",
        count(of.bad.into()),
        plural(of.n, "round")
    )
}

/// The signature that was searched, and how often others were seen.
fn signatures(search: &Bisection) -> Vec<String> {
    let Some(target) = &search.target else {
        return vec!["No round at the bad end crashed often enough with one signature.".to_owned()];
    };
    let mut lines = vec![format!(
        "The signature searched: `{}`.",
        clean(target, SENTENCE)
    )];
    let others = search
        .signatures
        .iter()
        .filter(|(other, _)| !other.contains(target));
    let others = others.take(NAMED);
    let others =
        others.map(|(other, n)| format!("`{}` ({}x)", clean(other, SENTENCE), count((*n).into())));
    let others = joined(others, ", ");
    lines.extend(others.map(|all| format!("Others, which counted neither way: {all}.")));
    lines
}

/// `12 commits`, `1 version`.
fn many(search: &Bisection, n: u32) -> String {
    plural(n, search.noun())
}

fn label(search: &Bisection, index: u32) -> String {
    format!("`{}`", clean(search.label(index), NAME))
}

/// A commit with its date and its subject.
fn named(search: &Bisection, index: u32) -> String {
    let label = label(search, index);
    let Some(point) = search.rule.points.get(index as usize) else {
        return label;
    };
    let date = point
        .date
        .as_deref()
        .map(|time| format!(" of {}", date(time)));
    let subject = point
        .subject
        .as_deref()
        .map(|text| format!(", \"{}\"", clean(text, SENTENCE)));
    format!(
        "{label}{}{}",
        date.unwrap_or_default(),
        subject.unwrap_or_default()
    )
}
