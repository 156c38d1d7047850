//! Tests of the view and its writers, with journals built in code.

mod baseline;
mod counts;
mod forms;
mod history_pages;
mod journal;
mod merged;
mod merged_parts;
mod pages;
mod properties;
mod recorded;
mod search;
mod sizes;
mod statistics;
mod verification;
mod writers;
