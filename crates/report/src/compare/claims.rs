//! What an imported report says of its own numbers, held against these numbers.

use crashrate_model::{Claim, Mode};

use super::plan::Planner;
use super::test::{Pair, fixed};
use super::{Compared, Comparisons, DEFAULT_DETECT, Evidence, How, Side, What};
use crate::view::{ChapterRow, Share, View};

/// A claim of a report, and what its rounds say of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// The report's words.
    pub text: String,
    /// The two sides that it is about: one comparison alone, since the report makes it alone.
    pub comparison: Comparisons,
}

impl Claimed {
    /// Whether the two sides are shown to differ.
    pub fn is_shown(&self) -> bool {
        self.comparison.list.iter().any(Compared::differs)
    }
}

/// The claims of an imported report; none of any other run.
pub fn claims(view: &View) -> Vec<Claimed> {
    let claims = view.run.imported.iter().flat_map(|i| &i.claims);
    claims.filter_map(|claim| claimed(view, claim)).collect()
}

/// Nothing if the rounds that it is about are not there.
fn claimed(view: &View, claim: &Claim) -> Option<Claimed> {
    let find = |mode: Mode| {
        let mut rows = view.chapters.iter();
        rows.find(|row| row.mode == mode && row.chapter == claim.chapter)
    };
    let side = |label: String, share: Share| Side {
        label,
        share,
        by_data: false,
    };
    let of_row = |row: &ChapterRow| row.results.first_attempt;
    let isolated = find(Mode::Isolated)?;
    let (sides, sequence, mode) = match &claim.before {
        Some(before) => {
            let earlier = Share {
                bad: before.bad,
                n: before.rounds,
            };
            let sides = [
                side(format!("N={}", before.number), earlier),
                side(format!("N={}", view.run.number), of_row(isolated)),
            ];
            (sides, None, Some(Mode::Isolated))
        }
        None => {
            let sequential = find(Mode::Sequential)?;
            let sides =
                [isolated, sequential].map(|row| side(row.mode.word().to_owned(), of_row(row)));
            (sides, sequential.sequence.clone(), None)
        }
    };
    let shares = [sides[0].share, sides[1].share];
    let test = fixed(&[Pair {
        shares,
        rounds: shares.map(|share| share.n),
    }])
    .into_iter()
    .next()
    .flatten();
    let mut compared = Compared {
        chapter: Some(claim.chapter.clone()),
        sequence,
        mode,
        variant: Some(isolated.variant.clone()),
        sides,
        evidence: test.map_or(Evidence::Untested, Evidence::Fixed),
        plan: None,
    };
    if !compared.differs() {
        compared.plan = Planner::new(DEFAULT_DETECT, 1).plan(shares);
    }
    Some(Claimed {
        text: claim.text.clone(),
        comparison: Comparisons {
            what: What::Claim,
            how: How::FixedRounds,
            bad: view.run.bad.clone(),
            list: vec![compared],
            warnings: Vec::new(),
        },
    })
}
