//! What the comparisons of a run show: a line each in the summary, all of them with their numbers
//! in full.

use crashrate_model::{Axis, Level, Stopping};

use super::source::Source;
use super::{Block, Detail, Document, Section};
use crate::clean::{NAME, SENTENCE, clean};
use crate::compare::{
    Compared, Comparisons, Evidence, What, cautions, gates, intro, lines, shown, verdict,
};
use crate::view::{OptionalStopping, View};
use crate::words::{count, p_value, recommendations, short_estimate};

/// Differences, gates, findings and recommendations in the summary.
const SHOWN: usize = 5;

/// What the run shows, a line each.
pub(super) fn conclusions(source: &Source) -> Vec<Block> {
    let view = source.view;
    let mut blocks = Vec::new();
    let lines = source
        .view
        .comparisons()
        .iter()
        .flat_map(|all| in_short(view, all));
    blocks.extend(lines.map(Block::line));
    blocks.extend(some(gates(view), "gates").into_iter().map(Block::line));
    blocks.extend(against_baseline(source).into_iter().map(Block::line));
    let advice = recommendations(view).into_iter();
    let advice = advice.map(|advice| format!("Recommendation: {advice}"));
    let advice = some(advice.collect(), "recommendations");
    blocks.extend(advice.into_iter().map(Block::line));
    blocks.extend(
        some(warnings(view), "warnings")
            .into_iter()
            .map(Block::warning),
    );
    blocks
}

/// The first lines, and how many more there are.
fn some(mut lines: Vec<String>, what: &str) -> Vec<String> {
    let left = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    if left > 0 {
        lines.push(format!("{} more {what}", count(left as u64)));
    }
    lines
}

/// `Isolated v in sequence: too few rounds to tell (about 92 each; or --until decided)`.
fn in_short(view: &View, all: &Comparisons) -> Vec<String> {
    let sides = match all.what {
        What::Within(Axis::Mode) => "Isolated v in sequence".to_owned(),
        What::Within(Axis::Spawn) => "Executed v forked".to_owned(),
        _ => of_variants(all),
    };
    if all.list.iter().any(Compared::differs) {
        let lines = some(shown(all), "differences");
        return lines
            .into_iter()
            .map(|line| format!("{sides}: {line}"))
            .collect();
    }
    let primary: Vec<_> = all.list.iter().filter(|one| one.primary).collect();
    let needed = primary.iter().filter_map(|one| too_few(one)).max();
    let said = match (needed, primary.as_slice()) {
        (Some(needed), all) if all.iter().all(|one| too_few(one).is_some()) => {
            let or = match view.run.stopping {
                Stopping::FixedRounds => "; or --until decided",
                _ => "",
            };
            format!("too few rounds to tell (about {} each{or})", count(needed))
        }
        (_, [one]) => verdict(all, one),
        _ => format!(
            "none of {} comparisons shows a difference",
            count(all.list.len() as u64)
        ),
    };
    vec![format!("{sides}: {said}")]
}

/// The rounds per side that would do, if more rounds are all that is missing for a verdict.
fn too_few(one: &Compared) -> Option<u64> {
    let asks_more = match &one.evidence {
        Evidence::Fixed(test) => test.not_worse.is_some(),
        Evidence::Pairs { watch, .. } => watch.margin().is_some(),
        Evidence::Untested => true,
    };
    // Both sides are bad in the same blocks: something they share decides.
    let coincide = one
        .blocks
        .is_some_and(|b| b.both > 0 && b.only_one + b.only_two == 0);
    if asks_more || coincide || one.doubt.is_some() || one.is_prevented() {
        return None;
    }
    let plan = one.plan.as_ref().filter(|plan| plan.is_short())?;
    Some(plan.plan?.per_side)
}

/// `default v with-fix`, if all comparisons are of these two.
fn of_variants(all: &Comparisons) -> String {
    let labels = |one: &Compared| one.sides.each_ref().map(|side| clean(&side.label, NAME));
    let mut pairs = all.list.iter().map(labels);
    match pairs.next() {
        Some(first) if pairs.all(|pair| pair == first) => first.join(" v "),
        _ => "Variants".to_owned(),
    }
}

/// The run compared with its baseline, in short.
fn against_baseline(source: &Source) -> Vec<String> {
    let Some(beside) = source.view.beside_baseline() else {
        return Vec::new();
    };
    let whole = beside.rows.iter().filter(|row| row.chapter.is_none());
    let lines = whole.filter_map(|row| {
        let (then, now) = (row.baseline_in_sequence?, row.in_sequence?);
        let is_it = |one: &&Compared| one.chapter.is_none() && one.sequence == row.sequence;
        let p = beside
            .machine
            .list
            .iter()
            .find(is_it)
            .and_then(|one| match &one.evidence {
                Evidence::Fixed(test) => Some(format!(" (p = {})", p_value(test.p))),
                _ => None,
            });
        let name = clean(row.sequence.as_deref()?, SENTENCE);
        Some(format!(
            "Compared with report N={}: crash rate of {name} {} there, {} here{}",
            beside.number,
            short_estimate(then.bad, then.n, OptionalStopping::No),
            short_estimate(now.bad, now.n, source.view.run.optional_stopping()),
            p.unwrap_or_default()
        ))
    });
    lines.collect()
}

/// What makes measurements doubtful or impossible here.
fn warnings(view: &View) -> Vec<String> {
    let mut bad: Vec<_> = (view.run.findings.iter())
        .filter(|finding| finding.level != Level::Ok)
        .collect();
    bad.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    let line = |finding: &crashrate_model::Finding| {
        let level = match finding.level {
            Level::Blocker => "Blocker",
            _ => "Warning",
        };
        let advice = finding.advice.as_ref().map(|advice| format!("; {advice}"));
        let colon = match finding.found.starts_with(|c: char| c.is_ascii_digit()) {
            true => "",
            false => ":",
        };
        let text = format!(
            "{}{colon} {}{}",
            finding.name,
            finding.found,
            advice.unwrap_or_default()
        );
        format!("{level}: {}", clean(&text, SENTENCE))
    };
    bad.into_iter().map(line).collect()
}

/// Every comparison with its numbers.
pub(super) fn comparisons(source: &Source) -> Vec<Block> {
    source.view.comparisons().iter().flat_map(blocks).collect()
}

fn blocks(all: &Comparisons) -> Vec<Block> {
    let mut blocks = vec![Block::line(intro(all))];
    blocks.extend(Block::list(lines(all)));
    blocks.extend(cautions(all).into_iter().map(Block::line));
    blocks
}

/// Every gate.
pub(super) fn all_gates(source: &Source) -> Vec<Block> {
    Block::list(gates(source.view))
}

/// Comparisons as a document.
pub(crate) fn comparison_document(all: &Comparisons) -> Document {
    let section = |heading: &str, detail, blocks| Section {
        heading: heading.to_owned(),
        detail,
        blocks,
    };
    let warning = |text: &String| Block::warning(format!("Warning: {text}"));
    let warnings = all.warnings.iter().map(warning).collect();
    Document {
        title: "Comparison".to_owned(),
        facts: String::new(),
        sections: vec![
            section("", Detail::Headline, warnings),
            section("", Detail::Summary, blocks(all)),
        ],
    }
}
