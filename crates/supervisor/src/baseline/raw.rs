//! The file of a published report as it is written: spans kept, only names and types of keys
//! checked.

use std::collections::BTreeMap;

use crate::toml_file::Spanned;
use crashrate_model::{Earlier, Measure};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) report: Option<Head>,
    #[serde(default)]
    pub(super) chapter: Vec<Chapter>,
    #[serde(default)]
    pub(super) sequence: Vec<Sequence>,
    #[serde(default)]
    pub(super) finding: Vec<Finding>,
    #[serde(default)]
    pub(super) recommendation: Vec<Recommendation>,
    #[serde(default)]
    pub(super) claim: Vec<Claim>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) number: Spanned<i64>,
    pub(super) suite: Spanned<String>,
    pub(super) date: Spanned<String>,
    pub(super) device: Spanned<String>,
    pub(super) bad: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    pub(super) versions: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) machine: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chapter {
    pub(super) id: Spanned<String>,
    pub(super) worker: Option<String>,
    #[serde(default)]
    pub(super) params: Map<String, Value>,
    #[serde(default)]
    pub(super) in_order: bool,
    #[serde(default)]
    pub(super) rounds: Vec<Spanned<Rounds>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sequence {
    pub(super) id: Spanned<String>,
    pub(super) chapters: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    pub(super) in_order: bool,
    #[serde(default)]
    pub(super) rounds: Vec<Spanned<Rounds>>,
}

/// Rounds with the same end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rounds {
    pub(super) outcome: Spanned<String>,
    pub(super) count: Option<Spanned<i64>>,
    pub(super) died_in: Option<Spanned<String>>,
    pub(super) signal: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) seconds: Option<Spanned<f64>>,
    #[serde(default)]
    pub(super) measures: Vec<Spanned<Measure>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Finding {
    pub(super) name: String,
    pub(super) level: Spanned<String>,
    pub(super) found: String,
    pub(super) advice: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recommendation {
    pub(super) text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    pub(super) text: String,
    pub(super) chapter: Spanned<String>,
    pub(super) before: Option<Spanned<Earlier>>,
}
