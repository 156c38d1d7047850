//! Perturbations: what is done to attempts so that rare crashes come more often.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde_with::{DeserializeFromStr, SerializeDisplay};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use thiserror::Error;

/// One way of disturbing an attempt. A perturbation changes timing or memory, never the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(Display, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Perturbation {
    /// The attempt is traced, and nothing else: shows what the tracer alone changes.
    Trace,
    /// Threads that arrive at chosen code addresses are held.
    Ambush,
    /// Running threads are stopped at random moments.
    Stops,
    /// Threads are held at their start and exit, and processes at their exit.
    Delays,
    /// The memory allocator fills what it hands out and takes back.
    Malloc,
    /// Four attempts at a time share one processor core.
    Crowd,
}

impl Perturbation {
    /// Returns the name used in suites, on the command line and in reports.
    pub fn word(self) -> &'static str {
        self.into()
    }

    /// Whether a tracer does it.
    pub fn needs_tracer(self) -> bool {
        use Perturbation::{Ambush, Crowd, Delays, Malloc, Stops, Trace};
        match self {
            Trace | Ambush | Stops | Delays => true,
            Malloc | Crowd => false,
        }
    }
}

/// A set of perturbations. Its text is their names in a fixed order, such as `stops+malloc`, or
/// `none`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(SerializeDisplay, DeserializeFromStr, JsonSchema)]
#[schemars(with = "String")]
pub struct Perturbations(u8);

/// The text of the empty set.
const NONE: &str = "none";
/// The character between two names.
const AND: char = '+';

impl Perturbations {
    /// No perturbation.
    pub const NONE: Perturbations = Perturbations(0);

    fn bit(one: Perturbation) -> u8 {
        1 << one as u8
    }

    /// Whether the set contains this perturbation.
    pub fn contains(self, one: Perturbation) -> bool {
        self.0 & Perturbations::bit(one) != 0
    }

    /// Whether the set is empty.
    pub fn is_none(&self) -> bool {
        self.0 == 0
    }

    /// Whether a tracer does any of them.
    pub fn needs_tracer(self) -> bool {
        self.iter().any(Perturbation::needs_tracer)
    }

    /// All perturbations of both sets.
    #[must_use]
    pub fn and(self, other: Perturbations) -> Perturbations {
        Perturbations(self.0 | other.0)
    }

    /// Iterates over the set in its fixed order.
    pub fn iter(self) -> impl Iterator<Item = Perturbation> {
        let all = Perturbation::VARIANTS.iter().copied();
        all.filter(move |one| self.contains(*one))
    }
}

impl FromIterator<Perturbation> for Perturbations {
    fn from_iter<I: IntoIterator<Item = Perturbation>>(all: I) -> Perturbations {
        let bits = all.into_iter().map(Perturbations::bit);
        Perturbations(bits.fold(0, |set, bit| set | bit))
    }
}

impl From<Perturbation> for Perturbations {
    fn from(one: Perturbation) -> Perturbations {
        Perturbations::from_iter([one])
    }
}

impl fmt::Display for Perturbations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_none() {
            return f.write_str(NONE);
        }
        for (place, one) in self.iter().enumerate() {
            if place > 0 {
                write!(f, "{AND}")?;
            }
            f.write_str(one.word())?;
        }
        Ok(())
    }
}

/// A text that names no perturbations.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PerturbationError {
    /// A name is not known.
    #[error("unknown perturbation `{}`; {}", name.escape_debug(), hint(name))]
    Unknown {
        /// The name.
        name: String,
    },
    /// `none` beside other names.
    #[error("`none` cannot be combined with other perturbations")]
    NoneAndOthers,
}

/// Suggests the nearest known name, and lists all.
fn hint(name: &str) -> String {
    // The similarity at which clap suggests an option.
    let near = |word: &&str| strsim::jaro(name, word) > 0.7;
    let words = || Perturbation::VARIANTS.iter().map(|one| one.word());
    let similarity = |word: &&str| strsim::jaro(name, word);
    let nearest = words()
        .filter(near)
        .max_by(|one, other| similarity(one).total_cmp(&similarity(other)));
    let all: Vec<&str> = words().collect();
    let known = format!(
        "known are {}, or several such as stops+malloc",
        all.join(", ")
    );
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`? {known}"),
        None => known,
    }
}

impl FromStr for Perturbations {
    type Err = PerturbationError;

    fn from_str(text: &str) -> Result<Perturbations, PerturbationError> {
        let names: Vec<&str> = text.split(AND).map(str::trim).collect();
        if names == [NONE] {
            return Ok(Perturbations::NONE);
        }
        let parse = |name: &&str| match (Perturbation::from_str(name), *name) {
            (Ok(one), _) => Ok(one),
            (Err(_), NONE) => Err(PerturbationError::NoneAndOthers),
            (Err(_), name) => Err(PerturbationError::Unknown {
                name: name.to_owned(),
            }),
        };
        names.iter().map(parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Perturbations {
        text.parse().unwrap()
    }

    #[test]
    fn every_set_has_one_text() {
        assert_eq!(parse("malloc+stops+malloc").to_string(), "stops+malloc");
        assert_eq!(parse(" crowd + ambush ").to_string(), "ambush+crowd");
        assert_eq!(parse("none"), Perturbations::NONE);
        for bits in 0..1 << Perturbation::VARIANTS.len() {
            let set = Perturbations(bits);
            assert_eq!(parse(&set.to_string()), set);
            let json = serde_json::to_string(&set).unwrap();
            assert_eq!(json, format!("\"{set}\""));
            assert_eq!(serde_json::from_str::<Perturbations>(&json).unwrap(), set);
        }
    }

    #[test]
    fn wrong_names_are_explained() {
        let error = |text: &str| text.parse::<Perturbations>().unwrap_err().to_string();
        let known = "known are trace, ambush, stops, delays, malloc, crowd, or several such as \
                     stops+malloc";
        assert_eq!(
            error("stop+malloc"),
            format!("unknown perturbation `stop`; did you mean `stops`? {known}")
        );
        assert_eq!(
            error("xyzzy"),
            format!("unknown perturbation `xyzzy`; {known}")
        );
        assert_eq!(error(""), format!("unknown perturbation ``; {known}"));
        assert_eq!(
            error("none+stops"),
            "`none` cannot be combined with other perturbations"
        );
    }

    #[test]
    fn only_a_tracer_stops_threads() {
        assert!(!parse("malloc+crowd").needs_tracer() && !parse("none").needs_tracer());
        for text in ["trace", "malloc+stops", "delays", "ambush+crowd"] {
            assert!(parse(text).needs_tracer(), "{text}");
        }
    }
}
