//! Checks the claims of an imported report against its own numbers.

use crashrate_model::{ALPHA, Claim, Mode};
use crashrate_stats::Role;

use super::blocks::outcomes;
use super::plan::Planner;
use super::test::{Pair, Together, fixed};
use super::{Compared, Comparisons, DEFAULT_DETECT, Evidence, How, Side, What};
use crate::view::{ChapterRow, OptionalStopping, Outcomes, Share, View};

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

struct ClaimedSides {
    sides: [Side; 2],
    sequence: Option<String>,
    mode: Option<Mode>,
    variant: String,
}

/// The sides that a claim compares; `None` if the rounds it refers to are missing.
fn claimed_sides(view: &View, claim: &Claim) -> Option<ClaimedSides> {
    let find = |mode: Mode| {
        let mut rows = view.chapters.iter();
        rows.find(|row| row.mode == mode && row.chapter == claim.chapter)
    };
    let side = |label: String, share: Share, outcomes: Outcomes| Side {
        label,
        share,
        outcomes,
        bounds: None,
        optional_stopping: OptionalStopping::No,
    };
    let of_row = |label: String, row: &ChapterRow| {
        side(
            label,
            row.results.first_attempt,
            outcomes(&row.results.cells),
        )
    };
    let isolated = find(Mode::Isolated)?;
    Some(match &claim.before {
        Some(before) => {
            let earlier = Share {
                bad: before.bad,
                n: before.rounds,
            };
            let sides = [
                side(format!("N={}", before.number), earlier, Outcomes::default()),
                of_row(format!("N={}", view.run.number), isolated),
            ];
            ClaimedSides {
                sides,
                sequence: None,
                mode: Some(Mode::Isolated),
                variant: isolated.variant.clone(),
            }
        }
        None => {
            let sequential = find(Mode::Sequential)?;
            let sides = [isolated, sequential].map(|row| of_row(row.mode.word().to_owned(), row));
            ClaimedSides {
                sides,
                sequence: sequential.sequence.clone(),
                mode: None,
                variant: isolated.variant.clone(),
            }
        }
    })
}

/// The comparison for a claim; `None` if the rounds it refers to are missing.
fn claimed(view: &View, claim: &Claim) -> Option<Claimed> {
    let ClaimedSides {
        sides,
        sequence,
        mode,
        variant,
    } = claimed_sides(view, claim)?;
    let shares = [sides[0].share, sides[1].share];
    let rounds = shares.map(|share| share.n);
    let pair = Pair::of_runs(shares, rounds, [None, None], Role::Primary);
    let together = Together {
        alpha: ALPHA,
        margin: None,
    };
    let test = fixed(&[pair], together).into_iter().next().flatten();
    let mut compared = Compared {
        chapter: Some(claim.chapter.clone()),
        sequence,
        mode,
        variant: Some(variant),
        primary: true,
        censored: false,
        sides,
        blocks: None,
        doubt: None,
        evidence: test.map_or(Evidence::Untested, Evidence::Fixed),
        plan: None,
    };
    if !compared.differs() {
        compared.plan = Planner::new(DEFAULT_DETECT, ALPHA, 1).plan(shares);
    }
    Some(Claimed {
        text: claim.text.clone(),
        comparison: Comparisons {
            what: What::Claim,
            how: How::FixedRounds,
            bad: view.run.bad.clone(),
            alpha: ALPHA,
            list: vec![compared],
            warnings: Vec::new(),
        },
    })
}
