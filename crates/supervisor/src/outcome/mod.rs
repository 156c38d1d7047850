//! From what was observed of an attempt to its outcome: pure classification, no process, no clock.

mod classify;
mod expect;
mod seen;
mod transcript;

pub use classify::classify;
pub use seen::{DescendantDeath, Kill, Seen};
pub use transcript::{Note, Transcript};

#[cfg(test)]
mod tests;
