//! The steps of a history in sentences, the same in every format.

use crashrate_model::{Outcome, OutcomeSet};

use super::words::{beyond, direction, numbers};
use super::{Compared, Evidence, History, Trend};
use crate::clean::{NAME, clean};
use crate::words::{count, of_unit};

/// The row of a history.
pub(crate) fn trend_name(trend: &Trend) -> String {
    let variant = trend.variant.as_str();
    match (&trend.chapter, &trend.sequence) {
        (Some(chapter), Some(sequence)) => {
            let chapter = clean(chapter, NAME);
            format!("{chapter} in {}", of_unit(sequence, None, variant))
        }
        (Some(chapter), None) => of_unit(chapter, Some(trend.mode), variant),
        (None, sequence) => {
            let sequence = sequence.as_deref().unwrap_or("all");
            format!("{} as a whole", of_unit(sequence, None, variant))
        }
    }
}

/// How the runs of a history are compared.
pub(crate) fn step_intro(history: &History) -> String {
    let bad: Vec<_> = history.bad.iter().map(Outcome::word).collect();
    let how = match history.tests {
        0 => "Nothing can be tested yet".to_owned(),
        1 => {
            "By an exact test; a change is shown only if the test and the interval agree".to_owned()
        }
        n => format!(
            "By exact tests, p adjusted by Holm's method for the {} that have rounds enough to show something; a change \
             is shown only if the test and the interval agree",
            count(n as u64)
        ),
    };
    format!(
        "Each run against the one before it that has the same chapter. First attempts; bad: {}. {how}.",
        bad.join(", ")
    )
}

/// Whether a run of a history shows a change against the one before.
pub(crate) fn step(bad: &OutcomeSet, one: &Compared) -> String {
    let before = clean(&one.sides[0].label, NAME);
    match &one.evidence {
        Evidence::Fixed(test) if test.differs => {
            let label = clean(&one.sides[1].label, NAME);
            let direction = direction(bad, test);
            format!("shown: {label} {direction} than {before}: {}", beyond(test))
        }
        Evidence::Fixed(test) => format!("not shown against {before} ({})", numbers(test)),
        Evidence::Pairs(_) | Evidence::Untested => {
            match one.sides.iter().any(|side| side.share.n == 0) {
                true => format!("not shown against {before}: a side has no rounds"),
                false => format!(
                    "not shown against {before}: the data decided how many rounds there are, and no test holds"
                ),
            }
        }
    }
}
