//! The names of the environment variables that every child is given.

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
/// Which of the places for attempts at the same time this one has, from 0.
pub const SLOT: &str = "CRASHRATE_SLOT";
/// The number of the descriptor for events.
pub const EVENTS_FD: &str = "CRASHRATE_EVENTS_FD";
