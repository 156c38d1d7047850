//! Decides which of the suite's recommendations hold, by the counts of first attempts.

use crashrate_model::{Condition, Recommendation};

use crate::view::{Advice, Held, Row, View};

/// Recommendations without a condition, and those whose condition holds under at least one variant.
/// Counts of different variants are never pooled.
pub(super) fn that_holds(all: &[Recommendation], view: &View) -> Vec<Advice> {
    let that_hold = all.iter().filter_map(|one| {
        let held = (one.when.as_ref()).map_or_else(Vec::new, |when| held(when, view));
        let holds = one.when.is_none() || !held.is_empty();
        holds.then(|| Advice {
            text: one.text.clone(),
            when: one.when.clone(),
            held,
        })
    });
    that_hold.collect()
}

/// The variants for which the condition holds.
fn held(when: &Condition, view: &View) -> Vec<Held> {
    let is_of_chapter = |row: &Row| row.chapter == Some(&when.name);
    let is_of_sequence = |row: &Row| row.chapter.is_none() && row.sequence == Some(&when.name);
    // If a sequence has the same name as a chapter, the chapter is meant. Its counts include its
    // deaths in sequences.
    let is_chapter = view.chapter_rows().any(|row| is_of_chapter(&row));
    let rows = view.chapter_rows().chain(view.sequence_rows());
    let rows = rows.filter(|row| match is_chapter {
        true => is_of_chapter(row),
        false => is_of_sequence(row),
    });
    let rows = rows.filter(|row| when.mode.is_none_or(|mode| mode == row.mode));
    let mut sums: Vec<Held> = Vec::new();
    for row in rows {
        let first_attempt = row.results.first_attempt;
        let count = match when.outcome {
            None => first_attempt.bad,
            Some(outcome) => row.results.outcomes.get(outcome),
        };
        let n = first_attempt.n;
        match sums.iter_mut().find(|sum| sum.variant == *row.variant) {
            Some(sum) => {
                sum.count += count;
                sum.n += n;
            }
            None => sums.push(Held {
                variant: row.variant.clone(),
                count,
                n,
            }),
        }
    }
    sums.retain(|sum| holds(when, sum));
    sums
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
