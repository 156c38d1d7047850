//! Reads what a test binary prints with `-test.v`.

use crate::chapters::{Chapters, Verdict};

/// The reader of the output of `-test.v`.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// A test that panics prints its failure before the panic. So a failure counts when the program
    /// continues; otherwise the death that follows is charged to the test.
    failed: bool,
    /// Parallel tests that wait.
    paused: Vec<String>,
    /// Parallel tests that have ended and let the next one continue before their verdict is
    /// printed: `tRunner` releases its slot first.
    ending: Vec<String>,
}

impl Output {
    pub(crate) fn line(&mut self, line: &str, chapters: &mut Chapters) {
        if self.late_verdict(line, chapters) {
            return;
        }
        if self.failed && continues(line) {
            self.failed = false;
            chapters.end(Verdict::Failed);
        }
        if chapters.open().is_none() && self.starts(line, chapters) {
            return;
        }
        if let Some(name) = marked(line, "=== CONT  ", chapters) {
            self.continues(&name, chapters);
        } else if let Some(name) = marked(line, "=== PAUSE ", chapters)
            && chapters.open() == Some(&name)
        {
            self.paused.push(name);
            chapters.pause();
        } else if let Some(verdict) = chapters.open().and_then(|open| verdict(line, open)) {
            match verdict {
                Verdict::Failed => self.failed = true,
                verdict => chapters.end(verdict),
            }
        } else if let Some(text) = line.strip_prefix("    ")
            && !text.trim_start().starts_with("--- ")
        {
            chapters.explain(text);
        }
    }

    /// Starts the test of a line `=== RUN`. While a test is open, such a line is its own text.
    fn starts(&mut self, line: &str, chapters: &mut Chapters) -> bool {
        if let Some(name) = marked(line, "=== RUN   ", chapters) {
            chapters.start(&name);
            return true;
        }
        // A second verdict: the one before was the test's own text.
        let last = chapters.last().and_then(|last| verdict(line, last));
        if last == Some(Verdict::Failed) {
            chapters.reopen();
            self.failed = true;
        }
        last.is_some()
    }

    /// A test that waited continues. The line is also printed when a test continues after a
    /// subtest; then it is open.
    fn continues(&mut self, name: &str, chapters: &mut Chapters) {
        let Some(index) = self.paused.iter().position(|paused| paused == name) else {
            return;
        };
        self.paused.swap_remove(index);
        self.ending.extend(chapters.open().map(str::to_owned));
        chapters.pause();
        chapters.start(name);
    }

    /// Takes the verdict of a test that ended before the open one continued.
    fn late_verdict(&mut self, line: &str, chapters: &mut Chapters) -> bool {
        let verdicts = self.ending.iter().map(|name| verdict(line, name));
        let Some((index, verdict)) = verdicts
            .enumerate()
            .find_map(|(index, verdict)| Some((index, verdict?)))
        else {
            return false;
        };
        let ended = self.ending.swap_remove(index);
        let open = chapters.open().map(str::to_owned);
        chapters.pause();
        chapters.start(&ended);
        chapters.end(verdict);
        if let Some(open) = open {
            chapters.start(&open);
        }
        true
    }
}

/// Whether the program printed this line after a test, and did not die in it.
fn continues(line: &str) -> bool {
    line.starts_with("=== ") || line.starts_with("--- ") || line == "FAIL" || line == "PASS"
}

/// The known name behind a mark. The mark can follow text without a newline, while no test runs.
fn marked(line: &str, mark: &str, chapters: &Chapters) -> Option<String> {
    let at = line.find(mark)?;
    let name = &line[at + mark.len()..];
    let own_line = at == 0 || chapters.open().is_none();
    (own_line && chapters.knows(name)).then(|| name.to_owned())
}

/// The verdict of the open test: `--- PASS: TestA (0.00s)`, also behind text without a newline.
/// Lines about subtests, and of a test's log, are indented.
fn verdict(line: &str, open: &str) -> Option<Verdict> {
    const MARKS: [(&str, Verdict); 3] = [
        ("--- PASS: ", Verdict::Passed),
        ("--- FAIL: ", Verdict::Failed),
        ("--- SKIP: ", Verdict::Skipped),
    ];
    if line.starts_with("    ") {
        return None;
    }
    MARKS.into_iter().find_map(|(mark, verdict)| {
        let (_, rest) = line.split_once(mark)?;
        let time = rest
            .strip_prefix(open)?
            .strip_prefix(" (")?
            .strip_suffix("s)")?;
        time.parse::<f64>().is_ok().then_some(verdict)
    })
}
