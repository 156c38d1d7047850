//! Runs the testkit's programs directly and checks that they end as the catalogue says.

mod child;
mod helpers;
mod misbehave;
mod racy;
mod sequence;
