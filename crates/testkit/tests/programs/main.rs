//! Runs the testkit's programs directly: each ends as the catalogue says and leaves nothing behind.

mod child;
mod helpers;
mod misbehave;
mod sequence;
