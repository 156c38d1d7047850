#![doc = include_str!("../README.md")]

pub mod chapters;
pub mod env;
mod event;
mod reader;
mod task;
mod writer;

pub use event::Event;
pub use reader::EventReader;
pub use task::{ChapterInfo, Fault, FaultKind, Task, TaskChapter, WorkerInfo};
pub use writer::EventWriter;

/// The version of task and events. Changes: 1 is the first.
pub const VERSION: u32 = 1;
