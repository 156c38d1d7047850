//! Tests of the public functions.

mod bisect;
mod facts;
mod histories;
mod minimize;
mod oracle;
mod properties;
mod provoke;
mod shards;
mod simulations;
mod vectors;
mod verdicts;
