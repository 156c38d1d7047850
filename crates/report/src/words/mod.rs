//! Numbers and facts in words for people, the same in every format. Plain text: escaping is the writers' part.

mod beside;
mod estimates;
mod findings;
mod hazard;
mod independence;
mod names;
mod notes;
mod numbers;
mod summary;

pub(crate) use beside::{beside, on_record};
pub use estimates::estimate;
pub(crate) use estimates::{
    Method, estimates_head, known, p_value, percent_of, points, short_estimate,
};
pub(crate) use findings::{findings, imported, recommendations};
pub(crate) use hazard::{facts as hazard_facts, hazard};
pub(crate) use independence::{independence, pattern, tested};
pub(crate) use names::{counted, date, died_in, letter, of_chapter, of_unit, signals, sums};
pub(crate) use notes::notes;
pub use numbers::{count, percent, quantity, rate, seconds, share};
pub(crate) use numbers::{duration, measured, parameter, shown_unit};
pub(crate) use summary::{flaky, summary};
