//! The view and its writers, from journals that are built in code.

mod baseline;
mod counts;
mod forms;
mod journal;
mod pages;
mod properties;
mod recorded;
mod sizes;
mod statistics;
mod verification;
mod writers;
