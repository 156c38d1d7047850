//! The JSON Schema of the JSON report. The report is written field by field, so the types here
//! repeat its fields; a test validates reports against the schema.

mod bisection;
mod machines;
mod provocation;

use std::collections::BTreeMap;

use crashrate_model::{Finding, Mode, Outcome};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

use crate::view::{
    Advice, Bounds, DeviceRow, Disturbances, MeasureStat, Missed, Note, Reason, RunFacts, Running,
    Share, Spread, Totals,
};
use crate::words::Method;
use bisection::Bisection;
use machines::{Machines, RateTest};
use provocation::Provocation;

/// The JSON Schema of [`json`](fn@super::json).
pub fn json_schema() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<Report>()
}

type Object = Map<String, Value>;

/// The report of a run. Fields may be added.
#[derive(JsonSchema)]
struct Report {
    /// The version of the format.
    #[schemars(extend("const" = super::values::SCHEMA))]
    schema: u32,
    /// Facts about the run as a whole.
    run: RunFacts,
    /// A row for each sequence and variant.
    sequences: Vec<SequenceRow>,
    /// A row for each chapter, mode, sequence and variant.
    chapters: Vec<ChapterRow>,
    /// Sums over all units.
    totals: Totals,
    /// The devices of a run that has a slot for each.
    devices: Vec<DeviceRow>,
    /// Whether rates differ between its devices, for each unit for which that can be tested.
    device_tests: Vec<RateTest>,
    /// First attempts during which something else happened on the machine; null if there are none.
    disturbances: Option<Disturbances>,
    /// Findings about the machine before the run.
    findings: Vec<Finding>,
    /// The recommendations that hold.
    recommendations: Vec<Advice>,
    /// The comparisons of the run's modes, variants and ways to spawn.
    comparisons: Vec<Object>,
    /// The comparison with the suite's baseline; null without one.
    baseline: Option<Object>,
    /// Claims of an imported report, and what its rounds show.
    claims: Vec<Object>,
    /// The gates and their verdicts.
    gates: Vec<Object>,
    /// Caveats for reading the rates.
    doubts: Vec<String>,
    /// The verdict of the stopping rule; null without a rule.
    judgement: Option<Judgement>,
    /// The search for the smallest part of a sequence that still crashes; null without one.
    search: Option<Search>,
    /// The search for the commit that raised a rate; null without one.
    bisection: Option<Bisection>,
    /// The search for a perturbation that raises a rate; null without one.
    provocation: Option<Provocation>,
    /// The machines of a run merged from shards; null of any other run.
    machines: Option<Machines>,
    /// The attempts that are running.
    running: Vec<Running>,
    /// The command that repeats the run.
    command: Option<String>,
    /// Crashes by signature, most frequent first.
    crashes: Vec<Crash>,
}

/// The verdict of a run's stopping rule.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Judgement {
    /// Every comparison is decided, every rate is shown to be below its limit, or the search is
    /// answered.
    Shown,
    /// Some comparison, gate or search has no verdict.
    Undecided,
    /// A rate is shown to be above its limit.
    Refuted,
}

/// A search for the smallest part of a sequence that still crashes.
#[derive(JsonSchema)]
struct Search {
    /// The sequence's id.
    sequence: String,
    /// The ids of its chapters, in the order in which they ran.
    chapters: Vec<String>,
    /// The signature that was searched, or a text in it; null while it is unknown.
    signature: Option<String>,
    /// Whether the smallest part was found.
    answered: bool,
    /// The crash rate of the whole sequence; null before it is known.
    rate: Option<f64>,
    /// The rate from which on a part counts as crashing.
    level: Option<f64>,
    /// The chapters of the smallest part that is known to crash; null while the search runs.
    smallest: Option<Vec<String>>,
    /// The numbers with which it still crashes; null if none were reduced.
    params: Option<PartParams>,
    /// The chapter that dies; null if it dies elsewhere, or not always in the same one.
    victim: Option<String>,
    /// How often each signature was seen, the most frequent first.
    signatures: Vec<SignatureCount>,
    /// The proof; null without an answer.
    certificate: Option<Certificate>,
    /// The chapters that may be needed, the most probable first.
    suspects: Vec<Suspect>,
    /// The parts in the order in which they were first tried.
    parts: Vec<PartRow>,
}

/// How often a signature was seen.
#[derive(JsonSchema)]
struct SignatureCount {
    /// The signature.
    signature: String,
    /// The rounds that ended with it.
    count: u32,
}

/// Numbers of a chapter that replace the suite's.
#[derive(JsonSchema)]
struct PartParams {
    /// The chapter.
    chapter: String,
    /// The values by name.
    values: Object,
}

/// Fresh rounds of the smallest part, and of it without each of its chapters.
#[derive(JsonSchema)]
struct Certificate {
    /// Its rounds.
    rounds: u64,
    /// The rounds of them that died with the signature.
    deaths: u64,
    /// An upper bound of the probability that the answer is wrong.
    error: f64,
    /// The rounds without each chapter.
    without: Vec<Without>,
}

/// The rounds of the smallest part without one of its chapters.
#[derive(JsonSchema)]
struct Without {
    /// The chapter that was left out.
    chapter: String,
    /// The rounds without it.
    rounds: u64,
    /// The rounds of them that died with the signature.
    deaths: u64,
}

/// A chapter that may be needed.
#[derive(JsonSchema)]
struct Suspect {
    /// The chapter.
    chapter: String,
    /// The posterior probability that it is needed.
    posterior: f64,
}

