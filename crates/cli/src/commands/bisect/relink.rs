//! Whether a rate depends on where the linker puts the code: the suspect of a bisection and its
//! parent, each also built with another link order.

use std::path::Path;

use crashrate_model::{BisectRule, Death, Outcome, OutcomeSet, Record};
use crashrate_report::{ExitClass, Share, View, exit_class, one_line, plural};
use crashrate_stats::{Counts, fisher_exact};
use crashrate_supervisor::build::Origin;
use crashrate_supervisor::journal;
use crashrate_supervisor::plan::{Plan, Selection};
use crashrate_supervisor::request::{RunOptions, Until};
use crashrate_supervisor::suite::Variant;

use crate::error::{Exit, Failure};
use crate::measure::{self, HowArguments, Session};
use crate::output::print;

/// The rounds of each build: those of each side of the proof, within these limits.
const ROUNDS: std::ops::RangeInclusive<u64> = 100..=400;
/// The error with which a build is said to differ from the relinked one; two are compared.
const ALPHA: f64 = 0.05 / 2.0;

/// Ends the id of a relinked variant.
const RELINKED: &str = " relinked";

/// The suspect and its parent, as they are and relinked.
pub(super) struct Relinked {
    argv: Vec<String>,
    /// The parent, it relinked, the suspect, it relinked.
    variants: [Variant; 4],
    rounds: u32,
    /// The rule of the search, with the signature that it searched.
    rule: BisectRule,
}

impl Relinked {
    /// `None` if the search has not named a single commit.
    pub(super) fn of(plan: &Plan, view: &View, build: &[String]) -> Option<Relinked> {
        let search = view.bisection.as_ref()?;
        let [first, last] = search.rise()?;
        let pair = search.found.as_ref()?.suspect.as_ref()?;
        let [parent, suspect] = pair.commits.map(|index| {
            let unit = plan.units.get(index as usize)?;
            let mut variants = plan.suite.variants.iter();
            variants.find(|variant| variant.id == unit.suite_variant())
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
            rule: BisectRule {
                signature: search.target.clone(),
                ..search.rule.clone()
            },
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
        let (plan, journal) = (session.plan.clone(), session.folder.journal());
        let folder = session.folder.path().display().to_string();
        let view = session.conclude_quietly()?;
        let measured = Measured {
            shares: shares(&self.rule, &plan, &journal, &ids)?,
            ids,
        };
        let run = view.run.number;
        print(&format!(
            "relink   {}\n         measured in run {run}: {folder}\n",
            measured.sentence(&view)
        ))
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
        id: format!("{}{RELINKED}", variant.id),
        origin: Some(origin),
        ..variant.clone()
    })
}

/// The rounds of the four builds, and how many died with the signature.
struct Measured {
    ids: [String; 4],
    shares: [Share; 4],
}

impl Measured {
    fn sentence(&self, view: &View) -> String {
        let Measured { ids, shares } = self;
        let of = |share: Share| format!("{} of {}", share.bad, plural(share.n, "round"));
        let pairs = [(0, 1), (2, 3)].into_iter();
        let moved = pairs.filter(|(plain, other)| differ(shares[*plain], shares[*other]));
        let moved: Vec<String> = moved
            .map(|(plain, other)| {
                let (id, plain, other) = (&ids[plain], of(shares[plain]), of(shares[other]));
                format!("{id} {plain} v {other}")
            })
            .collect();
        if !moved.is_empty() {
            return format!(
                "latent: the link order alone moves the rate ({}), so the commit may only have \
                 moved the code",
                moved.join("; ")
            );
        }
        match self.problem(view) {
            Some(problem) => format!("could not be measured: {problem}"),
            None => "the link order alone is not shown to move the rate".to_owned(),
        }
    }

    /// Why there is nothing to say.
    fn problem(&self, view: &View) -> Option<String> {
        let builds = view.run.builds.iter();
        let mut failed = builds.filter_map(|build| Some((build, build.problem.as_deref()?)));
        if let Some((build, problem)) = failed.next() {
            let what = match build.variant.strip_suffix(RELINKED) {
                Some(commit) => format!("the relinked build of {commit}"),
                None => format!("the build of {}", build.variant),
            };
            let mut lines = problem.lines().map(str::trim);
            let first = lines.next().unwrap_or_default();
            let place = lines.next_back().map(|last| format!("; {last}"));
            let place = place.unwrap_or_default();
            return Some(one_line(&format!("{what} failed: {first}{place}")));
        }
        if exit_class(view) == ExitClass::Incomplete {
            return Some("it was stopped before all rounds had ended".to_owned());
        }
        let without = self.shares.iter().position(|share| share.n == 0)?;
        Some(format!("no round of {} has a result", self.ids[without]))
    }
}

/// The rounds of each variant, read as the search read its own.
fn shares(
    rule: &BisectRule,
    plan: &Plan,
    journal: &Path,
    ids: &[String; 4],
) -> Result<[Share; 4], Failure> {
    let failure = |error| Failure::new(Exit::Journal, error);
    let bad = OutcomeSet::new(plan.suite.bad.iter().chain([Outcome::Failed]));
    let mut deaths = rule.deaths(&plan.units, &bad);
    let mut shares = [Share::default(); 4];
    for record in journal::read(journal).map_err(failure)? {
        let Record::Ended(ended) = record.map_err(failure)? else {
            continue;
        };
        for (unit, death) in deaths.push(ended.unit, &ended) {
            let unit = plan.units.get(unit as usize);
            let place = unit.and_then(|unit| ids.iter().position(|id| id == unit.suite_variant()));
            let Some(place) = place.filter(|_| death != Death::Other) else {
                continue;
            };
            shares[place].n += 1;
            shares[place].bad += u32::from(death != Death::None);
        }
    }
    Ok(shares)
}

fn differ(one: Share, two: Share) -> bool {
    let counts = |share: Share| Counts::new(share.bad.into(), share.n.into());
    match (counts(one), counts(two)) {
        (Ok(one), Ok(two)) => fisher_exact(one, two).two_sided < ALPHA,
        _ => false,
    }
}
