//! Runs the real worker, both with a task line like a supervisor and with arguments like a user.

mod chapters;
mod command_line;
mod encoder;
mod exact;
mod fault;
mod support;
mod task;
