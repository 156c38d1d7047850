#![doc = include_str!("../README.md")]

pub mod baseline;
pub mod crashes;
pub mod decide;
pub mod doctor;
mod evidence;
pub mod fault;
mod hash;
pub mod journal;
pub mod listing;
pub mod machine;
pub mod misbehave;
pub mod names;
pub mod outcome;
mod outputs;
pub mod plan;
pub mod process;
mod program;
pub mod request;
pub mod run_file;
pub mod runner;
pub mod safe_file;
pub mod schedule;
pub mod signals;
pub mod suite;
pub mod toml_file;
pub mod watching;
pub mod worker;
