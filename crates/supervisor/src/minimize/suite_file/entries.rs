//! The tables of a suite file, as they are written.

use std::collections::BTreeMap;

use crashrate_adapters::ExitCodes;
use crashrate_model::{Mode, OutcomeSet, Spawn};
use crashrate_protocol::FaultKind;
use serde::Serialize;
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

use crate::suite::{DescendantCrash, Expect};

#[skip_serializing_none]
#[derive(Serialize)]
pub(super) struct File<'a> {
    pub(super) suite: Head<'a>,
    pub(super) fault: Option<Fault<'a>>,
    pub(super) limits: Option<LimitEntry>,
    pub(super) defaults: Defaults,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) chapter: Vec<ChapterEntry<'a>>,
    pub(super) sequence: Option<[SequenceEntry<'a>; 1]>,
    pub(super) tests: Option<[Tests<'a>; 1]>,
}

#[skip_serializing_none]
#[derive(Serialize)]
pub(super) struct Head<'a> {
    pub(super) name: String,
    pub(super) device: &'a str,
    pub(super) bad: &'a OutcomeSet,
    pub(super) worker: Option<String>,
    pub(super) additions: Option<bool>,
    pub(super) fork_cuda: Option<bool>,
    pub(super) descendants: Option<DescendantCrash>,
}

#[derive(Serialize)]
pub(super) struct Fault<'a> {
    pub(super) kind: FaultKind,
    pub(super) dose: u32,
    pub(super) carry_over: bool,
    pub(super) on: &'a [String],
}

#[skip_serializing_none]
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct LimitEntry {
    pub(super) memory: Option<String>,
    pub(super) processes: Option<u64>,
    pub(super) cpu: Option<String>,
    pub(super) file_size: Option<String>,
}

#[skip_serializing_none]
#[derive(Serialize)]
pub(super) struct Defaults {
    pub(super) rounds: u32,
    pub(super) timeout: String,
    pub(super) grace: String,
    pub(super) directory: String,
    pub(super) fresh_directory: Option<bool>,
}

#[skip_serializing_none]
#[derive(Serialize)]
pub(super) struct ChapterEntry<'a> {
    pub(super) id: &'a str,
    pub(super) modes: [Mode; 1],
    pub(super) worker: Option<&'a str>,
    pub(super) command: Option<&'a [String]>,
    pub(super) params: Option<Map<String, Value>>,
    pub(super) timeout: String,
    pub(super) expect: Option<&'a [Expect]>,
}

#[skip_serializing_none]
#[derive(Serialize)]
pub(super) struct SequenceEntry<'a> {
    pub(super) id: &'a str,
    pub(super) chapters: Vec<&'a str>,
    pub(super) command: Option<&'a [String]>,
    pub(super) spawn: Option<Spawn>,
    pub(super) zygote: Option<bool>,
    pub(super) env: Option<BTreeMap<&'a str, &'a str>>,
    pub(super) exit_codes: Option<&'a ExitCodes>,
}

#[skip_serializing_none]
#[derive(Serialize)]
pub(super) struct Tests<'a> {
    pub(super) from: String,
    pub(super) command: &'a [String],
    pub(super) select: Vec<String>,
    pub(super) isolated: bool,
    pub(super) sequence: &'a str,
    pub(super) timeout: String,
    pub(super) env: Option<BTreeMap<&'a str, &'a str>>,
    pub(super) pty: Option<bool>,
}
