//! Failure messages: the line on standard error (or in a macOS report) that names the failure.
//!
//! The text alone is no proof: a program may print such a line, continue, and crash for another
//! reason. A message is therefore attributed to a crash only if the stack shows a helper that
//! prints messages of its kind.

mod normalise;
mod python;
mod recognise;

use std::borrow::Cow;

pub use python::python_frames;

/// Maximum length of a message, in bytes.
const MAX_TEXT: usize = 1000;

const WITHOUT_EXCEPTION: &str = "terminate called without an active exception";
const VIRTUAL_METHOD: &str = " virtual method called";
const DOUBLE_FREE: &str = "double free or corruption";

/// The origin of a message. It determines which frames the stack must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An assertion that prints its condition: `assert`, libstdc++, Node.
    Assertion,
    /// An assertion or check with a formatted message: libc++, glog, V8, Metal.
    Check,
    /// A C library check: `*** stack smashing detected ***`.
    Libc,
    /// The memory allocator: `double free or corruption (!prev)`.
    Malloc,
    /// `std::terminate`, and uncaught Objective-C exceptions.
    Terminate,
    /// A sanitizer's report.
    Sanitizer,
    /// A Rust panic.
    Rust,
    /// A Go panic or fatal error.
    Go,
    /// A CPython fatal error.
    Python,
    /// A JVM internal error.
    Java,
    /// A failed Swift precondition.
    Swift,
}

impl Kind {
    #[cfg(test)]
    pub(crate) const ALL: [Kind; 11] = [
        Kind::Assertion,
        Kind::Check,
        Kind::Libc,
        Kind::Malloc,
        Kind::Terminate,
        Kind::Sanitizer,
        Kind::Rust,
        Kind::Go,
        Kind::Python,
        Kind::Java,
        Kind::Swift,
    ];

    /// The section of `lists/helpers.txt` that lists the functions printing such messages.
    pub(crate) fn section(self) -> &'static str {
        match self {
            Kind::Assertion => "assertion",
            Kind::Check => "check",
            Kind::Libc => "libc",
            Kind::Malloc => "malloc",
            Kind::Terminate => "terminate",
            Kind::Sanitizer => "sanitizer",
            Kind::Rust => "rust",
            Kind::Go => "go",
            Kind::Python => "python",
            Kind::Java => "java",
            Kind::Swift => "swift",
        }
    }

    /// Whether a process can survive such a message. If so, only the last one can explain the
    /// crash.
    pub(crate) fn is_survivable(self) -> bool {
        matches!(self, Kind::Sanitizer | Kind::Rust)
    }
}

/// A failure message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its origin.
    pub kind: Kind,
    /// The text, on one line.
    pub text: String,
}

impl Message {
    fn new(kind: Kind, text: &str) -> Message {
        Message {
            kind,
            text: normalise::one_line(text, MAX_TEXT),
        }
    }

    /// The text without the parts that vary between runs: numbers, addresses and paths.
    pub fn key(&self) -> Cow<'_, str> {
        match self.kind {
            // The condition is source text, so its numbers never vary.
            Kind::Assertion => Cow::Borrowed(&self.text),
            // `(fasttop)`, `(!prev)`, `(top)`: the block's position in the heap, which varies
            // between runs.
            Kind::Malloc if self.text.starts_with(DOUBLE_FREE) => Cow::Borrowed(DOUBLE_FREE),
            _ => Cow::Owned(normalise::normalise(&self.text)),
        }
    }
}

/// Finds the messages in the tail of a program's standard error, in order.
pub fn find(stderr: &[u8]) -> Vec<Message> {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text.lines().collect();
    let mut messages: Vec<Message> = Vec::new();
    for at in 0..lines.len() {
        let Some((kind, text)) = recognise::message(&lines[at..]) else {
            continue;
        };
        // `pure virtual method called` is followed by a second, less specific line.
        let is_second = text == WITHOUT_EXCEPTION
            && (messages.last()).is_some_and(|first| first.text.ends_with(VIRTUAL_METHOD));
        let message = Message::new(kind, &text);
        if !is_second && !message.text.is_empty() {
            messages.push(message);
        }
    }
    messages
}

/// The message in a text that describes the crash, such as a macOS report's application-specific
/// information: a recognised line, or else the whole text.
pub(crate) fn of_report(text: &str) -> Option<Message> {
    let last = find(text.as_bytes()).pop();
    let whole = || Message::new(Kind::Check, text);
    Some(last.unwrap_or_else(whole)).filter(|message| !message.text.is_empty())
}

#[cfg(test)]
mod tests;
