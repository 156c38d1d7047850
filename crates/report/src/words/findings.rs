//! The results in sentences, and what the suite recommends.

use crashrate_model::Outcome;

use super::names::{counted, of_chapter, units};
use super::numbers::{count, quantity, rate, share};
use crate::clean::{NAME, SENTENCE, clean};
use crate::view::{Advice, ChapterRow, Held, Missed, View};

/// The expectations that a chapter missed, with both numbers.
pub(crate) fn missed(row: &ChapterRow) -> Vec<String> {
    let name = of_chapter(row);
    let reached = row.results.reached();
    let line = |missed: &Missed| {
        let expected = clean(&missed.expected, SENTENCE);
        let times = share(missed.count, reached);
        let measured = match missed.measured {
            None => "not measured".to_owned(),
            Some(spread) => match (quantity(spread.min), quantity(spread.max)) {
                (least, most) if least == most => format!("measured {least}"),
                (least, most) => format!("measured {least} to {most}"),
            },
        };
        format!("{name}: expected {expected}, missed in {times} rounds: {measured}.")
    };
    row.results.missed.iter().map(line).collect()
}

/// First attempts that are not counted, a line for each unit that has any.
pub(crate) fn unmeasured(view: &View) -> Vec<String> {
    let apart = |outcome: Outcome| !outcome.counts() && outcome != Outcome::Unreached;
    let lines = units(view).filter_map(|(name, results)| {
        let apart = counted(&results.outcomes, apart);
        (!apart.is_empty()).then(|| format!("{name}: not counted: {apart}."))
    });
    lines.collect()
}

/// The suite's recommendations that hold, each with the counts by which it does.
pub(crate) fn recommendations(view: &View) -> Vec<String> {
    view.recommendations.iter().map(recommendation).collect()
}

fn recommendation(advice: &Advice) -> String {
    let text = clean(&advice.text, SENTENCE);
    let Some(when) = &advice.when else {
        return text;
    };
    let alone = advice.held.iter().all(|held| held.variant == "default");
    let counts = |held: &Held| {
        // Outcomes outside of denominators have no rate.
        let counts = match when.outcome.is_none_or(Outcome::counts) {
            true => rate(held.count, held.n),
            false => count(held.count.into()),
        };
        match alone {
            true => counts,
            false => format!("{counts} ({})", clean(&held.variant, NAME)),
        }
    };
    let counts: Vec<_> = advice.held.iter().map(counts).collect();
    let when = clean(&when.to_string(), SENTENCE);
    format!("{text} ({when}: {})", counts.join(", "))
}
