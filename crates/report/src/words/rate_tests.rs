//! Tests of equal rates in words.

use crashrate_stats::HomogeneityMethod;

use super::estimates::p_value;
use super::numbers::{count, first_lines, share};
use crate::view::{CountedRounds, RateTest, Share};

/// What the rates of a unit are compared between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Places {
    Machines,
    Devices,
}

impl Places {
    fn word(self) -> &'static str {
        match self {
            Places::Machines => "machines",
            Places::Devices => "devices",
        }
    }
}

/// `a (isolated): the crash rate differs between machines (p = 0.0012): node3 12/20, node1 1/20.`
pub(crate) fn difference(
    unit: &str,
    test: &RateTest,
    places: Places,
    mut shares: Vec<(String, Share)>,
) -> String {
    const SHOWN: usize = 4;
    let rate = |of: Share| f64::from(of.bad) / f64::from(of.n.max(1));
    shares.retain(|(_, of)| of.n > 0);
    shares.sort_by(|(_, one), (_, two)| rate(*two).total_cmp(&rate(*one)));
    let rates = shares.iter();
    let rates = rates.map(|(name, of)| format!("{name} {}", share(of.bad, of.n)));
    let places = places.word();
    let counted = match test.counted {
        CountedRounds::Bad => "crash rate",
        CountedRounds::Failed => "share of failed rounds",
    };
    let rates = first_lines(rates.collect(), SHOWN, &format!("more {places}"));
    format!(
        "{unit}: the {counted} differs between {places} (p = {}): {}.",
        p_value(test.p),
        rates.join(", ")
    )
}

/// How machines or devices were compared.
pub(crate) fn rate_tests_method(tests: &[RateTest], places: Places) -> Option<String> {
    let least = tests.iter().map(|test| test.p).reduce(f64::min)?;
    let shared = match tests.len() as u64 {
        1 => String::new(),
        n => format!("; {} tests share an error of 5% (Holm)", count(n)),
    };
    let drawn = tests.iter().filter_map(|test| match test.test.method {
        HomogeneityMethod::Exact => None,
        HomogeneityMethod::MonteCarlo { draws } => Some(draws),
    });
    let how = match drawn.max() {
        None => "exact".to_owned(),
        Some(draws) => format!("random tables, at most {}", count(draws.into())),
    };
    let found = match tests.iter().any(|test| test.differs) {
        false => format!("no difference shown, least p = {}", p_value(least)),
        true => format!("least p = {}", p_value(least)),
    };
    let places = places.word();
    Some(format!(
        "Do rates differ between {places}? Freeman and Halton's test ({how}){shared}: {found}."
    ))
}
