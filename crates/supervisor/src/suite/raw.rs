//! The suite file as it is written: spans kept, only names and types of keys checked.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) suite: Option<Head>,
    pub(super) fault: Option<crate::fault::Section>,
    pub(super) limits: Option<ResourceLimits>,
    #[serde(default)]
    pub(super) defaults: Settings,
    #[serde(default)]
    pub(super) chapter: Vec<Chapter>,
    #[serde(default)]
    pub(super) tests: Vec<Tests>,
    #[serde(default)]
    pub(super) sequence: Vec<Sequence>,
    #[serde(default)]
    pub(super) variant: Vec<Variant>,
    #[serde(default)]
    pub(super) gate: Vec<Gate>,
    #[serde(default)]
    pub(super) recommendation: Vec<Recommendation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) name: Spanned<String>,
    pub(super) device: Option<Spanned<String>>,
    pub(super) bad: Option<Vec<Spanned<String>>>,
    pub(super) worker: Option<String>,
    pub(super) baseline: Option<Spanned<String>>,
    pub(super) fork_cuda: Option<bool>,
    pub(super) descendants: Option<Spanned<String>>,
}

/// What `[limits]` sets, or the `limits` of a chapter.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ResourceLimits {
    pub(super) memory: Option<Spanned<String>>,
    pub(super) processes: Option<Spanned<i64>>,
    pub(super) cpu: Option<Spanned<String>>,
    pub(super) file_size: Option<Spanned<String>>,
}

/// What `[defaults]` sets.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) rounds: Option<Spanned<i64>>,
    pub(super) timeout: Option<Spanned<String>>,
    pub(super) grace: Option<Spanned<String>>,
    pub(super) retries: Option<Spanned<i64>>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    pub(super) directory: Option<Spanned<String>>,
    pub(super) fresh_directory: Option<bool>,
    pub(super) descendants: Option<Spanned<String>>,
    pub(super) spawn: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chapter {
    pub(super) id: Spanned<String>,
    pub(super) worker: Option<String>,
    pub(super) command: Option<Spanned<Vec<String>>>,
    pub(super) params: Option<Spanned<Map<String, Value>>>,
    pub(super) modes: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) spawn: Option<Spanned<String>>,
    pub(super) zygote: Option<Spanned<bool>>,
    pub(super) limits: Option<ResourceLimits>,
    #[serde(default)]
    pub(super) expect: Vec<Spanned<super::Expect>>,
    pub(super) rounds: Option<Spanned<i64>>,
    pub(super) timeout: Option<Spanned<String>>,
    pub(super) grace: Option<Spanned<String>>,
    pub(super) retries: Option<Spanned<i64>>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    pub(super) directory: Option<Spanned<String>>,
    pub(super) fresh_directory: Option<bool>,
    pub(super) descendants: Option<Spanned<String>>,
    pub(super) pty: Option<Spanned<bool>>,
    #[serde(default)]
    pub(super) exit_codes: ExitCodes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sequence {
    pub(super) id: Spanned<String>,
    pub(super) chapters: Spanned<Vec<Spanned<String>>>,
    pub(super) order: Option<Spanned<String>>,
    pub(super) rounds: Option<Spanned<i64>>,
    pub(super) retries: Option<Spanned<i64>>,
    pub(super) command: Option<Spanned<Vec<String>>>,
    pub(super) spawn: Option<Spanned<String>>,
    pub(super) zygote: Option<Spanned<bool>>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) exit_codes: ExitCodes,
}

/// Chapters that a test framework lists.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tests {
    pub(super) from: Spanned<String>,
    pub(super) command: Spanned<Vec<String>>,
    #[serde(default)]
    pub(super) select: Vec<String>,
    pub(super) isolated: Option<bool>,
    pub(super) sequence: Option<Spanned<String>>,
    pub(super) order: Option<Spanned<String>>,
    pub(super) limits: Option<ResourceLimits>,
    pub(super) rounds: Option<Spanned<i64>>,
    pub(super) timeout: Option<Spanned<String>>,
    pub(super) grace: Option<Spanned<String>>,
    pub(super) retries: Option<Spanned<i64>>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    pub(super) directory: Option<Spanned<String>>,
    pub(super) fresh_directory: Option<bool>,
    pub(super) descendants: Option<Spanned<String>>,
    pub(super) pty: Option<Spanned<bool>>,
    #[serde(default)]
    pub(super) exit_codes: ExitCodes,
}

/// Exit codes that mean more than failure.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExitCodes {
    #[serde(default)]
    pub(super) crashed: Vec<Spanned<i64>>,
    #[serde(default)]
    pub(super) skipped: Vec<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Variant {
    pub(super) id: Spanned<String>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    pub(super) worker: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recommendation {
    pub(super) text: String,
    pub(super) when: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gate {
    pub(super) chapter: Option<Spanned<String>>,
    pub(super) sequence: Option<Spanned<String>>,
    pub(super) require: Spanned<String>,
}
