#![doc = include_str!("../README.md")]

mod cargo;
mod catch2;
mod ctest;
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
mod pytest;
mod reader;
mod select;
#[cfg(test)]
mod testing;
mod words;

pub use error::{ListError, SelectError, SequenceError};
pub use exit::{CrashMark, ExitCodes, ExitMeaning, crash_mark};
pub use framework::{Detection, Framework, PathKind};
pub use group::{Group, Order, Test};
pub use listing::{Context, Invocation, Listing, Output, Step, TestList, list};
pub use reader::Reader;
pub use select::Select;
