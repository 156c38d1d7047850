//! Numbers and facts in words, the same in every format. Plain text: the writers escape it.

mod baseline;
mod crashes;
mod doubts;
mod estimates;
mod exposure;
mod fault;
mod findings;
mod independence;
mod leading;
mod names;
mod notes;
mod numbers;

pub(crate) use baseline::{baseline_cell, baseline_sentences};
pub(crate) use crashes::{crash_place, crash_share};
pub(crate) use doubts::doubts;
pub use estimates::estimate;
pub(crate) use estimates::{
    Method, in_bounds, known, p_value, percent_of, points, rate_of, short_estimate, short_rate_of,
};
pub(crate) use exposure::rates_by_exposure;
pub(crate) use fault::facts as fault_facts;
pub(crate) use findings::{findings, recommendations};
pub(crate) use independence::{independence, pattern};
pub(crate) use leading::{flaky, imported, leading};
pub(crate) use names::{counted, date, died_in, letter, of_chapter, of_unit, signals, sums};
pub(crate) use notes::{notes, plural, stop_note, units};
pub use numbers::{count, percent, quantity, rate, seconds, share};
pub(crate) use numbers::{duration, measured, parameter, shown_unit};
