//! Makes text from children harmless before it reaches a terminal or a file that people open.

/// The longest text of a table cell or a name, in characters.
pub(crate) const NAME: usize = 80;
/// The longest text of a reason or a note, in characters.
pub(crate) const SENTENCE: usize = 400;
/// The longest id that a suite accepts, in characters. Formats that programs read hold it whole.
pub(crate) const ID: usize = 400;
/// The longest reason in formats that hold it whole, in characters.
pub(crate) const WHOLE: usize = 10_000;

/// The text with control characters and invisible marks written out, cut to `limit` characters with
/// a remark. Of a name the end is kept, too: names of tests often differ only there.
pub(crate) fn clean(text: &str, limit: usize) -> String {
    // Nearly all text is: a list of millions of attempts has it in each line.
    if text.len() <= limit && text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len().min(4 * limit));
    let left = text.chars().count().saturating_sub(limit);
    let tail = match left > 0 && limit <= NAME {
        true => limit / 4,
        false => 0,
    };
    let head = limit - tail;
    text.chars()
        .take(head)
        .for_each(|c| push_visible(&mut out, c));
    if left > 0 {
        let left = crate::words::count(left as u64);
        out.push_str(&format!("... (+{left} characters)"));
    }
    if tail > 0 {
        out.push_str(" ...");
    }
    let rest = text.chars().skip(head + left);
    rest.for_each(|c| push_visible(&mut out, c));
    out
}

/// The text without sequences that set colours.
pub(crate) fn without_colors(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = if c == '\x1b' { color(rest) } else { 0 };
        if length == 0 {
            out.push(c);
        }
        rest = &rest[length.max(c.len_utf8())..];
    }
    out
}

/// The text for one line of a terminal: whatever could act on the terminal, line ends included, is
/// written out.
pub fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| push_visible(&mut out, c));
    out
}

/// The text for a terminal, with its lines and tabs; with `colors` also its colours. Anything else
/// that could act on the terminal is written out.
pub fn lines(text: &str, colors: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '\x1b' if colors => color(rest),
            _ => 0,
        };
        if length > 0 || matches!(c, '\n' | '\t') {
            out.push_str(&rest[..length.max(1)]);
        } else {
            push_visible(&mut out, c);
        }
        rest = &rest[length.max(c.len_utf8())..];
    }
    out
}

/// The length of the colour sequence (`ESC [ 1 ; 31 m`) with which the text begins; 0 if it begins
/// with none.
fn color(text: &str) -> usize {
    let Some(parameters) = text.strip_prefix("\x1b[") else {
        return 0;
    };
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';');
    match end {
        Some(end) if parameters[end..].starts_with('m') => "\x1b[".len() + end + 1,
        _ => 0,
    }
}

/// Whether a character may do something to a terminal, or to the order in which text is read,
/// instead of being seen.
pub(crate) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

fn push_visible(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if !is_unseen(c) => out.push(c),
        c if u32::from(c) < 0x100 => out.push_str(&format!("\\x{:02x}", u32::from(c))),
        c => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(
            clean("\x1b[31mred\x1b[0m\n\0", 80),
            "\\x1b[31mred\\x1b[0m\\n\\x00"
        );
        assert_eq!(
            clean("a\u{9b}2Jb\u{202e}c\u{7f}", 80),
            "a\\x9b2Jb\\u{202e}c\\x7f"
        );
        assert_eq!(clean("größer 数", 80), "größer 数");
    }

    #[test]
    fn only_lines_tabs_and_colours_reach_a_terminal() {
        let text = "\x1b[1;31mred\x1b[0m\t\n\x1b[2J\x1b[31\x1b]0;t\x07\u{202e}\u{9b}m\x1b";
        let shown = "\t\n\\x1b[2J\\x1b[31\\x1b]0;t\\x07\\u{202e}\\x9bm\\x1b";
        assert_eq!(lines(text, true), format!("\x1b[1;31mred\x1b[0m{shown}"));
        assert_eq!(lines(text, false), format!("\\x1b[1;31mred\\x1b[0m{shown}"));
        assert_eq!(one_line("a\n\tb\u{2066}"), "a\\n\\tb\\u{2066}");
    }

    #[test]
    fn long_text_is_cut_with_a_note() {
        let cut = clean(&"x".repeat(10_000), 10);
        assert_eq!(cut, "xxxxxxxx... (+9,990 characters) ...xx");
        let cut = clean(&"x".repeat(1000), SENTENCE);
        assert!(cut.ends_with("xx... (+600 characters)"), "{cut}");
        let names = [1, 2].map(|n| format!("{}[case-{n}]", "x".repeat(391)));
        let shown = names.each_ref().map(|name| clean(name, NAME));
        assert!(shown[0] != shown[1] && shown[0].ends_with("[case-1]"));
        assert_eq!(names.each_ref().map(|name| clean(name, ID)), names);
    }
}
