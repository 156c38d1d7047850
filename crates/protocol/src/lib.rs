#![doc = include_str!("../README.md")]

pub mod chapters;
pub mod env;
mod event;
mod fault;
mod reader;
mod task;
mod writer;

pub use event::{Event, Malformed, parse_line};
pub use fault::{Fault, FaultKind};
pub use reader::{EventReader, MAX_LINE};
pub use task::{ChapterInfo, Task, TaskChapter, WorkerInfo};
pub use writer::EventWriter;

/// The version of task and events. Changes: 1 is the first.
pub const VERSION: u32 = 1;
