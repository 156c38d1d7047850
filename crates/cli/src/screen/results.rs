//! Results, on standard output.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use crashrate_report::lines;

use super::patient::{PIECE, Patience, STEP};
use crate::exit::{Exit, Failure};

/// Whether the terminal has stopped reading in the middle of a result. Later results are not even begun.
static STALLED: AtomicBool = AtomicBool::new(false);

/// Prints a result. A reader that has seen enough (`| head`) is no error, and a terminal that has stopped reading ends
/// the wait after a while: results can be shown again.
///
/// # Errors
/// It cannot be written, for instance because the disk is full.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    super::flush();
    if STALLED.load(Ordering::Relaxed) {
        return Ok(());
    }
    let text = prepared(text);
    if !io::stdout().is_terminal() {
        return written_or(write(text.as_bytes()));
    }
    let written = Arc::new(AtomicU64::new(0));
    let Some(end) = start(text.clone(), written.clone()) else {
        return written_or(write(text.as_bytes()));
    };
    let mut patience = Patience::new();
    loop {
        match end.recv_timeout(STEP) {
            Ok(result) => return written_or(result),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                if !patience.has_progress(written.load(Ordering::Relaxed)) {
                    STALLED.store(true, Ordering::Relaxed);
                    return Ok(());
                }
            }
        }
    }
}

/// Prints a text whenever standard output takes it, and does not wait for that.
pub(crate) fn print_if_read(text: &str) {
    let text = prepared(text);
    if start(text.clone(), Arc::default()).is_none() {
        let _ = write(text.as_bytes());
    }
}

/// What became of writing to standard output.
pub(crate) fn written_or(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            Exit::Journal,
            format_args!("the output cannot be written: {error}"),
        )),
        _ => Ok(()),
    }
}

/// Harmless, and on a terminal with an end of line.
fn prepared(text: &str) -> String {
    let mut text = lines(text, console::colors_enabled());
    if !text.ends_with('\n') && io::stdout().is_terminal() {
        text.push('\n');
    }
    text
}

/// Writes the text in a thread that counts the pieces written; nothing if no thread can be started.
fn start(text: String, written: Arc<AtomicU64>) -> Option<Receiver<io::Result<()>>> {
    let (ended, end) = channel();
    let thread = std::thread::Builder::new().name("results".into());
    let writing = thread.spawn(move || {
        let pieces = text.as_bytes().chunks(PIECE);
        let result = pieces.map(write).try_for_each(|result| {
            written.fetch_add(1, Ordering::Relaxed);
            result
        });
        // Nobody may be waiting any more.
        let _ = ended.send(result);
    });
    writing.ok().map(|_| end)
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush())
}
