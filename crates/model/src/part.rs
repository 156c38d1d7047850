//! Parts of a sequence, and the search for the smallest one that crashes: its rule and its result.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

/// The part of a sequence that a round ran.
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema
)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The indices of its chapters in the unit, ascending.
    pub chapters: Vec<u32>,
    /// Parameters of a chapter that replace the suite's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<PartParams>,
}

/// Parameters of a chapter that replace the suite's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartParams {
    /// The index of the chapter in the unit.
    pub chapter: u32,
    /// The values by name.
    pub values: Map<String, Value>,
}

/// The rule of a search for the smallest part of a sequence that still crashes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MinimizeRule {
    /// The signature that is searched, or a text in it; the most frequent one if `None`.
    pub signature: Option<String>,
    /// The error probability of the answer.
    pub error: f64,
    /// An upper bound of the rate at which parts that do not crash die with the signature; 0.5 %
    /// if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<f64>,
    /// The numbers of a chapter that are reduced as well.
    pub params: Option<ReducedParams>,
}

/// The numbers of a chapter that a search reduces after it has found the chapters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReducedParams {
    /// The index of the chapter in the unit.
    pub chapter: u32,
    /// The numbers.
    pub numbers: Vec<ReducedNumber>,
}

/// A number that a search reduces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReducedNumber {
    /// The parameter.
    pub name: String,
    /// Its value in the suite, in its unit.
    pub value: u64,
    /// What it counts.
    pub unit: NumberUnit,
}

/// What a parameter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NumberUnit {
    /// Things, such as threads.
    Count,
    /// Milliseconds of a duration, such as `"20s"`.
    Milliseconds,
}

impl NumberUnit {
    /// The value as a parameter.
    pub fn parameter(self, value: u64) -> Value {
        match self {
            NumberUnit::Count => value.into(),
            NumberUnit::Milliseconds => format!("{value}ms").into(),
        }
    }

    /// The value of such a parameter.
    pub fn value(self, parameter: &Value) -> Option<u64> {
        match self {
            NumberUnit::Count => parameter.as_u64(),
            NumberUnit::Milliseconds => parameter.as_str()?.strip_suffix("ms")?.parse().ok(),
        }
    }
}

/// What a search has found: written when it ends, and when it is interrupted.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Minimized {
    /// Seconds since `opened`.
    pub at: f64,
    /// The signature that was searched, or a text in it; `None` if it is still unknown.
    pub target: Option<String>,
    /// The smallest part that is known to crash.
    pub part: Part,
    /// The proof that it is the smallest; `None` if the search was interrupted.
    pub certificate: Option<Certificate>,
    /// The crash rate of the whole sequence, once it is known.
    pub rate: Option<f64>,
    /// The rate from which on a part counts as crashing.
    pub level: Option<f64>,
    /// The chapters that may be needed, by index, each with its posterior probability; the most
    /// probable first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspects: Vec<(u32, f64)>,
}

/// Fresh rounds of the smallest part, and of it without each of its chapters.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Its rounds.
    pub rounds: u64,
    /// The rounds of them that died with the signature.
    pub deaths: u64,
    /// The same without one of its chapters, for each.
    pub without: Vec<Without>,
    /// An upper bound of the probability that the answer is wrong.
    pub error: f64,
}

/// The rounds of the smallest part without one of its chapters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Without {
    /// The index of the chapter that was left out.
    pub chapter: u32,
    /// The rounds without it.
    pub rounds: u64,
    /// The rounds of them that died with the signature.
    pub deaths: u64,
}
