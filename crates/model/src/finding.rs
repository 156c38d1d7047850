//! Findings about the machine before a run, and the recommendations of a suite after it.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::{DeserializeFromStr, SerializeDisplay, skip_serializing_none};
use strum::{Display, EnumString, IntoStaticStr};

use crate::{Mode, Outcome};

/// One property of the machine that was checked.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The property, such as `core dumps`.
    pub name: String,
    /// How serious it is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub advice: Option<String>,
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[derive(Serialize, Deserialize, JsonSchema, EnumString, IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Results may be worse than they could be.
    Warning,
    /// Measuring is impossible.
    Blocker,
}

impl Level {
    /// Returns the name used in reports.
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// What a report needs to know about a chapter.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChapterFacts {
    /// The chapter's id.
    pub id: String,
    /// The worker's built-in chapter; `None` for a command.
    pub worker: Option<String>,
    /// The parameters, including the worker's defaults where known.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
}

/// A text that the suite adds to its report.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recommendation {
    /// The text.
    pub text: String,
    /// The condition under which the text is shown; `None` means always.
    #[schemars(with = "Option<String>")]
    pub when: Option<Condition>,
}

/// A condition on a run's result, such as `crashed > 0 in complete-story` or `passed < 90% in soak
/// isolated`.
///
/// Counts are over first attempts; percentages are over those that count.
#[derive(Clone, Debug, PartialEq, SerializeDisplay, DeserializeFromStr)]
pub struct Condition {
    /// The outcome to count; `None` stands for `bad`, the run's own set.
    pub outcome: Option<Outcome>,
    /// The comparison.
    pub comparison: Comparison,
    /// The number to compare with.
    pub value: f64,
    /// Whether `value` is a percentage.
    pub percent: bool,
    /// The id of a chapter or sequence.
    pub name: String,
    /// The mode to count in; `None` counts all modes of the chapter together.
    pub mode: Option<Mode>,
}

/// A comparison of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString)]
pub enum Comparison {
    /// More than.
    #[strum(serialize = ">")]
    More,
    /// At least.
    #[strum(serialize = ">=")]
    AtLeast,
    /// Less than.
    #[strum(serialize = "<")]
    Less,
    /// At most.
    #[strum(serialize = "<=")]
    AtMost,
    /// Equal to.
    #[strum(serialize = "=")]
    Equal,
}

impl Comparison {
    /// Returns whether the comparison holds between `left` and `right`.
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Comparison::More => left > right,
            Comparison::AtLeast => left >= right,
            Comparison::Less => left < right,
            Comparison::AtMost => left <= right,
            Comparison::Equal => left == right,
        }
    }
}

const FORM: &str = "expected e.g. `crashed > 0 in complete-story` or `bad >= 5% in soak isolated`";

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (what, sign, value, name, mode) = match words[..] {
            [what, sign, value, "in", name] => (what, sign, value, name, None),
            [what, sign, value, "in", name, mode] => (what, sign, value, name, Some(mode)),
            _ => return Err(format!("`{text}` is not a valid condition: {FORM}")),
        };
        let outcome = match what {
            "bad" => None,
            word => Some(
                Outcome::from_word(word)
                    .ok_or(format!("`{word}` is not a valid outcome: {FORM}"))?,
            ),
        };
        let comparison = sign.parse().map_err(|_| {
            format!("`{sign}` is not a valid comparison: expected >, >=, <, <= or =")
        })?;
        let number = value.strip_suffix('%').unwrap_or(value);
        let wrong_mode =
            |mode| format!("`{mode}` is not a valid mode: expected `isolated` or `sequential`");
        let mode = mode.map(|mode| mode.parse::<Mode>().map_err(|_| wrong_mode(mode)));
        Ok(Condition {
            outcome,
            comparison,
            value: (number.parse().ok())
                .filter(|v: &f64| v.is_finite())
                .ok_or(format!("`{value}` is not a valid number: {FORM}"))?,
            percent: value.ends_with('%'),
            name: name.into(),
            mode: mode.transpose()?,
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.outcome.map_or("bad", Outcome::word);
        let percent = if self.percent { "%" } else { "" };
        let (sign, value, name) = (self.comparison, self.value, &self.name);
        write!(f, "{what} {sign} {value}{percent} in {name}")?;
        match self.mode {
            Some(mode) => write!(f, " {mode}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_parsed_and_printed_alike() {
        for text in [
            "crashed > 0 in complete-story",
            "bad >= 5% in soak isolated",
            "passed = 10 in a sequential",
        ] {
            assert_eq!(text.parse::<Condition>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "crashed > in x",
            "dead > 0 in x",
            "crashed ~ 0 in x",
            "bad > NaN in x",
            "bad > 0 in x y",
        ] {
            assert!(text.parse::<Condition>().is_err(), "{text}");
        }
    }
}
