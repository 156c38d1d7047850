//! Numbers and facts in words for people, the same in every format. Plain text: escaping is the writers' part.

mod baseline;
mod crashes;
mod doubts;
mod estimates;
mod exposure;
mod fault;
mod findings;
mod independence;
mod names;
mod notes;
mod numbers;
mod summary;

pub(crate) use baseline::{beside, on_record};
pub(crate) use crashes::{crash_place, crash_share};
pub(crate) use doubts::doubts;
pub use estimates::estimate;
pub(crate) use estimates::{
    Method, estimates_head, in_bounds, known, p_value, percent_of, points, rate_of, short_estimate,
    short_rate_of,
};
pub(crate) use exposure::{Rates, exposure, rates_by_exposure};
pub(crate) use fault::facts as fault_facts;
pub(crate) use findings::{findings, imported, recommendations};
pub(crate) use independence::{independence, pattern};
pub(crate) use names::{counted, date, died_in, letter, of_chapter, of_unit, signals, sums};
pub(crate) use notes::{notes, plural};
pub use numbers::{count, percent, quantity, rate, seconds, share};
pub(crate) use numbers::{duration, measured, parameter, shown_unit};
pub(crate) use summary::{flaky, leading, summary};
