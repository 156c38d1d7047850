//! The subcommands: a module for each, with its arguments.

pub(crate) mod ab;
pub(crate) mod bisect;
pub(crate) mod calibrate;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod crashes;
pub(crate) mod debug;
pub(crate) mod doctor;
pub(crate) mod help;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod list;
pub(crate) mod man;
pub(crate) mod merge;
pub(crate) mod minimize;
pub(crate) mod plan;
pub(crate) mod plan_file;
pub(crate) mod provoke;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod schema;
pub(crate) mod serve;
