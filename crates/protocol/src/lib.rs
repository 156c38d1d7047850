//! What passes between the supervisor and a child: one task line to its standard input, event lines back on a
//! descriptor of their own, never on standard output.
//!
//! One JSON object a line, one `write(2)` a line, so that what was said before a crash is never lost. Any language can
//! speak it; [`EventWriter`] is the helper for authors of workers in Rust.

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
