//! Reads what a test binary prints with `-test.v`.

use crate::chapters::{Chapters, Verdict};

/// The reader of the output of `-test.v`.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// A test that panics prints its failure before the panic. So a failure counts when the program
    /// continues; otherwise the death that follows is charged to the test.
    failed: bool,
}

impl Output {
    pub(crate) fn line(&mut self, line: &str, chapters: &mut Chapters) {
        if self.failed && continues(line) {
            self.failed = false;
            chapters.end(Verdict::Failed);
        }
        if let Some(name) = marked(line, "=== RUN   ", chapters) {
            chapters.start(&name);
        } else if let Some(name) = marked(line, "=== CONT  ", chapters) {
            // Also printed when a test continues after a subtest; then it is open.
            if chapters.open() != Some(&name) {
                chapters.start(&name);
            }
        } else if marked(line, "=== PAUSE ", chapters)
            .is_some_and(|name| chapters.open() == Some(&name))
        {
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