/// A part that was tried.
#[derive(JsonSchema)]
struct PartRow {
    /// The positions of its chapters, from 1.
    positions: Vec<u64>,
    /// The numbers with which it ran; null if they were the suite's.
    params: Option<PartParams>,
    /// Rounds that survived, or died with the signature.
    rounds: u32,
    /// The rounds of them that died.
    deaths: u32,
    /// Rounds that ended badly in another way, and were drawn again.
    others: u32,
}

/// A sequence under one variant.
#[derive(JsonSchema)]
struct SequenceRow {
    /// The sequence's id.
    sequence: String,
    /// The variant's id.
    variant: String,
    /// Rounds with a recorded first attempt.
    rounds: u32,
    /// Bad first attempts.
    bad: u32,
    /// The crash rate: bad first attempts over those that count.
    first_attempt: Share,
    /// Where its process died: chapters, `between` and `exit`. A chapter with one of these two ids,
    /// or with an id that begins with `chapter:`, has `chapter:` before its id.
    died_in: BTreeMap<String, u32>,
    /// The outcome of each round; null for a round without a result.
    order: Vec<Option<Outcome>>,
    /// Bad rounds after retries.
    after_retries: Share,
    /// Its chapters in order.
    chapters: Vec<String>,
    /// The order of the chapters in each round; empty if it was that of `chapters` in all rounds.
    chapter_orders: Vec<ChapterOrder>,
    /// First attempts by outcome.
    outcomes: BTreeMap<Outcome, u32>,
    #[serde(flatten)]
    more: Results,
}

/// The order of the chapters in one round.
#[derive(JsonSchema)]
struct ChapterOrder {
    /// The round.
    round: u32,
    /// The chapters that started, in this order: their positions in `chapters`, from 1.
    started: Vec<u32>,
}

/// A chapter in one mode, sequence and variant.
#[derive(JsonSchema)]
struct ChapterRow {
    /// The chapter's id.
    chapter: String,
    /// How it ran.
    mode: Mode,
    /// The sequence's id; null in isolated mode.
    sequence: Option<String>,
    /// The variant's id.
    variant: String,
    /// Rounds with a recorded first attempt.
    rounds: u32,
    /// Rounds that reached it and have a result.
    reached: u32,
    /// First attempts by outcome.
    outcomes: BTreeMap<Outcome, u32>,
    /// The crash rate: bad first attempts over those that count.
    first_attempt: Share,
    /// Bad rounds after retries.
    after_retries: Share,
    /// Deaths by the name of their signal.
    signals: BTreeMap<String, u32>,
    /// What it measured.
    measures: Vec<MeasureStat>,
    /// Its position in the sequence, from 1; null in isolated mode.
    position: Option<u32>,
    /// The worker's built-in chapter.
    worker: Option<String>,
    /// The parameters of the worker's chapter.
    params: Option<Object>,
    #[serde(flatten)]
    more: Results,
}

/// What rows of chapters and of sequences have in common.
#[derive(JsonSchema)]
struct Results {
    /// `first_attempt` as a rate, with its interval; null without rounds.
    crash_rate: Option<Rate>,
    /// The rates possible given the rounds without a result; null if all have one.
    bounds: Option<Bounds>,
    /// Bad rounds per time and per operation; null unless rounds differ in length.
    exposure: Option<Object>,
    /// The test of whether rounds are independent; null if there are too few good or bad ones.
    independence: Option<Object>,
    /// Planned rounds; the maximum if the data may stop the run.
    planned: u32,
    /// Rounds that have a result or are censored (`unreached`).
    ended: u32,
    /// First attempts that passed.
    passed: u32,
    /// First attempts that failed.
    failed: u32,
    /// First attempts replaced because their round was run again, by outcome.
    run_again: BTreeMap<Outcome, u32>,
    /// Rounds that passed in the end, including on a retry.
    passed_after_retries: u32,
    /// Rounds that passed only on a retry.
    flaky: u32,
    /// Their numbers.
    flaky_rounds: Vec<u32>,
    /// Attempts that were started and are not running, including retries.
    attempts: u32,
    /// Retries without a result.
    lost_retries: u32,
    /// Durations of the attempts that count.
    seconds: Option<Spread>,
    /// Expectations that first attempts missed.
    missed: Vec<Missed>,
    /// Why attempts did not pass, most frequent first.
    reasons: Vec<Reason>,
    /// Other observations, most frequent first.
    notes: Vec<Note>,
}

/// A rate with its confidence interval.
#[derive(JsonSchema)]
struct Rate {
    /// The share of bad ones.
    rate: f64,
    /// The lower end of the interval.
    lo: f64,
    /// The upper end of the interval.
    hi: f64,
    /// The confidence of the interval.
    confidence: f64,
    /// How the interval was computed.
    method: Method,
    /// Whether the interval is valid whenever the run stops.
    peek_safe: bool,
}

/// A signature, and where it occurred.
#[derive(JsonSchema)]
struct Crash {
    /// `v1 | class | frames`.
    signature: String,
    /// First attempts with it.
    count: u32,
    /// The units that had it.
    places: Vec<CrashPlace>,
    /// The file of its first kept crash, relative to the run folder.
    file: Option<String>,
    /// The command that repeats it.
    repeat: Option<String>,
    /// The innermost frames of its first kept crash, if requested.
    excerpt: Vec<String>,
    /// The innermost Python frames of that crash.
    python: Vec<String>,
}

/// A signature in one unit.
#[derive(JsonSchema)]
struct CrashPlace {
    /// The chapter's or sequence's id.
    name: String,
    /// How it ran.
    mode: Mode,
    /// The variant's id.
    variant: String,
    /// Attempts with it, over those that count.
    first_attempt: Share,
    /// The same as a rate.
    rate: Option<Rate>,
    /// The first round with it.
    first_round: u32,
    /// The last round with it.
    last_round: u32,
}
