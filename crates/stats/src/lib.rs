//! Rates, intervals, comparisons and stopping rules: pure functions of numbers.
//!
//! A round is a Bernoulli trial: it was bad (crashed, timed out, ...) or not. Nothing here knows of runs, suites or
//! clocks. Everything goes through two conventions:
//!
//! - `alpha` is the error probability that the caller accepts (0.05 for "95 %"), never the confidence.
//! - e-values are returned as natural logarithms, because they overflow quickly; compare them with [`ln_threshold`].
//!
//! | question | here |
//! |---|---|
//! | one rate, rounds fixed in advance | [`wilson`], [`zero_failure_upper`], [`clopper_pearson`] |
//! | one rate, looked at all the time | [`confidence_sequence`] |
//! | two rates, rounds fixed | [`compare`] ([`boschloo`], [`fisher_mid_p`], [`newcombe`]), [`risk_ratio`] |
//! | two rates, run until clear | [`PairProcess`], [`PairWatch`] |
//! | is the rate below or above a limit | [`Gate`], [`GateWatch`] |
//! | how many rounds | [`rounds_without_failure`], [`rounds_with_failures`], [`rounds_to_detect`] |
//! | at which amount does a wanted share pass | [`DoseFinding`] |
//! | are rounds independent | [`independence`] |
//! | many comparisons | [`holm`], [`ln_threshold`] |

mod boschloo;
mod compare;
mod counts;
mod difference;
mod dose;
mod error;
mod fisher;
mod gate;
mod hypergeometric;
mod independence;
mod multiple;
mod pairs;
mod plan;
mod power;
mod rate;
mod ratio;
mod runs;
mod sequence;
mod special;
mod trend;
mod watch;

pub use boschloo::{MAX_BOSCHLOO_ROUNDS, boschloo};
pub use compare::{Comparison, EXACT_TABLES, Test, compare};
pub use counts::{Counts, Interval, MAX_ROUNDS};
pub use difference::newcombe;
pub use dose::DoseFinding;
pub use error::StatsError;
pub use fisher::{MidP, PValues, fisher_exact, fisher_mid_p};
pub use gate::{Gate, GateVerdict};
pub use independence::{INDEPENDENCE_ALPHA, Independence, Pattern, independence};
pub use multiple::{holm, ln_threshold};
pub use pairs::{DEFAULT_GAMMA, PairProcess, Side};
pub use plan::{
    Method, NormalPlan, Plan, normal_plan, normal_power, rounds_to_detect, rounds_with_failures,
    rounds_without_failure,
};
pub use power::{MAX_EXACT_POWER, boschloo_power, boschloo_rounds};
pub use rate::{clopper_pearson, clopper_pearson_upper, rule_of_three, wilson, zero_failure_upper};
pub use ratio::risk_ratio;
pub use runs::{RunsTest, runs_test};
pub use sequence::{BetaPrior, confidence_sequence, ln_e_point};
pub use trend::{RankTrend, rank_trend};
pub use watch::{GateWatch, PairWatch};
