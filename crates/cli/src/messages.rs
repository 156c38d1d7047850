//! `--message-format json`: the lines of the journal on standard output while the run lasts.
//!
//! A thread copies them from the journal's file, so a reader that is slow or stops reading delays no
//! round and takes no memory.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crashrate_supervisor::journal::RunFolder;

use crate::error::{Exit, Failure};
use crate::output::unless_closed;

/// Time between two looks at the journal.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Bytes read at once, unless a line is longer.
const BUFFER: usize = 64 * 1024;

/// The thread that copies the lines.
pub(crate) struct Messages {
    run_ended: Sender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl Messages {
    /// Copies what a run appends to its journal from now on.
    ///
    /// # Errors
    /// The journal of a resumed run cannot be read, or no thread can be started.
    pub(crate) fn begin(folder: &RunFolder) -> Result<Messages, Failure> {
        let mut copy = Copy {
            path: folder.journal(),
            file: None,
            at: 0,
            buffer: vec![0; BUFFER],
        };
        let failure = |error| {
            let path = folder.journal();
            Failure::new(Exit::Incomplete, format!("{}: {error}", path.display()))
        };
        // The lines of earlier supervisors. The run cuts off a torn last line.
        while copy.next(&mut io::sink()).map_err(failure)? {}
        let (run_ended, ended) = channel();
        let thread = thread::Builder::new().name("messages".into());
        let thread = thread.spawn(move || copy.until(&ended)).map_err(failure)?;
        Ok(Messages { run_ended, thread })
    }

    /// Copies the rest. A closed pipe (`| head`) is no error.
    ///
    /// # Errors
    /// The lines cannot be written, for instance because the disk is full.
    pub(crate) fn end(self) -> Result<(), Failure> {
        drop(self.run_ended);
        let panicked = |_| {
            Err(io::Error::other(
                "the thread that copies the journal panicked",
            ))
        };
        unless_closed(self.thread.join().unwrap_or_else(panicked))
    }
}

struct Copy {
    path: PathBuf,
    /// The journal, when it exists.
    file: Option<File>,
    /// Where the next line begins.
    at: u64,
    buffer: Vec<u8>,
}

impl Copy {
    /// Copies until the run has ended.
    fn until(mut self, ended: &Receiver<()>) -> io::Result<()> {
        let mut stdout = io::stdout();
        loop {
            let is_last = ended.recv_timeout(LOOK_EVERY) != Err(RecvTimeoutError::Timeout);
            while self.next(&mut stdout)? {}
            stdout.flush()?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Copies a few complete lines. `false` if there is none.
    fn next(&mut self, to: &mut impl Write) -> io::Result<bool> {
        if self.file.is_none() {
            self.file = match File::open(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                file => Some(file?),
            };
        }
        let Some(file) = &self.file else {
            return Ok(false);
        };
        let n = file.read_at(&mut self.buffer, self.at)?;
        let end = self.buffer[..n].iter().rposition(|&byte| byte == b'\n');
        let Some(end) = end else {
            let is_full = n == self.buffer.len();
            if is_full {
                self.buffer.resize(2 * n, 0);
            }
            return Ok(is_full);
        };
        to.write_all(&self.buffer[..=end])?;
        self.at += end as u64 + 1;
        Ok(true)
    }
}
