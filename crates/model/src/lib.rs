#![doc = include_str!("../README.md")]

mod bisect;
mod calibration;
mod deaths;
mod device;
mod ended;
mod evidence;
mod finding;
mod hello;
mod lines;
mod outcome;
mod pairing;
mod part;
mod perturbation;
mod plan_order;
mod provoke;
mod record;
mod run_info;
mod shard;
mod stop_reason;
mod stopping;
mod unit;
mod usage;

pub use bisect::{
    BisectAnswer, BisectRule, Bisected, BisectedPair, BisectedRange, Point, PointKind,
};
pub use calibration::{Calibration, CalibrationRule, CalibrationStep};
pub use deaths::{Death, Deaths, TARGET_DEATHS, TargetChoice, kind};
pub use device::{Device, DeviceFailure, Disturbance};
pub use ended::{ChapterEnd, Ended, Measure};
pub use evidence::{CrashRef, Descendant, EvidenceMode, EvidenceRound};
pub use finding::{ChapterFacts, Comparison, Condition, Finding, Level, Recommendation};
pub use hello::Hello;
pub use lines::{LineError, Lines};
pub use outcome::{DiedIn, Exit, Outcome, OutcomeSet};
pub use pairing::{BlockChange, BlockPairs, Pairing};
pub use part::{
    Certificate, MinimizeRule, Minimized, NumberUnit, Part, PartParams, ReducedNumber,
    ReducedParams, Without,
};
pub use perturbation::{Perturbation, PerturbationError, Perturbations};
pub use plan_order::PlanOrder;
pub use provoke::{Aim, BadEnd, ProvokeAnswer, ProvokeRule, Provoked, ProvokedArm};
pub use record::{Built, Closed, Ending, JOURNAL_VERSION, Opened, Record, Started, ZygoteEnd};
pub use run_info::{Baseline, Claim, Earlier, GivenCommand, Imported, RunInfo, agree};
pub use shard::{Merged, MergedShard, ResumedPart, Shard, ShardRun, is_same_machine};
pub use stop_reason::StopReason;
pub use stopping::{ALPHA, Axis, Contrast, Gate, RateBound, Reading, Stopping, contrasts, places};
pub use unit::{DEFAULT_VARIANT, Mode, Spawn, Unit, executed_variant};
pub use usage::Usage;
