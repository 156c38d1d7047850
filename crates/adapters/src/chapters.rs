//! What the output of a process has said about its tests.

use std::collections::HashMap;

use crashrate_protocol::Event;

use crate::names;

/// The greatest length of a reason in bytes.
const MAX_REASON: usize = 2000;

/// The tests of a process, and what has been said about them.
#[derive(Debug)]
pub(crate) struct Chapters {
    /// Chapter ids by the framework's name.
    ids: HashMap<String, String>,
    /// The name of the test that started and has no verdict.
    open: Option<String>,
    /// The name of the test that had the last verdict, until the next test starts.
    last: Option<String>,
    reason: String,
    events: Vec<Event>,
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed,
    Skipped,
}

impl Chapters {
    /// Of tests with these names and chapter ids.
    pub(crate) fn new(ids: HashMap<String, String>) -> Chapters {
        Chapters {
            ids,
            open: None,
            last: None,
            reason: String::new(),
            events: Vec::new(),
        }
    }

    /// The events since the last call.
    pub(crate) fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Whether this is the name of a test of the process.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.ids.contains_key(name)
    }

    /// The name of the test that started and has no verdict.
    pub(crate) fn open(&self) -> Option<&str> {
        self.open.as_deref()
    }

    /// A test starts, unless its name is unknown.
    pub(crate) fn start(&mut self, name: &str) {
        if let Some(id) = self.ids.get(name) {
            self.open = Some(name.to_owned());
            self.last = None;
            self.reason.clear();
            let chapter = id.clone();
            self.events.push(Event::ChapterStarted { chapter });
        }
    }

    /// Keeps a line for the reason of a failure.
    pub(crate) fn explain(&mut self, line: &str) {
        if self.open.is_none() || self.reason.len() >= MAX_REASON {
            return;
        }
        if !self.reason.is_empty() {
            self.reason.push('\n');
        }
        let room = MAX_REASON.saturating_sub(self.reason.len());
        self.reason.push_str(names::cut(line, room));
    }

    /// The open test ends.
    pub(crate) fn end(&mut self, verdict: Verdict) {
        let Some(name) = self.open.take() else {
            return;
        };
        let chapter = self.ids[&name].clone();
        self.last = Some(name);
        let reason = std::mem::take(&mut self.reason);
        self.events.push(match verdict {
            Verdict::Passed => Event::ChapterPassed { chapter },
            Verdict::Failed => Event::ChapterFailed { chapter, reason },
            Verdict::Skipped => Event::ChapterSkipped { chapter, reason },
        });
    }

    /// The name of the test that had the last verdict, if no test has started since.
    pub(crate) fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// The last verdict was none: its test is open.
    pub(crate) fn reopen(&mut self) {
        self.open = self.last.take();
    }

    /// The open test waits while others run.
    pub(crate) fn pause(&mut self) {
        if let Some(name) = self.open.take() {
            let chapter = self.ids[&name].clone();
            self.events.push(Event::ChapterPaused { chapter });
        }
    }
}
