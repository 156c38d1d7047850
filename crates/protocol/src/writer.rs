//! Sends events; for authors of workers in Rust.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::Mutex;

use serde::Serialize;

use crate::{Event, env};

/// Sends events to the supervisor, one `write(2)` a line. Can be shared between threads.
#[derive(Debug)]
pub struct EventWriter {
    /// `None` when no supervisor is listening.
    sink: Option<Mutex<File>>,
}

#[derive(Serialize)]
struct Line<'a> {
    v: u32,
    #[serde(flatten)]
    event: &'a Event,
}

impl EventWriter {
    /// Opens the descriptor that `CRASHRATE_EVENTS_FD` names. If the variable is not set, events
    /// are dropped.
    ///
    /// # Errors
    /// The variable is set, but the descriptor cannot be written to.
    pub fn from_env() -> io::Result<Self> {
        let Some(fd) = std::env::var_os(env::EVENTS_FD) else {
            return Ok(EventWriter { sink: None });
        };
        // Opening the descriptor through its path needs no unsafe code to own it.
        let path = std::path::Path::new("/dev/fd").join(fd);
        let file = OpenOptions::new().write(true).open(path)?;
        Ok(EventWriter {
            sink: Some(Mutex::new(file)),
        })
    }

    /// Returns whether a supervisor is listening.
    pub fn is_connected(&self) -> bool {
        self.sink.is_some()
    }

    /// Sends one event. The event has left the process when this returns.
    ///
    /// JSON has no form for numbers that are not finite: send a `note` instead.
    ///
    /// # Errors
    /// The supervisor has closed its end.
    pub fn send(&self, event: &Event) -> io::Result<()> {
        let Some(sink) = &self.sink else {
            return Ok(());
        };
        let mut line = serde_json::to_vec(&Line {
            v: crate::VERSION,
            event,
        })?;
        line.push(b'\n');
        let mut sink = sink.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        sink.write_all(&line)
    }
}
