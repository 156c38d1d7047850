//! When a run stops by itself, and what it compares.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::{DeserializeFromStr, SerializeDisplay};

use crate::{
    BisectRule, Ended, MinimizeRule, Mode, Outcome, OutcomeSet, ProvokeRule, Unit, executed_variant,
};

/// When a run stops by itself. Recorded before the first round, because results must be interpreted
/// by the same rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stopping {
    /// After the planned rounds.
    #[default]
    FixedRounds,
    /// When each comparison has a verdict, or after the planned rounds.
    Decided(Axis),
    /// When each gate has a verdict, or after the planned rounds. A unit without an open gate
    /// retires.
    Gates(Vec<Gate>),
    /// After the first bad round, or after the planned rounds.
    FirstBad,
    /// When the smallest part of the sequence that still crashes is found, or after the planned
    /// rounds.
    Minimized(MinimizeRule),
    /// When the commit that raised the rate is found, or after the planned rounds.
    Bisected(BisectRule),
    /// When a perturbation is shown to help, or after its budget.
    Provoked(ProvokeRule),
}

impl Stopping {
    /// Returns whether the data decide the number of rounds. Only methods that allow optional
    /// stopping may then be used.
    pub fn is_by_data(&self) -> bool {
        *self != Stopping::FixedRounds
    }

    /// Returns whether the rounds search for something and choose what runs next.
    pub fn is_search(&self) -> bool {
        matches!(
            self,
            Stopping::Minimized(_) | Stopping::Bisected(_) | Stopping::Provoked(_)
        )
    }
}

/// The two sides of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Axis {
    /// Sequential against isolated.
    Mode,
    /// A second variant against the first.
    Variant,
    /// Forked against executed.
    Spawn,
}

/// The error probability of all verdicts of a run together.
pub const ALPHA: f64 = 0.05;

/// An upper bound for a unit's rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gate {
    /// The id of the chapter or sequence.
    pub name: String,
    /// The mode.
    pub mode: Mode,
    /// The variant.
    pub variant: String,
    /// The outcome to count, and the bound.
    #[schemars(with = "String")]
    pub limit: RateBound,
}

/// What a gate counts and its bound, such as `crashed < 1%`.
#[derive(Clone, Debug, PartialEq, SerializeDisplay, DeserializeFromStr)]
pub struct RateBound {
    /// The outcome to count; `None` stands for `bad`, the run's own set.
    pub outcome: Option<Outcome>,
    /// The rate must be below this; strictly between 0 and 1.
    pub below: f64,
}

impl RateBound {
    /// Returns whether the bound counts a first attempt with this outcome; `None` if it is in no
    /// denominator.
    pub fn hits(&self, outcome: Outcome, bad: &OutcomeSet) -> Option<bool> {
        outcome.counts().then(|| match self.outcome {
            Some(counted) => counted == outcome,
            None => bad.contains(outcome),
        })
    }

    /// Returns what a first attempt means for the gate: `Some(Some(hit))` for a result,
    /// `Some(None)` if it was started and its result is lost, `None` if it says nothing about the
    /// unit.
    pub fn sees(&self, ended: &Ended, bad: &OutcomeSet) -> Option<Option<bool>> {
        match ended.outcome {
            _ if ended.is_apart() => None,
            Outcome::Lost | Outcome::Interrupted => Some(None),
            outcome => self.hits(outcome, bad).map(Some),
        }
    }
}

impl FromStr for RateBound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a valid gate: expected e.g. `crashed < 1%`");
        let (what, value) = text.split_once('<').ok_or_else(wrong)?;
        let outcome = match what.trim() {
            "bad" => None,
            word => Outcome::from_word(word)
                .filter(|o| o.counts() && *o != Outcome::Passed)
                .map(Some)
                .ok_or_else(wrong)?,
        };
        let value = value.trim();
        let (number, unit) = match value.strip_suffix('%') {
            Some(percent) => (percent.trim(), 100.0),
            None => (value, 1.0),
        };
        let below = number.parse::<f64>().map_err(|_| wrong())? / unit;
        if below > 0.0 && below < 1.0 {
            Ok(RateBound { outcome, below })
        } else {
            Err(format!(
                "`{text}`: the bound must be above 0% and below 100%"
            ))
        }
    }
}

impl fmt::Display for RateBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.outcome.map_or("bad", Outcome::word);
        // Twelve digits read back as the same bound and hide the noise of binary fractions.
        let percent = (self.below * 100.0 * 1e12).round() / 1e12;
        write!(f, "{what} < {percent}%")
    }
}

/// Maps name, mode and variant to the index of the unit; the first one if several share all three.
pub fn places(units: &[Unit]) -> HashMap<(&str, Mode, &str), u32> {
    let mut places = HashMap::with_capacity(units.len());
    for (place, unit) in (0u32..).zip(units) {
        let key = (unit.name.as_str(), unit.mode, unit.variant.as_str());
        places.entry(key).or_insert(place);
    }
    places
}

/// What one side of a contrast reads in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// These units as one: bad if any of them is.
    Units(Vec<u32>),
    /// A chapter (by index) of a sequence unit; present only if it was reached.
    Chapter(u32, usize),
}

/// Two sides that are compared block by block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contrast {
    /// The chapter; `None` for a sequence as a whole.
    pub chapter: Option<String>,
    /// The sequence, if any.
    pub sequence: Option<String>,
    /// The variant of each side.
    pub variants: [String; 2],
    /// The mode of each side.
    pub modes: [Mode; 2],
    /// What each side reads.
    pub sides: [Reading; 2],
    /// Whether it answers the run's question: a whole sequence, or a chapter outside of any
    /// compared sequence. The others explain the answer.
    pub primary: bool,
}

