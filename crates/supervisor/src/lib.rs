//! The engine of crashrate: `suite -> plan -> schedule -> process -> outcome -> journal`, in one
//! direction.
//!
//! - [`request`] applies the user's options to a suite and plans a run.
//! - [`suite`] reads a TOML file and resolves it once; [`toml_file`] checks what people write.
//! - [`plan`] says which units are measured in which rounds, in which order.
//! - [`schedule`] decides when which attempt starts: a pure state machine.
//! - [`process`] runs one attempt from start to reap.
//! - [`outcome`] turns what was observed into an outcome: pure.
//! - [`journal`] writes the records of a run and reads them back.
//! - [`runner`] joins them: one state behind one lock, driven by slots, signals and the clock.
//! - [`decide`] applies the rule by which a run stops by itself.
//! - [`watching`] chooses how evidence of crashes is collected.
//! - [`safe_file`] opens files in run folders, whose content may come from others.
//! - [`signals`] are the ones by which a user ends the program.
//! - [`misbehave`] holds the misbehaving programs of the self-test.
//! - [`baseline`] reads and imports published reports.
//! - [`fault`] is fault injection.

pub mod baseline;
pub mod crashes;
pub mod decide;
pub mod doctor;
mod evidence;
pub mod fault;
mod hash;
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
