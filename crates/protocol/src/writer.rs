//! Sending events, for authors of workers in Rust.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::Mutex;

use serde::Serialize;

use crate::{Event, env};

/// Sends events to the supervisor, each line in one `write(2)`. Threads may share it.
#[derive(Debug)]
pub struct EventWriter {
    /// Nothing when no supervisor listens.
    sink: Option<Mutex<File>>,
}

#[derive(Serialize)]
struct Line<'a> {
    v: u32,
    #[serde(flatten)]
    event: &'a Event,
}

impl EventWriter {
    /// A writer to the descriptor that `CRASHRATE_EVENTS_FD` names, or one that drops events where it is not set.
    ///
    /// # Errors
    /// The variable is set, and there is no such descriptor to write to.
    pub fn from_env() -> io::Result<Self> {
        let Some(fd) = std::env::var_os(env::EVENTS_FD) else {
            return Ok(EventWriter { sink: None });
        };
        // By its path rather than its number: the same descriptor, and no unsafe needed to own it.
        let path = std::path::Path::new("/dev/fd").join(fd);
        let file = OpenOptions::new().write(true).open(path)?;
        Ok(EventWriter {
            sink: Some(Mutex::new(file)),
        })
    }

    /// Whether a supervisor listens.
    pub fn is_heard(&self) -> bool {
        self.sink.is_some()
    }

    /// Sends one event. It has left the process when this returns.
    ///
    /// A number that is not finite has no JSON form: send a `note` in its place.
    ///
    /// # Errors
    /// The supervisor is gone.
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
