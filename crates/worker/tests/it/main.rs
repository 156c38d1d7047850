//! The real worker, as a supervisor and as people use it.

mod chapters;
mod command_line;
mod encoder;
mod exact;
mod fault;
mod support;
mod task;
