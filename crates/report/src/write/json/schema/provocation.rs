//! The JSON Schema of a search for a perturbation.

use schemars::JsonSchema;

use super::SignatureCount;

/// A search for a perturbation under which a program crashes more often.
#[derive(JsonSchema)]
pub(super) struct Provocation {
    /// What was run.
    unit: String,
    /// The kind of crash that was searched; null while it is unknown.
    target: Option<String>,
    /// The kind of the answer; null without one.
    answer: Option<ProvokeAnswer>,
    /// The perturbation that is shown to help; null without one.
    shown: Option<Arm>,
    /// The gain in crashes a second that was to be shown.
    gain_asked: f64,
    /// The largest probability that the answer is wrong.
    error: f64,
    /// The seconds of rounds; null before the search ended.
    seconds: Option<f64>,
    /// Kinds of bad ends that no unperturbed round has shown.
    only_perturbed: Vec<KindCount>,
    /// The unperturbed program first.
    arms: Vec<Arm>,
}

/// How often a kind of bad end was seen.
#[derive(JsonSchema)]
struct KindCount {
    /// A signal, an exit code or an outcome.
    kind: String,
    /// The rounds that ended so.
    count: u32,
}

/// The kind of the answer of a search for a perturbation.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ProvokeAnswer {
    /// A perturbation is shown to give the gain.
    Shown,
    /// None is shown to give it.
    NothingShown,
}

/// A perturbation that was tried.
#[derive(JsonSchema)]
struct Arm {
    /// Its names, such as `stops+malloc`, or `none`.
    perturb: String,
    /// Whether it ambushes places that were learned from crashes.
    learned_places: bool,
    /// The seconds of its rounds.
    seconds: f64,
    /// Its rounds.
    rounds: u64,
    /// The rounds that ended in the kind that was searched.
    crashes: u64,
    /// The rounds that ended badly in another way.
    others: u64,
    /// Crashes a second over those of the unperturbed program; null while that has none.
    gain: Option<f64>,
    /// The interval of the gain, at 95%; the upper end is null if there is no limit.
    gain_interval: [Option<f64>; 2],
    /// How often each signature was seen with this perturbation, the most frequent first.
    signatures: Vec<SignatureCount>,
}
