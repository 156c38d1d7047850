#![doc = include_str!("../README.md")]

mod adapter;
mod cargo;
mod catch2;
mod chapters;
mod ctest;
mod detect;
mod error;
mod exit;
mod framework;
mod go;
mod group;
mod gtest;
mod libtest;
mod lines;
mod listing;
mod names;
mod output_rules;
mod process;
mod pytest;
mod reader;
mod select;
#[cfg(test)]
mod testing;
mod words;

pub use adapter::list;
pub use detect::{Detection, PathKind};
pub use error::{ListError, SelectError, SequenceError};
pub use exit::{ExitCodes, ExitMeaning, FoundMark, crash_mark};
pub use framework::Framework;
pub use group::{Group, Order, Test};
pub use listing::{Context, Listing, Step, TestList};
pub use output_rules::{OutputMeaning, OutputRules};
pub use process::{Invocation, Output};
pub use reader::Reader;
pub use select::Select;
