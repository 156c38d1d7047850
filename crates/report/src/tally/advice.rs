//! Decides which of the suite's recommendations hold, by the counts of first attempts.

use crashrate_model::{Condition, Mode, Outcome, Recommendation};

use crate::view::{Advice, ChapterRow, Held, Results, SequenceRow};

/// Recommendations without a condition, and those whose condition holds under at least one variant.
/// Counts of different variants are never pooled.
pub(super) fn that_holds(
    all: &[Recommendation],
    chapters: &[ChapterRow],
    sequences: &[SequenceRow],
) -> Vec<Advice> {
    all.iter()
        .filter_map(|one| {
            let held = match &one.when {
                None => Vec::new(),
                Some(when) => held(when, chapters, sequences),
            };
            let holds = one.when.is_none() || !held.is_empty();
            holds.then(|| Advice {
                text: one.text.clone(),
                when: one.when.clone(),
                held,
            })
        })
        .collect()
}

/// The variants for which the condition holds.
fn held(when: &Condition, chapters: &[ChapterRow], sequences: &[SequenceRow]) -> Vec<Held> {
    let any = |mode| when.mode.is_none_or(|asked| asked == mode);
    let of_chapter = chapters
        .iter()
        .filter(|row| row.chapter == when.name && any(row.mode))
        .map(|row| (&row.variant, &row.results));
    // If a sequence has the same name as a chapter, the chapter is meant. Its counts include its
    // deaths in sequences.
    let is_chapter = chapters.iter().any(|row| row.chapter == when.name);
    let sequences = sequences
        .iter()
        .filter(|row| !is_chapter && row.sequence == when.name && any(Mode::Sequential))
        .map(|row| (&row.variant, &row.results));
    let mut sums: Vec<Held> = Vec::new();
    for (variant, results) in of_chapter.chain(sequences) {
        let count = count(when.outcome, results);
        let n = results.first_attempt.n;
        match sums.iter_mut().find(|sum| sum.variant == *variant) {
            Some(sum) => {
                sum.count += count;
                sum.n += n;
            }
            None => sums.push(Held {
                variant: variant.clone(),
                count,
                n,
            }),
        }
    }
    sums.retain(|sum| holds(when, sum));
    sums
}

fn count(outcome: Option<Outcome>, results: &Results) -> u32 {
    match outcome {
        None => results.first_attempt.bad,
        Some(outcome) => results.outcomes.get(outcome),
    }
}

fn holds(when: &Condition, sum: &Held) -> bool {
    // Without measured rounds no condition holds: neither `crashed = 0` nor `passed < 10`.
    let bears = sum.n > 0 || (sum.count > 0 && !when.percent);
    let value = match when.percent {
        true => 100.0 * f64::from(sum.count) / f64::from(sum.n.max(1)),
        false => f64::from(sum.count),
    };
    bears && when.comparison.holds(value, when.value)
}
