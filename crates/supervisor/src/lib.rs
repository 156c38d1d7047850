//! The engine of crashrate: `suite -> plan -> schedule -> process -> outcome -> journal`, one direction.
//!
//! - [`suite`] reads a TOML file and resolves it once.
//! - [`plan`] says which units are measured in which rounds, in which order.
//! - [`schedule`] decides when which attempt starts: a pure state machine.
//! - [`process`] takes one attempt from its start to its reaping.
//! - [`outcome`] turns what was seen into an outcome: pure.
//! - [`journal`] keeps the record, and reads it back.
//! - [`safe_file`] opens files in run folders, which may hold what others put there.
//! - [`baseline`] reads a report of the past, which is a run like any other once it is imported.
//! - [`signals`] are those by which a user ends the program.
//! - [`decide`] is the rule by which a run stops by itself.
//! - [`watching`] says how attempts are watched for evidence of their deaths.
//! - [`misbehave`] is the misbehaving programs of the self-test.
//! - [`runner`] joins them: one state behind one lock, moved by the threads of the slots, by signals and by the clock.

pub mod baseline;
pub mod crashes;
pub mod decide;
pub mod doctor;
mod evidence;
pub mod fault;
pub mod journal;
pub mod machine;
pub mod misbehave;
mod names;
pub mod outcome;
mod outputs;
pub mod plan;
pub mod process;
mod program;
pub mod request;
mod resume;
pub mod run_file;
pub mod runner;
pub mod safe_file;
pub mod schedule;
pub mod signals;
pub mod suite;
pub mod toml_file;
pub mod watching;
pub mod worker;
