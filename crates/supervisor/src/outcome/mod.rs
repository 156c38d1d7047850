//! From what was observed of an attempt to its outcome: pure classification, no process, no clock.

mod classify;
mod expect;
mod transcript;

pub use classify::{DescendantDeath, Kill, Seen, classify};
pub use transcript::{Note, Transcript};

#[cfg(test)]
mod tests;
