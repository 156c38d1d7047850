//! What a program said as it died: the line on its standard error (or in a macOS report) that names the failure.
//!
//! The text alone proves nothing: a program may print such a line, go on, and die of something else. A message therefore
//! belongs to a crash only if the crash's stack shows a helper that prints messages of its kind.

mod normalise;
mod recognise;

use std::borrow::Cow;

/// The longest message that is kept, in bytes.
const MAX_TEXT: usize = 1000;

const WITHOUT_EXCEPTION: &str = "terminate called without an active exception";
const VIRTUAL_METHOD: &str = " virtual method called";
const DOUBLE_FREE: &str = "double free or corruption";

/// Who prints a message. It decides which frames the crash's stack must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An assertion with the text of its condition: `assert`, libstdc++, Node.
    Assertion,
    /// An assertion or check with a formatted message: libc++, glog, V8, Metal.
    Check,
    /// A check of the C library: `*** stack smashing detected ***`.
    Libc,
    /// The memory allocator: `double free or corruption (!prev)`.
    Malloc,
    /// `std::terminate`, and exceptions of Objective-C that nobody caught.
    Terminate,
    /// A sanitizer's report.
    Sanitizer,
    /// A panic of Rust.
    Rust,
    /// A panic or a fatal error of Go.
    Go,
    /// A fatal error of CPython.
    Python,
    /// An internal error of the JVM.
    Java,
    /// A failed precondition of Swift.
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

    /// The section of `lists/helpers.txt` with the functions that print such messages.
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

    /// Whether a process can print such a message and live on. Then only the last one is about its death.
    pub(crate) fn is_survivable(self) -> bool {
        matches!(self, Kind::Sanitizer | Kind::Rust)
    }
}

/// What a program said as it died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who printed it.
    pub kind: Kind,
    /// The text, in one line.
    pub text: String,
}

impl Message {
    fn new(kind: Kind, text: &str) -> Message {
        Message {
            kind,
            text: normalise::one_line(text, MAX_TEXT),
        }
    }

    /// The text without what differs from run to run: numbers, addresses and paths.
    pub fn key(&self) -> Cow<'_, str> {
        match self.kind {
            // The condition as the source has it: its numbers never differ.
            Kind::Assertion => Cow::Borrowed(&self.text),
            // `(fasttop)`, `(!prev)`, `(top)`: where the block lay in the heap, which differs from run to run.
            Kind::Malloc if self.text.starts_with(DOUBLE_FREE) => Cow::Borrowed(DOUBLE_FREE),
            _ => Cow::Owned(normalise::normalise(&self.text)),
        }
    }
}

/// The messages in the end of a program's standard error, in their order.
pub fn find(stderr: &[u8]) -> Vec<Message> {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text.lines().collect();
    let mut messages: Vec<Message> = Vec::new();
    for at in 0..lines.len() {
        let Some((kind, text)) = recognise::message(&lines[at..]) else {
            continue;
        };
        // `pure virtual method called` comes with a second line that says less.
        let is_second = text == WITHOUT_EXCEPTION
            && (messages.last()).is_some_and(|first| first.text.ends_with(VIRTUAL_METHOD));
        let message = Message::new(kind, &text);
        if !is_second && !message.text.is_empty() {
            messages.push(message);
        }
    }
    messages
}

/// The message in a text that is known to be about the death, such as the application-specific information of a macOS
/// report: a recognised line, else the whole text.
pub(crate) fn of_report(text: &str) -> Option<Message> {
    let last = find(text.as_bytes()).pop();
    let whole = || Message::new(Kind::Check, text);
    Some(last.unwrap_or_else(whole)).filter(|message| !message.text.is_empty())
}

#[cfg(test)]
mod tests;
