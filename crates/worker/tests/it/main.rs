//! Runs the real worker the way a supervisor and people do.

mod chapters;
mod command_line;
mod encoder;
mod exact;
mod fault;
mod support;
mod task;
