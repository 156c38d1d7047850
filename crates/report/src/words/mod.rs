//! Numbers and facts in words, the same in every format. Plain text: the writers escape it.

mod baseline;
mod doubts;
mod estimates;
mod exposure;
mod fault;
mod findings;
mod machines;
mod names;
mod notes;
mod numbers;
mod rate_tests;
mod reasons;

pub(crate) use baseline::baseline_sentences;
pub(crate) use doubts::{doubts, flaky, imported, independence, leading, pattern};
pub use estimates::estimate;
pub(crate) use estimates::{
    Method, in_bounds, interval_words, known, p_value, percent_of, points, rate_of, short_bounds,
    short_estimate, short_rate_of,
};
pub(crate) use exposure::{exposure, rates_by_exposure};
pub(crate) use fault::facts as fault_facts;
pub(crate) use findings::{missed, recommendations, unmeasured};
pub(crate) use machines::{
    machine_differences, machine_name, machine_state, machines_method, missing_blocks,
    missing_words, shard_list, shard_state,
};
pub use names::units;
pub(crate) use names::{
    LETTERS, bad_outcomes, capitalized, chapters_of, counted, date, letter, of_chapter, of_mode,
    of_sequence, of_unit, outcomes_of, parameter, signals, sums,
};
pub(crate) use notes::{notes, stop_note};
pub(crate) use numbers::{NOTHING, counts, first_lines, joined, measured, out_of, shown_unit};
pub use numbers::{count, percent, plural, quantity, rate, seconds, share};
pub(crate) use rate_tests::{Places, difference, rate_tests_method};
pub(crate) use reasons::{first_line, more_lines};
