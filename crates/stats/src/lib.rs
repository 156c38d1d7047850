#![doc = include_str!("../README.md")]

mod bisect;
mod boschloo;
mod change;
mod compare;
mod counts;
mod dose;
mod error;
mod farrington;
mod fisher;
mod garwood;
mod gate;
mod history;
mod hypergeometric;
mod independence;
mod mantel_haenszel;
mod margin;
mod minimize;
mod multiple;
mod pair_watch;
mod paired;
mod plan;
mod power;
mod provoke;
mod random;
mod rate;
mod rate_ratio;
mod ratio;
mod sequence;
mod special;
mod stratified;
mod tango;
mod until;

pub use bisect::{
    BisectAnswer, BisectFinding, BisectPhase, BisectProgress, BisectPurpose, BisectRound,
    BisectSettings, BisectStep, Bisection, ChangeEvidence, ChangeModel, ChangesShown, CommitCounts,
    CommitRange, PairProcess, PairState, Probe, SideRate,
};
pub use boschloo::{MAX_BOSCHLOO_ROUNDS, boschloo};
pub use change::{ChangePoint, ChangeShape, change_point, change_shape};
pub use compare::{Comparison, Test, compare};
pub use counts::{Counts, Interval, MAX_ROUNDS};
pub use dose::DoseFinding;
pub use error::StatsError;
pub use farrington::farrington_manning;
pub use fisher::{PValues, fisher_exact, fisher_mid_p};
pub use garwood::garwood;
pub use gate::{Gate, GateVerdict, GateWatch};
pub use history::{HistoryLook, history_looks};
pub use independence::{
    INDEPENDENCE_ALPHA, Independence, Pattern, RankTrend, RunsTest, has_order, independence,
    rank_trend, runs_test,
};
pub use mantel_haenszel::{OddsRatio, Stratified, mantel_haenszel};
pub use margin::MarginProcess;
pub use minimize::{
    Answer, Death, MinimizePhase, MinimizeProgress, Minimizer, Reduced, Reducer, Suspect, Without,
};
pub use multiple::{Role, gatekeeping, holm, ln_threshold};
pub use pair_watch::PairWatch;
pub use paired::{Blocks, Design, PairTable, SideEnd, Worse, compare_blocks, mcnemar_exact};
pub use plan::{Method, Plan, normal_plan, normal_power, rounds_without_failure};
pub use power::{MAX_EXACT_POWER, boschloo_power, boschloo_rounds, power_curve, rounds_to_detect};
pub use provoke::{
    ArmState, Confirmation, Provocation, ProvokeAnswer, ProvokePhase, ProvokeProgress,
    ProvokeSettings, Slice, SlicePurpose, SliceResult,
};
pub use rate::{newcombe, wilson, zero_failure_upper};
pub use rate_ratio::{Exposure, rate_ratio};
pub use ratio::risk_ratio;
pub use sequence::confidence_sequence;
pub use stratified::{Homogeneity, HomogeneityMethod, compare_machines, homogeneity};
pub use tango::{tango_interval, tango_test};
pub use until::{UntilDecided, blocks_until_decided};
