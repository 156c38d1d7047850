//! The environment variables that every child receives.

/// The run's id.
pub const RUN_ID: &str = "CRASHRATE_RUN_ID";
/// The chapter's id (isolated mode).
pub const CHAPTER: &str = "CRASHRATE_CHAPTER";
/// The sequence's id (sequential mode).
pub const SEQUENCE: &str = "CRASHRATE_SEQUENCE";
/// `isolated` or `sequential`.
pub const MODE: &str = "CRASHRATE_MODE";
/// The round, from 1.
pub const ROUND: &str = "CRASHRATE_ROUND";
/// The attempt, from 1.
pub const ATTEMPT: &str = "CRASHRATE_ATTEMPT";
/// The variant's id.
pub const VARIANT: &str = "CRASHRATE_VARIANT";
/// The seed of this round: the same for all units of a block, below 2^53.
pub const SEED: &str = "CRASHRATE_SEED";
/// The device asked for.
pub const DEVICE: &str = "CRASHRATE_DEVICE";
/// The index, from 0, of the slot that the attempt runs in.
pub const SLOT: &str = "CRASHRATE_SLOT";
/// The descriptor number that events are written to.
pub const EVENTS_FD: &str = "CRASHRATE_EVENTS_FD";
