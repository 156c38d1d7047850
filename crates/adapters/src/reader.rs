//! Folds the standard output of a framework into events.

use std::collections::HashMap;

use crashrate_protocol::Event;

use crate::lines::Lines;
use crate::{Framework, catch2, go, gtest, libtest, names};

/// The greatest length of a reason in bytes.
const MAX_REASON: usize = 2000;

/// Turns the standard output of a process with tests into events.
///
/// Memory is bounded, and the events do not depend on where the output is cut. Only tests that
/// were asked for have events.
#[derive(Debug)]
pub struct Reader {
    lines: Lines,
    dialect: Dialect,
    chapters: Chapters,
}

#[derive(Debug)]
enum Dialect {
    Gtest(gtest::Output),
    Catch2(catch2::Output),
    Libtest(libtest::Output),
    Go(go::Output),
}

/// The tests of a process, and what has been said about them.
#[derive(Debug)]
pub(crate) struct Chapters {
    /// Chapter ids by the framework's name.
    ids: HashMap<String, String>,
    /// The name of the test that started and has no verdict.
    open: Option<String>,
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

impl Reader {
    /// The reader for the standard output of a process with these tests, each with its name and
    /// the id of its chapter.
    ///
    /// `None` for pytest, whose plugin writes events itself, and for CTest, whose tests are
    /// programs without a common output.
    pub fn new<'a>(
        framework: Framework,
        tests: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Option<Reader> {
        let dialect = match framework {
            Framework::Gtest => Dialect::Gtest(gtest::Output::default()),
            Framework::Catch2 => Dialect::Catch2(catch2::Output::default()),
            Framework::Libtest => Dialect::Libtest(libtest::Output::default()),
            Framework::Go => Dialect::Go(go::Output::default()),
            Framework::Pytest | Framework::Ctest => return None,
        };
        let ids = tests.into_iter().map(|(name, id)| {
            // Catch2 lists a name with its outer blanks, and reports it without.
            let name = match framework {
                Framework::Catch2 => name.trim(),
                _ => name,
            };
            (name.to_owned(), id.to_owned())
        });
        Some(Reader {
            lines: Lines::default(),
            dialect,
            chapters: Chapters {
                ids: ids.collect(),
                open: None,
                reason: String::new(),
                events: Vec::new(),
            },
        })
    }

    /// Takes the next bytes of standard output; gives the events that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        let (dialect, chapters) = (&mut self.dialect, &mut self.chapters);
        self.lines.push(bytes, |line| match dialect {
            Dialect::Gtest(output) => output.line(line, chapters),
            Dialect::Catch2(output) => output.line(line, chapters),
            Dialect::Libtest(output) => output.line(line, chapters),
            Dialect::Go(output) => output.line(line, chapters),
        });
        // libtest prints the name of a test before it runs, and the verdict on the same line.
        if let (Dialect::Libtest(output), Some(line)) = (&mut self.dialect, self.lines.short()) {
            output.unfinished(&line, &mut self.chapters);
        }
        std::mem::take(&mut self.chapters.events)
    }
}

impl Chapters {
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
        let reason = std::mem::take(&mut self.reason);
        self.events.push(match verdict {
            Verdict::Passed => Event::ChapterPassed { chapter },
            Verdict::Failed => Event::ChapterFailed { chapter, reason },
            Verdict::Skipped => Event::ChapterSkipped { chapter, reason },
        });
    }

    /// The open test waits while others run.
    pub(crate) fn pause(&mut self) {
        if let Some(name) = self.open.take() {
            let chapter = self.ids[&name].clone();
            self.events.push(Event::ChapterPaused { chapter });
        }
    }
}
