//! What the program says: results on standard output, and notes and the live picture on standard error.
//!
//! A thread writes to standard error. A terminal that stops reading (Ctrl-S, a frozen connection) then delays the notes
//! and the picture, and never the run. Everything said passes [`crashrate_report::lines`] first.

mod patient;
mod results;

use std::collections::VecDeque;
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crashrate_report::{lines, one_line};

use patient::Patience;
pub(crate) use results::{print, print_if_read, written_or};

/// Time between two pictures.
const REDRAW: Duration = Duration::from_millis(100);
/// Bytes of notes that wait for a terminal. Later notes are counted and left out.
const MOST_WAITING: usize = 4 << 20;

/// Draws the current picture for a number of columns and rows: each string is a line.
pub(crate) type Picture = Arc<dyn Fn(usize, usize) -> Vec<String> + Send + Sync>;

static SCREEN: Screen = Screen {
    state: Mutex::new(State {
        notes: VecDeque::new(),
        waiting: 0,
        left_out: 0,
        picture: None,
        drawn: 0,
        busy: false,
        written: 0,
        stalled_at: None,
        writer: Writer::NotStarted,
    }),
    changed: Condvar::new(),
};

struct Screen {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    notes: VecDeque<String>,
    /// Bytes in `notes`.
    waiting: usize,
    left_out: u64,
    picture: Option<Picture>,
    /// Lines of the picture on the terminal.
    drawn: usize,
    /// Whether the writer is writing.
    busy: bool,
    /// Pieces written so far: whether it grows tells a slow terminal from one that has stopped.
    written: u64,
    /// The value of `written` at which a wait was given up: without progress nobody waits again.
    stalled_at: Option<u64>,
    writer: Writer,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Writer {
    NotStarted,
    Started,
    /// No thread could be started: notes are written where they come up.
    Missing,
}

/// Says a note of one line.
pub(crate) fn tell(text: impl Display) {
    note(one_line(&text.to_string()));
}

/// Says a note of several lines.
pub(crate) fn tell_lines(text: &str) {
    note(lines(text, false));
}

/// Shows a picture until [`hide`], redrawn ten times a second.
pub(crate) fn show(picture: Picture) {
    let mut state = SCREEN.lock();
    state.picture = Some(picture);
    SCREEN.start_writer(&mut state);
    SCREEN.changed.notify_all();
}

/// Takes the picture away.
pub(crate) fn hide() {
    SCREEN.lock().picture = None;
    SCREEN.changed.notify_all();
}

/// Waits until everything said so far is written, as long as the terminal takes it.
pub(crate) fn flush() {
    flush_with(Patience::new());
}

/// The same where something else is waited for.
pub(crate) fn flush_briefly() {
    flush_with(Patience::of(Duration::from_millis(500)));
}

fn flush_with(mut patience: Patience) {
    let mut state = SCREEN.lock();
    while state.writer == Writer::Started && state.is_pending() {
        let stalled = state.stalled_at == Some(state.written);
        if stalled || !patience.has_progress(state.written) {
            state.stalled_at = Some(state.written);
            return;
        }
        state = (SCREEN.changed)
            .wait_timeout(state, patient::STEP)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
    }
}

fn note(mut text: String) {
    text.push('\n');
    let mut state = SCREEN.lock();
    SCREEN.start_writer(&mut state);
    if state.writer == Writer::Missing {
        drop(state);
        // That nobody can read it is no reason to end a run.
        let _ = std::io::stderr().write_all(text.as_bytes());
    } else if state.waiting + text.len() > MOST_WAITING {
        state.left_out += 1;
    } else {
        state.waiting += text.len();
        state.notes.push_back(text);
        SCREEN.changed.notify_all();
    }
}

impl Screen {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_writer(&'static self, state: &mut State) {
        if state.writer == Writer::NotStarted {
            let thread = std::thread::Builder::new().name("screen".into());
            state.writer = match thread.spawn(|| self.write()) {
                Ok(_) => Writer::Started,
                Err(_) => Writer::Missing,
            };
        }
    }

    /// The writer's thread.
    fn write(&self) {
        let is_terminal = std::io::stderr().is_terminal();
        let mut state = self.lock();
        loop {
            let mut text = state.take();
            let picture = state.picture.clone().filter(|_| is_terminal);
            if picture.is_some() || !text.is_empty() {
                state.busy = true;
                drop(state);
                // The picture has a lock of its own, so that it is drawn without this one.
                let drawn = picture.map_or(0, |picture| draw(&picture, &mut text));
                for piece in text.as_bytes().chunks(patient::PIECE) {
                    let _ = std::io::stderr().write_all(piece);
                    self.lock().written += 1;
                }
                state = self.lock();
                state.busy = false;
                state.drawn = drawn;
                self.changed.notify_all();
            }
            if state.picture.is_some() {
                // Notes wait for the next picture, so that it is not redrawn for each of them.
                state = (self.changed)
                    .wait_timeout_while(state, REDRAW, |state| state.picture.is_some())
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            } else if !state.is_pending() {
                state = (self.changed.wait(state)).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl State {
    /// Whether something is still to be written, or a picture to be taken away.
    fn is_pending(&self) -> bool {
        let stale = self.picture.is_none() && self.drawn > 0;
        self.busy || stale || !self.notes.is_empty() || self.left_out > 0
    }

    /// The next bytes to write.
    fn take(&mut self) -> String {
        let mut text = String::new();
        if self.drawn > 0 {
            // Up to the first line of the picture, and clear from there.
            text = format!("\x1b[{}A\r\x1b[J", self.drawn);
            self.drawn = 0;
        }
        text.extend(self.notes.drain(..));
        self.waiting = 0;
        if self.left_out > 0 {
            let left_out = std::mem::take(&mut self.left_out);
            text += &format!("({left_out} notes left out: the terminal did not read)\n");
        }
        text
    }
}

/// Appends the picture to the next bytes to write and returns its number of lines.
fn draw(picture: &Picture, text: &mut String) -> usize {
    let (rows, columns) = console::Term::stderr().size();
    let lines = picture(columns.into(), rows.into());
    for line in &lines {
        // Shorter than the terminal, or it would wrap and could not be cleared.
        let most = usize::from(columns).saturating_sub(1);
        text.push_str(&console::truncate_str(&one_line(line), most, ""));
        text.push('\n');
    }
    lines.len()
}