impl Contrast {
    /// Returns whether an earlier death in a sequence can prevent a side from being reached.
    pub fn is_censored(&self) -> bool {
        let in_sequence = |side: &Reading| matches!(side, Reading::Chapter(..));
        self.sides.iter().any(in_sequence)
    }
}

/// Returns the contrasts that a run's units allow, in the order of its units.
///
/// By mode: the whole sequence against the isolated block of its chapters, and each of its
/// chapters, counting only rounds that got that far, against itself isolated; side 0 is isolated,
/// side 1 sequential. By variant: every unit, and every chapter of a sequence likewise; side 0 is
/// the first variant, side 1 another. By spawn: the same, with executed as side 0 and forked as
/// side 1.
pub fn contrasts(units: &[Unit], axis: Axis) -> Vec<Contrast> {
    let mut all = match axis {
        Axis::Mode => by_mode(units),
        Axis::Variant => by_variant(units),
        Axis::Spawn => by_spawn(units),
    };
    let whole: Vec<&String> = (all.iter().filter(|c| c.chapter.is_none()))
        .filter_map(|contrast| contrast.sequence.as_ref())
        .collect();
    // The chapters whose sequence is compared as a whole.
    let explained: BTreeSet<String> = (units.iter())
        .filter(|unit| unit.mode == Mode::Sequential && whole.contains(&&unit.name))
        .flat_map(|unit| unit.chapters.clone())
        .collect();
    for contrast in &mut all {
        let explains = |chapter| explained.contains(chapter);
        contrast.primary = !contrast.chapter.as_ref().is_some_and(explains);
    }
    all
}

fn by_mode(units: &[Unit]) -> Vec<Contrast> {
    let places = places(units);
    let mut all = Vec::new();
    for (place, unit) in (0u32..).zip(units) {
        if unit.mode != Mode::Sequential {
            continue;
        }
        let of = |id: &String| {
            let key = (id.as_str(), Mode::Isolated, unit.variant.as_str());
            places.get(&key).copied()
        };
        let base = (unit.variant.as_str(), Mode::Isolated);
        let alone: Option<Vec<u32>> = unit.chapters.iter().map(of).collect();
        if let Some(alone) = alone {
            let sides = [Reading::Units(alone), Reading::Units(vec![place])];
            all.push(contrast(base, unit, None, sides));
        }
        for (index, chapter) in unit.chapters.iter().enumerate() {
            if let Some(alone) = of(chapter) {
                let sides = [Reading::Units(vec![alone]), Reading::Chapter(place, index)];
                all.push(contrast(base, unit, Some(chapter), sides));
            }
        }
    }
    all
}

/// A contrast of a unit, or of a chapter in it, with its base: a variant and a mode.
fn contrast(
    base: (&str, Mode),
    unit: &Unit,
    chapter: Option<&String>,
    sides: [Reading; 2],
) -> Contrast {
    Contrast {
        chapter: chapter.cloned(),
        sequence: (unit.mode == Mode::Sequential).then(|| unit.name.clone()),
        variants: [base.0.to_owned(), unit.variant.clone()],
        modes: [base.1, unit.mode],
        sides,
        primary: true,
    }
}

fn by_variant(units: &[Unit]) -> Vec<Contrast> {
    let Some(first) = units.first() else {
        return Vec::new();
    };
    let plain = executed_variant(&first.variant).to_owned();
    let forked = first.clone().forked();
    against_base(units, |unit| {
        let base = if unit.spawn.is_exec() {
            &plain
        } else {
            &forked.variant
        };
        (unit.variant != *base).then_some(base.as_str())
    })
}

fn by_spawn(units: &[Unit]) -> Vec<Contrast> {
    against_base(units, |unit| {
        (!unit.spawn.is_exec()).then(|| executed_variant(&unit.variant))
    })
}

/// Pairs each unit with the same unit under its base variant, where there is one.
fn against_base<'a>(
    units: &'a [Unit],
    base_of: impl Fn(&'a Unit) -> Option<&'a str>,
) -> Vec<Contrast> {
    let mut all = Vec::new();
    let places = places(units);
    for (other, unit) in (0u32..).zip(units) {
        let Some(variant) = base_of(unit) else {
            continue;
        };
        let Some(&base) = places.get(&(unit.name.as_str(), unit.mode, variant)) else {
            continue;
        };
        let contrast = |chapter, sides| contrast((variant, unit.mode), unit, chapter, sides);
        let whole = [Reading::Units(vec![base]), Reading::Units(vec![other])];
        if unit.mode == Mode::Isolated {
            all.push(contrast(Some(&unit.name), whole));
            continue;
        }
        all.push(contrast(None, whole));
        for (index, chapter) in unit.chapters.iter().enumerate() {
            let sides = [base, other].map(|unit| Reading::Chapter(unit, index));
            all.push(contrast(Some(chapter), sides));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_parsed_and_printed_alike() {
        for text in ["crashed < 1%", "bad < 0.1%", "failed < 33.3%"] {
            assert_eq!(text.parse::<RateBound>().unwrap().to_string(), text);
        }
        assert_eq!("crashed<0.05".parse::<RateBound>().unwrap().below, 0.05);
        for text in [
            "",
            "crashed",
            "passed < 1%",
            "lost < 1%",
            "bad < 0",
            "bad < 100%",
            "bad < x",
            "bad > 1%",
        ] {
            assert!(text.parse::<RateBound>().is_err(), "{text}");
        }
    }
}
