//! The output files of a run: what attempts that did not pass printed.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crashrate_report::View;
use crashrate_supervisor::safe_file;

/// Bytes read of an output file: its last ones.
const MAX_READ: u64 = 1 << 20;
/// Bytes of each stream in a report.
const MAX_STREAM: usize = 16 * 1024;
/// Lines of an output in a report's summary.
const TAIL_LINES: usize = 5;
/// Outputs in a report's summary.
const TAILS: usize = 10;
/// The headings of the two streams in an output file.
const HEADINGS: [&str; 2] = ["--- standard output ---\n", "\n--- standard error ---\n"];

/// The ends of standard output and standard error in an output file.
pub(super) fn read_output(folder: &Path, file: &str) -> Option<[String; 2]> {
    let mut file = safe_file::open(folder, file).ok()?;
    let begin = file.metadata().ok()?.len().saturating_sub(MAX_READ);
    file.seek(SeekFrom::Start(begin)).ok()?;
    let mut text = Vec::new();
    file.take(MAX_READ).read_to_end(&mut text).ok()?;
    let text = String::from_utf8_lossy(&text);
    let (out, err) = text.split_once(HEADINGS[1]).unwrap_or((&text, ""));
    let out = out.strip_prefix(HEADINGS[0]).unwrap_or(out);
    Some([end_of(out), end_of(err)])
}

/// Adds the last lines of outputs to a view: of standard error, or of standard output if that is
/// empty.
pub(super) fn add_tails(folder: &Path, view: &mut View) {
    let chapters = view.chapters.iter_mut().map(|row| &mut row.results);
    let sequences = view.sequences.iter_mut().map(|row| &mut row.results);
    let reasons = chapters.chain(sequences).flat_map(|r| &mut r.reasons);
    for reason in reasons.filter(|r| r.output.is_some()).take(TAILS) {
        let file = reason.output.as_deref();
        let [out, err] = file
            .and_then(|file| read_output(folder, file))
            .unwrap_or_default();
        let text = if err.trim().is_empty() { out } else { err };
        let lines: Vec<_> = text.trim_end().lines().collect();
        let last = &lines[lines.len().saturating_sub(TAIL_LINES)..];
        reason.tail = last.iter().map(|line| (*line).to_owned()).collect();
    }
}

/// The end of a text; its first line says what is left out.
fn end_of(text: &str) -> String {
    let mut begin = text.len().saturating_sub(MAX_STREAM);
    while !text.is_char_boundary(begin) {
        begin += 1;
    }
    match begin {
        0 => text.to_owned(),
        _ => format!("(the first {begin} bytes are left out)\n{}", &text[begin..]),
    }
}
