//! Checks the claims of an imported report against its own numbers.

use crashrate_model::{ALPHA, Claim, Mode};

use super::test::{Pair, judge};
use super::{Compared, Comparisons, DEFAULT_DETECT, How, Side, What};
use crate::view::{ChapterRow, Share, View};

/// A claim of a report, and what its rounds show.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// The report's wording.
    pub text: String,
    /// The comparison that the claim makes. It is tested alone, since the report makes it alone.
    pub comparison: Comparisons,
}

impl Claimed {
    /// Whether the two sides are shown to differ.
    pub fn is_shown(&self) -> bool {
        self.comparison.list.iter().any(Compared::differs)
    }
}

/// The claims of an imported report; none of any other run.
pub(crate) fn claims(view: &View) -> Vec<Claimed> {
    let claims = view.run.imported.iter().flat_map(|i| &i.claims);
    claims.filter_map(|claim| claimed(view, claim)).collect()
}

/// The comparison for a claim; `None` if the rounds it refers to are missing.
fn claimed(view: &View, claim: &Claim) -> Option<Claimed> {
    let pair = claimed_pair(view, claim)?;
    let how = How::FixedRounds;
    Some(Claimed {
        text: claim.text.clone(),
        comparison: Comparisons {
            what: What::Claim,
            how,
            bad: view.run.bad.clone(),
            alpha: ALPHA,
            list: judge(vec![pair], how, ALPHA, None, DEFAULT_DETECT),
            warnings: Vec::new(),
        },
    })
}

/// The sides that a claim compares.
fn claimed_pair(view: &View, claim: &Claim) -> Option<Pair> {
    let find = |mode: Mode| {
        let mut rows = view.chapters.iter();
        rows.find(|row| row.mode == mode && row.chapter == claim.chapter)
    };
    let side = |label: String, row: &ChapterRow| Side {
        label,
        share: row.results.first_attempt,
        outcomes: row.results.outcomes,
        ..Side::default()
    };
    let isolated = find(Mode::Isolated)?;
    let (sides, sequence, mode) = match &claim.before {
        Some(before) => {
            let earlier = Side {
                label: format!("N={}", before.number),
                share: Share {
                    bad: before.bad,
                    n: before.rounds,
                },
                ..Side::default()
            };
            let sides = [earlier, side(view.run.label(), isolated)];
            (sides, None, Some(Mode::Isolated))
        }
        None => {
            let sequential = find(Mode::Sequential)?;
            let sides = [isolated, sequential].map(|row| side(row.mode.word().to_owned(), row));
            (sides, sequential.sequence.clone(), None)
        }
    };
    let compared = Compared {
        chapter: Some(claim.chapter.clone()),
        sequence,
        mode,
        variant: Some(isolated.variant.clone()),
        primary: true,
        sides,
        ..Compared::default()
    };
    Some(Pair {
        rounds: compared.sides.each_ref().map(|side| side.share.n),
        compared,
        tables: None,
    })
}
