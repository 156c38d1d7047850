//! Results, on standard output.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use crashrate_report::lines;

use super::notes::flush;
use super::stall::{PIECE, STALLED_AFTER, STEP, StallTimer};
use crate::error::{Exit, Failure};

/// Whether the terminal has stopped reading in the middle of a result. Later results are not
/// printed.
static STALLED: AtomicBool = AtomicBool::new(false);

/// Prints a result. A closed pipe (`| head`) is no error. A terminal that has stopped reading ends
/// the wait: a result can be printed again.
///
/// # Errors
/// The result cannot be written, for instance because the disk is full.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    flush();
    if STALLED.load(Ordering::Relaxed) {
        return Ok(());
    }
    let text = prepared(text);
    if !io::stdout().is_terminal() {
        return unless_closed(write(text.as_bytes()));
    }
    let written = Arc::new(AtomicU64::new(0));
    let Some(end) = start(text.clone(), written.clone()) else {
        return unless_closed(write(text.as_bytes()));
    };
    let mut timer = StallTimer::new(STALLED_AFTER);
    loop {
        match end.recv_timeout(STEP) {
            Ok(result) => return unless_closed(result),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                if timer.is_stalled(written.load(Ordering::Relaxed)) {
                    STALLED.store(true, Ordering::Relaxed);
                    return Ok(());
                }
            }
        }
    }
}

/// Prints the result of a command that has nothing else to do.
///
/// # Errors
/// As for [`print`].
pub(crate) fn answer(text: &str) -> Result<Exit, Failure> {
    print(text).map(|()| Exit::Passed)
}

/// The failure of a write to standard output; a closed pipe is none.
pub(crate) fn unless_closed(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            Exit::Journal,
            format_args!("the output cannot be written: {error}"),
        )),
        _ => Ok(()),
    }
}

/// Removes what could act on the terminal, and ends the last line on one.
fn prepared(text: &str) -> String {
    let mut text = lines(text, console::colors_enabled());
    if !text.ends_with('\n') && io::stdout().is_terminal() {
        text.push('\n');
    }
    text
}

/// Writes the text in a thread that counts the pieces written; `None` if no thread can be started.
fn start(text: String, written: Arc<AtomicU64>) -> Option<Receiver<io::Result<()>>> {
    let (ended, end) = channel();
    let thread = std::thread::Builder::new().name("stdout".into());
    let writing = thread.spawn(move || {
        let pieces = text.as_bytes().chunks(PIECE);
        let result = pieces.map(write).try_for_each(|result| {
            written.fetch_add(1, Ordering::Relaxed);
            result
        });
        // The receiver is gone if the caller gave up.
        let _ = ended.send(result);
    });
    writing.ok().map(|_| end)
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush())
}
