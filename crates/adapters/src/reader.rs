//! Folds the standard output of a framework into events.

use crashrate_protocol::Event;

use crate::chapters::Chapters;
use crate::lines::Lines;
use crate::{Framework, catch2, go, gtest, libtest};

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
            chapters: Chapters::new(ids.collect()),
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
        self.chapters.take()
    }
}
