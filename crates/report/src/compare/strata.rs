//! Compares several runs or machines as strata: each within itself, then combined. Rounds of
//! different runs are never pooled, since pooling can reverse a difference (Simpson's paradox).

use crashrate_model::{ALPHA, Axis};
use crashrate_stats::{Method, Stratified, holm, mantel_haenszel};

use super::differences::differences;
use super::test::worse;
use super::words::name;
use super::{Compared, DEFAULT_DETECT, Side, compare_within};
use crate::view::{Share, View};
use crate::words::{p_value, points, quantity, share};

/// The primary comparisons of several runs, each combined over all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Strata {
    /// Which two sides are compared.
    pub axis: Axis,
    /// The comparisons, in the order of the first run that has them.
    pub list: Vec<Stratum>,
    /// Warnings that limit what a difference means.
    pub warnings: Vec<String>,
}

/// One comparison over several runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Stratum {
    /// The chapter or whole sequence.
    pub name: String,
    /// The labels of the two sides.
    pub labels: [String; 2],
    /// Each run, with bad rounds and rounds of both sides.
    pub runs: Vec<(String, [Share; 2])>,
    /// All runs combined. Differences are of the second side against the first.
    pub pooled: Stratified,
    /// The p-value, adjusted for all comparisons made together.
    pub p: f64,
    /// Whether the sides are shown to differ however the missing rounds ended.
    pub differs: bool,
}

/// Compares both sides of each run along an axis, and combines the comparisons. Leaves out, with a
/// warning, runs whose number of rounds the data may have decided and runs whose sides may have
/// collided.
pub fn compare_strata(views: &[View], axis: Axis) -> Strata {
    let mut warnings = Vec::new();
    let mut used: Vec<&View> = Vec::new();
    let mut found: Vec<Found> = Vec::new();
    for view in views {
        let run = view.run.label();
        let primary = match usable(view, axis) {
            Ok(primary) => primary,
            Err(why) => {
                warnings.push(format!("{run} is left out: {why}."));
                continue;
            }
        };
        if let Some(before) = used.last() {
            let differ = differences([before, view]);
            let differ: Vec<_> = differ.iter().map(ToString::to_string).collect();
            if !differ.is_empty() {
                warnings.push(format!("{run} differs: {}.", differ.join("; ")));
            }
        }
        used.push(view);
        for one in primary {
            add(&mut found, &run, one);
        }
    }
    Strata {
        axis,
        list: judged(found),
        warnings,
    }
}

/// The primary comparisons of a run, or why it is left out.
fn usable(view: &View, axis: Axis) -> Result<Vec<Compared>, &'static str> {
    if view.run.optional_stopping().is_possible() {
        return Err("its data could decide how many rounds it has");
    }
    if view.run.runs_side_by_side() {
        return Err("its attempts ran side by side, so its sides may have collided");
    }
    let mut primary = compare_within(view, axis, DEFAULT_DETECT, None).list;
    primary.retain(|one| one.primary && one.sides.iter().all(|side| side.share.n > 0));
    match primary.is_empty() {
        true => Err("it has no two sides to compare"),
        false => Ok(primary),
    }
}

/// A comparison by its name and labels, in each run that has it.
type Found = ((String, [String; 2]), Vec<(String, Compared)>);

/// All runs combined. Differences are of the second side against the first.
fn pooled(
    runs: &[(String, Compared)],
    shares: impl Fn(&Compared) -> [Share; 2],
) -> Option<Stratified> {
    let strata = runs.iter().filter_map(|(_, one)| {
        let [one, two] = shares(one).map(Share::counts);
        Some((two.ok()?, one.ok()?))
    });
    mantel_haenszel(&strata.collect::<Vec<_>>(), ALPHA).ok()
}

fn add(found: &mut Vec<Found>, run: &str, one: Compared) {
    let key = (name(&one), one.sides.each_ref().map(Side::name));
    let run = (run.to_owned(), one);
    match found.iter_mut().find(|(known, _)| *known == key) {
        Some((_, runs)) => runs.push(run),
        None => found.push((key, vec![run])),
    }
}

fn judged(found: Vec<Found>) -> Vec<Stratum> {
    let with_pooled = |(key, runs): Found| {
        let pooled = pooled(&runs, Compared::shares)?;
        Some((key, runs, pooled))
    };
    let all: Vec<_> = found.into_iter().filter_map(with_pooled).collect();
    let p_values: Vec<f64> = all.iter().map(|(_, _, pooled)| pooled.p).collect();
    let adjusted = holm(&p_values).unwrap_or_default();
    let tests = p_values.len().max(1) as f64;
    let judged = all
        .into_iter()
        .zip(adjusted)
        .map(|((key, runs, pooled), p)| {
            let (name, labels) = key;
            let says = |of: &Stratified, p: f64| {
                p <= ALPHA && of.interval.is_some_and(|interval| !interval.contains(0.0))
            };
            // Missing rounds are counted most unfavourably.
            let worst = self::pooled(&runs, |one| one.extreme(worse(pooled.difference)));
            let holds = worst.is_some_and(|worst| {
                let same = worst.difference.zip(pooled.difference);
                same.is_some_and(|(a, b)| a * b > 0.0) && says(&worst, (worst.p * tests).min(1.0))
            });
            Stratum {
                name,
                labels,
                runs: runs
                    .into_iter()
                    .map(|(run, one)| (run, one.shares()))
                    .collect(),
                differs: says(&pooled, p) && holds,
                pooled,
                p,
            }
        });
    judged.collect()
}

impl Stratum {
    /// The verdict in a sentence.
    pub fn sentence(&self) -> String {
        let [one, two] = &self.labels;
        let difference = self.pooled.difference.unwrap_or_default();
        let often = if difference > 0.0 { "more" } else { "less" };
        let verdict = match self.differs {
            true => format!("{two} ends badly {often} often than {one}"),
            false => "no difference shown".to_owned(),
        };
        let interval = self.pooled.interval.map_or_else(String::new, |interval| {
            format!(" (95%: {}..{})", points(interval.lo), points(interval.hi))
        });
        let ratio = self.pooled.odds_ratio.map_or_else(String::new, |ratio| {
            let [at, lo, hi] = [ratio.estimate, ratio.interval.lo, ratio.interval.hi].map(quantity);
            format!(", odds ratio {at} (95%: {lo}..{hi})")
        });
        let method = match self.pooled.method {
            Method::Exact => "exact",
            Method::Normal => "chi-square",
        };
        format!(
            "{}, over {} runs: {verdict}; {} points{interval}{ratio}, p = {} ({method})",
            self.name,
            self.runs.len(),
            points(difference),
            p_value(self.p)
        )
    }

    /// A line for each run.
    pub fn by_run(&self) -> Vec<String> {
        let [one, two] = &self.labels;
        let line = |(run, shares): &(String, [Share; 2])| {
            let [a, b] = shares.map(|of| share(of.bad, of.n));
            format!("{run}: {one} {a}, {two} {b}")
        };
        self.runs.iter().map(line).collect()
    }
}
