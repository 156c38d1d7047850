//! What the comparisons of a run show: a line each in the summary, all of them with their numbers
//! in full.

use crashrate_model::{Axis, Finding, Level, Stopping};
use crashrate_stats::Blocks;

use super::environment::bad_findings;
use super::sides::compares_variants;
use super::{Block, Document, Section, Shown};
use crate::clean::{NAME, SENTENCE, clean};
use crate::compare::{
    Compared, Comparisons, Evidence, What, cautions, gates, intro, lines, p_words, shown, verdict,
};
use crate::view::{OptionalStopping, View};
use crate::words::{count, first_lines, recommendations, short_estimate};

/// Differences, gates, findings and recommendations in the summary.
const SHOWN: usize = 5;

/// What the run shows, a line each.
pub(super) fn conclusions(view: &View) -> Vec<Block> {
    let all = view.comparisons().iter();
    // The verdict has said it.
    let all = all.filter(|_| !compares_variants(view));
    let mut lines: Vec<_> = all.flat_map(|all| in_short(view, all)).collect();
    lines.extend(first_lines(gates(view), SHOWN, "more gates"));
    lines.extend(against_baseline(view));
    let advice = recommendations(view).into_iter();
    let advice = advice.map(|advice| format!("Recommendation: {advice}"));
    lines.extend(first_lines(advice.collect(), SHOWN, "more recommendations"));
    let warnings = bad_findings(view).into_iter().map(warning);
    let warnings = first_lines(warnings.collect(), SHOWN, "more warnings");
    let warnings = warnings.into_iter().map(Block::warning);
    lines.into_iter().map(Block::line).chain(warnings).collect()
}

/// `Isolated v in sequence: too few rounds to tell (about 92 each; or --until decided)`.
fn in_short(view: &View, all: &Comparisons) -> Vec<String> {
    let sides = match all.what {
        What::Within(Axis::Mode) => "Isolated v in sequence".to_owned(),
        What::Within(Axis::Spawn) => "Executed v forked".to_owned(),
        _ => of_variants(all),
    };
    if all.list.iter().any(Compared::differs) {
        let lines = first_lines(shown(all), SHOWN, "more differences").into_iter();
        return lines.map(|line| format!("{sides}: {line}")).collect();
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
    let coincide = |blocks: Blocks| blocks.both > 0 && blocks.only_one + blocks.only_two == 0;
    let coincide = one.blocks.is_some_and(coincide);
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
fn against_baseline(view: &View) -> Vec<String> {
    let Some(beside) = view.beside_baseline() else {
        return Vec::new();
    };
    let whole = beside.rows.iter().filter(|row| row.chapter.is_none());
    let lines = whole.filter_map(|row| {
        let (then, now) = (row.baseline_in_sequence?, row.in_sequence?);
        let is_it = |one: &&Compared| one.chapter.is_none() && one.sequence == row.sequence;
        let one = beside.machine.list.iter().find(is_it);
        let p = one.map_or_else(String::new, p_words);
        Some(format!(
            "Compared with report N={}: crash rate of {} {} there, {} here{p}",
            beside.number,
            clean(row.sequence.as_deref()?, SENTENCE),
            short_estimate(then, OptionalStopping::No),
            short_estimate(now, view.run.optional_stopping())
        ))
    });
    lines.collect()
}

/// What makes measurements doubtful or impossible here.
fn warning(finding: &Finding) -> String {
    let Finding { name, found, .. } = finding;
    let level = match finding.level {
        Level::Blocker => "Blocker",
        _ => "Warning",
    };
    let colon = match found.starts_with(|c: char| c.is_ascii_digit()) {
        true => "",
        false => ":",
    };
    let advice = finding.advice.as_ref().map(|advice| format!("; {advice}"));
    let text = format!("{name}{colon} {found}{}", advice.unwrap_or_default());
    format!("{level}: {}", clean(&text, SENTENCE))
}

/// Every comparison with its numbers.
pub(super) fn comparisons(view: &View) -> Vec<Block> {
    view.comparisons().iter().flat_map(blocks).collect()
}

fn blocks(all: &Comparisons) -> Vec<Block> {
    let mut blocks = vec![Block::line(intro(all))];
    blocks.extend(Block::list(lines(all)));
    blocks.extend(cautions(all).into_iter().map(Block::line));
    blocks
}

/// Comparisons as a document.
pub(crate) fn comparison_document(all: &Comparisons) -> Document {
    let warning = |text: &String| Block::warning(format!("Warning: {text}"));
    let warnings = all.warnings.iter().map(warning).collect();
    Document {
        title: "Comparison".to_owned(),
        tab: None,
        facts: String::new(),
        sections: vec![
            Section::new("", Shown::Headline, warnings),
            Section::new("", Shown::Always, blocks(all)),
        ],
    }
}
