//! Notes, log lines and the progress display, on standard error.
//!
//! A thread does the writing. A terminal that stops reading (Ctrl-S, a frozen connection) then
//! delays the notes and the display, and never the run. Every text passes
//! [`crashrate_report::lines`] first: child output must not act on the terminal.

use std::collections::VecDeque;
use std::fmt::Display as Text;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Condvar, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use crashrate_report::{lines, one_line};

use super::stall::{PIECE, STALLED_AFTER, STEP, StallTimer};
use crate::environment::lock;
use crate::error::{Exit, Failure};

const REDRAW_EVERY: Duration = Duration::from_millis(100);
/// Bytes of notes that wait for a terminal. Later notes are counted and dropped.
const MAX_QUEUED: usize = 4 << 20;

/// Draws the progress for a number of columns and rows: each string is a line.
pub(crate) type Display = Arc<dyn Fn(usize, usize) -> Vec<String> + Send + Sync>;

static STATE: Mutex<State> = Mutex::new(State {
    notes: VecDeque::new(),
    queued_bytes: 0,
    dropped: 0,
    display: None,
    drawn_lines: 0,
    busy: false,
    written: 0,
    stalled_at: None,
});
/// Signalled when the state changes.
static CHANGED: Condvar = Condvar::new();
/// Starts the writer at its first use. `false` if no thread could be started: then the caller of
/// `note` writes.
static HAS_WRITER: LazyLock<bool> = LazyLock::new(|| {
    let thread = std::thread::Builder::new().name("stderr".into());
    thread.spawn(write).is_ok()
});

struct State {
    notes: VecDeque<String>,
    queued_bytes: usize,
    dropped: u64,
    display: Option<Display>,
    /// Lines of the display that are on the terminal now.
    drawn_lines: usize,
    /// Whether the writer is writing.
    busy: bool,
    /// Pieces written so far. As long as it grows, the terminal is slow and not stalled.
    written: u64,
    /// The value of `written` when a flush gave up. Without progress no later flush waits.
    stalled_at: Option<u64>,
}

/// Prints a note of one line.
pub(crate) fn note(text: impl Text) {
    queue(one_line(&text.to_string()));
}

/// Prints a note of several lines.
pub(crate) fn note_lines(text: &str) {
    queue(lines(text, false));
}

/// Prints lines of the log, which may be coloured.
pub(crate) fn log(text: &str) {
    queue(lines(text, console::colors_enabled_stderr()));
}

/// Prints the message of a failure and returns its exit code.
pub(crate) fn report(failure: Failure) -> Exit {
    let text = format!("error: {}", failure.message);
    if failure.has_lines {
        note_lines(&text);
    } else {
        note(text);
    }
    failure.exit
}

/// Shows a display until [`hide_display`].
pub(crate) fn show_display(display: Display) {
    LazyLock::force(&HAS_WRITER);
    lock(&STATE).display = Some(display);
    CHANGED.notify_all();
}

pub(crate) fn hide_display() {
    lock(&STATE).display = None;
    CHANGED.notify_all();
}

/// Waits until all notes are written, or the terminal has stopped reading.
pub(crate) fn flush() {
    flush_until(StallTimer::new(STALLED_AFTER));
}

/// Like [`flush`], for a caller that cannot wait for long.
pub(crate) fn flush_briefly() {
    flush_until(StallTimer::new(Duration::from_millis(500)));
}

fn flush_until(mut timer: StallTimer) {
    let mut state = lock(&STATE);
    while state.is_pending() {
        if state.stalled_at == Some(state.written) || timer.is_stalled(state.written) {
            state.stalled_at = Some(state.written);
            return;
        }
        let waited = CHANGED.wait_timeout(state, STEP);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
}

fn queue(mut text: String) {
    text.push('\n');
    if !*HAS_WRITER {
        // A closed standard error is no reason to end a run.
        let _ = std::io::stderr().write_all(text.as_bytes());
        return;
    }
    let mut state = lock(&STATE);
    if state.queued_bytes + text.len() > MAX_QUEUED {
        state.dropped += 1;
    } else {
        state.queued_bytes += text.len();
        state.notes.push_back(text);
        CHANGED.notify_all();
    }
}

/// The writer's thread.
fn write() {
    let is_terminal = std::io::stderr().is_terminal();
    let mut state = lock(&STATE);
    loop {
        let mut text = state.take();
        let display = state.display.clone().filter(|_| is_terminal);
        if display.is_some() || !text.is_empty() {
            state.busy = true;
            drop(state);
            // Drawn without this lock: the display takes a lock that a thread holds while it adds a
            // note.
            let drawn_lines = display.map_or(0, |display| draw(&display, &mut text));
            for piece in text.as_bytes().chunks(PIECE) {
                let _ = std::io::stderr().write_all(piece);
                lock(&STATE).written += 1;
            }
            state = lock(&STATE);
            state.busy = false;
            state.drawn_lines = drawn_lines;
            CHANGED.notify_all();
        }
        if state.display.is_some() {
            // Notes wait for the next redraw, so that none of them causes one.
            let is_shown = |state: &mut State| state.display.is_some();
            let waited = CHANGED.wait_timeout_while(state, REDRAW_EVERY, is_shown);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        } else if !state.is_pending() {
            state = CHANGED.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl State {
    /// Whether a note waits, or a hidden display is still on the terminal.
    fn is_pending(&self) -> bool {
        let stale = self.display.is_none() && self.drawn_lines > 0;
        self.busy || stale || !self.notes.is_empty() || self.dropped > 0
    }

    /// The next bytes to write.
    fn take(&mut self) -> String {
        let mut text = String::new();
        if self.drawn_lines > 0 {
            // Go up to the first line of the display and clear from there.
            text = format!("\x1b[{}A\r\x1b[J", self.drawn_lines);
            self.drawn_lines = 0;
        }
        text.extend(self.notes.drain(..));
        self.queued_bytes = 0;
        if self.dropped > 0 {
            let dropped = std::mem::take(&mut self.dropped);
            text += &format!("({dropped} notes dropped: the terminal did not read)\n");
        }
        text
    }
}

/// Appends the display to the next bytes to write and returns its number of lines.
fn draw(display: &Display, text: &mut String) -> usize {
    let (rows, columns) = console::Term::stderr().size();
    let lines = display(columns.into(), rows.into());
    for line in &lines {
        // A line that wraps could not be cleared.
        let room = usize::from(columns).saturating_sub(1);
        text.push_str(&console::truncate_str(&one_line(line), room, ""));
        text.push('\n');
    }
    lines.len()
}
