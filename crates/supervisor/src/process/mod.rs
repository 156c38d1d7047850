//! Runs attempts: starts a child process, watches it, kills it at its limit and reaps it.
//!
//! Invariants:
//! - Every attempt has its own process group, which is gone before the slot takes the next attempt.
//! - Only the slot's own thread waits for a child.
//! - A child registers with the guardian before it executes a program. So no child outlives a
//!   supervisor that dies, whatever the moment.
//!
//! [`Start`] and `child::Wait` hide how a child is started and waited for. `attempt` drains, limits
//! and cleans up children of every kind alike.

mod attempt;
mod build;
mod capture;
mod child;
mod child_io;
mod context;
mod exec;
mod group;
mod guardian;
mod jobserver;
mod limits;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
mod observed;
mod pace;
mod preflight;
mod slots;
mod start_file;
mod watched;

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(target_os = "macos")]
use macos as platform;

pub(crate) use platform::STATUS_KEY_SIGNAL;

pub(crate) use build::{BuildGroup, BuildProcess};
pub use capture::Captured;
pub use child::{StackCapture, Start, Started};
pub use context::RunContext;
pub use guardian::{Guardian, guard};
pub(crate) use limits::in_force;
pub use observed::{Evidence, Observed};
pub use platform::{CoreFiles, PINS, Starter, TRACES, cpus, why_not};
pub(crate) use platform::{LIMITS_ADDRESS_SPACE, malloc_env};
pub use preflight::{RefusedCall, can_trace, is_ignored, prepare, refused_calls};
pub use slots::{Assignment, Slot, SlotEvent, Slots};
pub use start_file::{StartFile, events, terminate};
pub use watched::{DescendantCrash, Perturbed, Watched};
