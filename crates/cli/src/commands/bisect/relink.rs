//! Whether a rate depends on where the linker puts the code: the suspect of a bisection and its
//! parent, each also built with another link order.

use std::path::Path;

use crashrate_model::Mode;
use crashrate_report::{Share, View, plural};
use crashrate_stats::{Counts, fisher_exact};
use crashrate_supervisor::build::Origin;
use crashrate_supervisor::plan::{Plan, Selection};
use crashrate_supervisor::request::{RunOptions, Until};
use crashrate_supervisor::suite::Variant;

use crate::error::{Exit, Failure};
use crate::measure::{self, HowArguments, Session};
use crate::output::print;

/// The rounds of each build: those of each side of the proof, within these limits.
const ROUNDS: std::ops::RangeInclusive<u64> = 40..=400;
/// The error with which a build is said to differ from the relinked one; two are compared.
const ALPHA: f64 = 0.05 / 2.0;

/// The suspect and its parent, as they are and relinked.
pub(super) struct Relinked {
    argv: Vec<String>,
    /// The parent, it relinked, the suspect, it relinked.
    variants: [Variant; 4],
    rounds: u32,
}

impl Relinked {
    /// `None` if the search has not named a single commit.
    pub(super) fn of(plan: &Plan, view: &View, build: &[String]) -> Option<Relinked> {
        let search = view.bisection.as_ref()?;
        let [first, last] = search.rise()?;
        let pair = search.found.as_ref()?.suspect.as_ref()?;
        let [parent, suspect] = pair.commits.map(|index| {
            let label = search.labels.get(index as usize)?;
            plan.suite
                .variants
                .iter()
                .find(|variant| variant.id == *label)
        });
        let (parent, suspect) = (parent?, suspect?);
        let variants = [
            parent.clone(),
            relinked(parent, build)?,
            suspect.clone(),
            relinked(suspect, build)?,
        ];
        let rounds = pair.rounds[0].clamp(*ROUNDS.start(), *ROUNDS.end());
        (first == last).then(|| Relinked {
            argv: plan.suite.chapters[0]
                .command()
                .unwrap_or_default()
                .to_vec(),
            variants,
            rounds: u32::try_from(rounds).unwrap_or(u32::MAX),
        })
    }

    /// Measures all four, and says whether the link order matters.
    pub(super) fn measure(self, runs: &Path, how: &HowArguments) -> Result<(), Failure> {
        let ids = self.variants.each_ref().map(|variant| variant.id.clone());
        let options = measure::how_options(how);
        let options = RunOptions {
            selection: Selection {
                rounds: Some(self.rounds),
                ..options.selection
            },
            until: Until::Suite,
            ..options
        };
        let request = measure::of_variants(runs, how, self.argv, self.variants.to_vec(), options)?;
        let session = Session::run(runs, (request, None), how, None, |campaign| {
            campaign.watching.rounds = false;
        })?;
        let said = |_: &Session, view: &View| Ok(Some(sentence(view, &ids)));
        match session.conclude(how, false, said)? {
            Exit::Incomplete => print("relink: stopped before all rounds had ended\n"),
            _ => Ok(()),
        }
    }
}

/// The same revision, built by another command.
fn relinked(variant: &Variant, command: &[String]) -> Option<Variant> {
    let mut origin = variant.origin.clone()?;
    let Origin::Revision { build, .. } = &mut origin else {
        return None;
    };
    command.clone_into(build);
    Some(Variant {
        id: format!("{} relinked", variant.id),
        origin: Some(origin),
        ..variant.clone()
    })
}

fn sentence(view: &View, ids: &[String; 4]) -> String {
    let shares = ids.each_ref().map(|id| share(view, id));
    let moved: Vec<String> = [(0, 1), (2, 3)]
        .into_iter()
        .filter(|(plain, other)| differ(shares[*plain], shares[*other]))
        .map(|(plain, other)| {
            let of = |share: Share| format!("{} of {}", share.bad, plural(share.n, "round"));
            format!(
                "{} {} v {}",
                ids[plain],
                of(shares[plain]),
                of(shares[other])
            )
        })
        .collect();
    match moved.as_slice() {
        [] => "relink   the link order alone is not shown to move the rate\n".to_owned(),
        moved => format!(
            "relink   latent: the link order alone moves the rate ({}), so the commit may only have \
             moved the code\n",
            moved.join("; ")
        ),
    }
}

fn share(view: &View, variant: &str) -> Share {
    let rows = view.chapters.iter();
    let row = rows.filter(|row| row.mode == Mode::Isolated);
    let mut row = row.filter(|row| row.variant == variant);
    row.next()
        .map_or_else(Share::default, |row| row.results.first_attempt)
}

fn differ(one: Share, two: Share) -> bool {
    let counts = |share: Share| Counts::new(share.bad.into(), share.n.into());
    match (counts(one), counts(two)) {
        (Ok(one), Ok(two)) => fisher_exact(one, two).two_sided < ALPHA,
        _ => false,
    }
}
