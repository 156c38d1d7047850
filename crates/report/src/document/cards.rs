//! The data of cards: a signature, and the attempts of a unit.

use crashrate_model::Outcome;

/// A signature with all that a page shows of it.
pub(crate) struct Crash {
    pub(crate) number: usize,
    /// `7x SIGSEGV`.
    pub(crate) what: String,
    /// The innermost frame.
    pub(crate) at: String,
    /// Where it was seen, how often, and in which rounds.
    pub(crate) places: Vec<String>,
    /// What the rounds are.
    pub(crate) rounds_label: &'static str,
    /// Its rounds, with their anchors if the page describes them.
    pub(crate) rounds: Vec<(String, Option<String>)>,
    /// The innermost frames, and those of Python.
    pub(crate) frames: Vec<String>,
    pub(crate) python: Vec<String>,
    /// The command that runs its first round again.
    pub(crate) again: Option<String>,
    /// The command that shows the crash whole.
    pub(crate) show: String,
    /// Registers, stacks, modules and output: a title and lines each.
    pub(crate) evidence: Vec<(String, Vec<String>)>,
    /// Its file in the run folder.
    pub(crate) file: Option<String>,
    /// What search finds it by.
    pub(crate) names: String,
}

/// The attempts of a unit.
pub(crate) struct UnitAttempts {
    /// The unit, with its mode.
    pub(crate) name: String,
    /// How many did not pass, of how many.
    pub(crate) summary: String,
    /// Rounds of one attempt that passed: the anchor and a few words.
    pub(crate) passed: Vec<(String, String)>,
    /// The others, by round.
    pub(crate) others: Vec<Attempt>,
}

/// A round that did not pass at once, with all its attempts.
pub(crate) struct Attempt {
    pub(crate) anchor: String,
    pub(crate) outcome: Outcome,
    /// `round 12 crashed (SIGSEGV) after 1.2 s`.
    pub(crate) title: String,
    /// Its seed, where it died, and its later attempts.
    pub(crate) facts: Vec<String>,
    /// The reason, if it has more than one line.
    pub(crate) reason: Vec<String>,
    /// Its outputs: a title, and lines.
    pub(crate) output: Vec<(String, Vec<String>)>,
    /// The number of its signature among those shown.
    pub(crate) crash: Option<usize>,
    /// Of a crash without a signature, those from evidence rounds of its unit.
    pub(crate) similar: Vec<usize>,
    /// Files of the run folder: its output and its crash.
    pub(crate) files: Vec<String>,
}
