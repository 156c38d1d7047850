#![doc = include_str!("../README.md")]

mod boschloo;
mod cochran_armitage;
mod compare;
mod counts;
mod difference;
mod dose;
mod error;
mod expected;
mod farrington;
mod fisher;
mod garwood;
mod gate;
mod gatekeeping;
mod history;
mod hypergeometric;
mod independence;
mod mantel_haenszel;
mod margin;
mod matched;
mod multiple;
mod paired;
mod pairs;
mod plan;
mod power;
mod rate;
mod ratio;
mod runs;
mod sequence;
mod special;
mod tango;
mod trend;
mod until;
mod watch;

pub use boschloo::{MAX_BOSCHLOO_ROUNDS, boschloo};
pub use cochran_armitage::{TrendTest, cochran_armitage};
pub use compare::{Comparison, EXACT_TABLES, Test, compare};
pub use counts::{Counts, Interval, MAX_ROUNDS};
pub use difference::newcombe;
pub use dose::DoseFinding;
pub use error::StatsError;
pub use expected::power_curve;
pub use farrington::{farrington_interval, farrington_manning};
pub use fisher::{MidP, PValues, fisher_exact, fisher_mid_p};
pub use garwood::garwood;
pub use gate::{Gate, GateVerdict};
pub use gatekeeping::{Role, gatekeeping};
pub use history::{
    ChangePoint, ChangeShape, HistoryLook, change_point, change_shape, history_looks, look_alpha,
};
pub use independence::{INDEPENDENCE_ALPHA, Independence, Pattern, has_order, independence};
pub use mantel_haenszel::{MAX_CONDITIONAL_STEPS, OddsRatio, Stratified, mantel_haenszel};
pub use margin::MarginProcess;
pub use matched::ln_e_matched;
pub use multiple::{holm, ln_threshold};
pub use paired::{Blocks, Design, PairTable, SideEnd, Worse, compare_blocks, mcnemar_exact};
pub use pairs::{DEFAULT_GAMMA, PairProcess, Side};
pub use plan::{
    Method, NormalPlan, Plan, normal_plan, normal_power, rounds_with_failures,
    rounds_without_failure,
};
pub use power::{MAX_EXACT_POWER, boschloo_power, boschloo_rounds, rounds_to_detect};
pub use rate::{clopper_pearson, clopper_pearson_upper, rule_of_three, wilson, zero_failure_upper};
pub use ratio::risk_ratio;
pub use runs::{RunsTest, runs_test};
pub use sequence::{BetaPrior, confidence_sequence, ln_e_point};
pub use tango::{tango_interval, tango_test};
pub use trend::{RankTrend, rank_trend};
pub use until::{UntilDecided, blocks_until_decided};
pub use watch::{GateWatch, PairWatch};
