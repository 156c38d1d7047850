//! Signals by which a user stops this program.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::process;

/// A signal that the program handles, unless it was started with it ignored (`nohup`).
#[derive(Debug)]
pub struct EndSignal(Option<Signal>);

impl EndSignal {
    /// Handles the signal in place of its default action.
    ///
    /// # Errors
    /// The handler cannot be installed.
    pub fn listen(kind: SignalKind) -> io::Result<EndSignal> {
        if process::is_ignored(kind.as_raw_value()) {
            return Ok(EndSignal(None));
        }
        signal(kind).map(|signal| EndSignal(Some(signal)))
    }

    /// Waits for the signal; forever if it is ignored.
    pub async fn received(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }
}
