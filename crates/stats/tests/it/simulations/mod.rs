//! Simulations whose true answers are known. Shared by the quick tests and by the examples that print
//! whole tables.

#![allow(dead_code, reason = "the tests and each example use a part")]

pub(crate) mod bisect;
pub(crate) mod dice;
pub(crate) mod histories;
pub(crate) mod minimize;
pub(crate) mod provoke;
pub(crate) mod shards;
pub(crate) mod verdicts;
