//! The testkit's programs, run plainly: each ends as the catalogue says, and nothing is left behind.

mod child;
mod helpers;
mod misbehave;
mod sequence;
