//! Reasons of several lines.

use super::plural;
use crate::clean::{SENTENCE, clean, without_colors};

/// A reason in one line: its first line that is not blank, without colours, and how many lines
/// follow.
pub(crate) fn first_line(text: &str) -> String {
    let plain = without_colors(text);
    let mut lines = plain.split(['\n', '\r']).map(str::trim);
    let first = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let first = clean(&first.replace('\t', " "), SENTENCE);
    match lines.filter(|line| !line.is_empty()).count() {
        0 => first,
        more => format!("{first} (+{})", plural(more as u64, "line")),
    }
}

/// All lines of a reason, without colours; nothing if it has only one.
pub(crate) fn more_lines(text: &str) -> Vec<String> {
    let plain = without_colors(text).replace("\r\n", "\n");
    let lines = plain.trim_end().split(['\n', '\r']);
    let lines: Vec<_> = lines
        .map(|line| clean(&line.replace('\t', "    "), SENTENCE))
        .collect();
    match lines.len() {
        1 => Vec::new(),
        _ => lines,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_one_line_in_summaries() {
        let text = "\r\n\t\n\x1b[1;31mE  assert\t1 == 2\x1b[0m\r\n\n  where 1 = f()\rx\x1b[2J\n";
        assert_eq!(first_line(text), "E  assert 1 == 2 (+2 lines)");
        assert_eq!(first_line("\x1b[2Ja"), "\\x1b[2Ja");
        assert_eq!((&*first_line("a\n"), &*first_line(" \n")), ("a", ""));
        let whole = more_lines("a\r\n\tb\n\nc\x1b[2J\n");
        assert_eq!(whole, ["a", "    b", "", "c\\x1b[2J"]);
        assert!(more_lines("a\n").is_empty());
    }
}
