//! Removes the parts of a message that vary between runs.

use crate::names::shorten;

/// Maximum length of a message in a signature, in bytes.
const MAX_KEY: usize = 200;
/// Placeholders for a number and for a path.
const NUMBER: &str = "N";
const PATH: &str = "PATH";
/// A word of at least this many hexadecimal digits, one of them decimal, is an address or a hash.
const HEX_WORD: usize = 8;
const UUID_LENGTH: usize = 36;

/// Puts the text on one line: collapses white space and control characters to single spaces.
pub(super) fn one_line(text: &str, max: usize) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > max {
            break;
        }
    }
    shorten(&mut line, max);
    line
}

/// Replaces every number and address by `N` and every path by `PATH`.
pub(super) fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(length) = path(&out, rest) {
            out.push_str(PATH);
            rest = &rest[length..];
        } else if !out.ends_with(is_of_word) && is_uuid(rest) {
            out.push_str(NUMBER);
            rest = &rest[UUID_LENGTH..];
        } else if is_of_word(c) {
            let end = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
            let word = &rest[..end];
            if is_number(word) {
                number(&mut out);
            } else {
                out.push_str(word);
            }
            rest = &rest[end..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    shorten(&mut out, MAX_KEY);
    out
}

/// Appends `N`. Absorbs the number's sign, and merges it with a preceding number separated only by
/// a point or dash.
fn number(out: &mut String) {
    let before = out.trim_end_matches(['.', '-']);
    if before.len() < out.len() && before.ends_with(NUMBER) {
        let whole = before.len() - NUMBER.len();
        if !out[..whole].ends_with(is_of_word) {
            out.truncate(before.len());
            return;
        }
    }
    let unsigned = out.trim_end_matches(['-', '+']);
    if unsigned.is_empty() || unsigned.ends_with([' ', '(', '[', '=', ',', ':']) {
        out.truncate(unsigned.len());
    }
    out.push_str(NUMBER);
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Accepts `12`, `0x7f`, `7fff5a3c`, `16k`; rejects `int32_t`, `T0`, `decade`.
fn is_number(word: &str) -> bool {
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        return true;
    }
    word.len() >= HEX_WORD
        && word.chars().all(|c| c.is_ascii_hexdigit())
        && word.chars().any(|c| c.is_ascii_digit())
}

/// Whether the text starts with a UUID: groups of 8, 4, 4, 4 and 12 hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    let fits = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() >= UUID_LENGTH && text.bytes().take(UUID_LENGTH).enumerate().all(fits)
}

/// The length of a path at the start of the text: absolute, relative with `.` or `~`, or with a
/// slash and an extension.
fn path(before: &str, text: &str) -> Option<usize> {
    let is_start = |c: char| c.is_whitespace() || "'\"`([{<=,:;|".contains(c);
    if !before.is_empty() && !before.ends_with(is_start) {
        return None;
    }
    let is_end = |c: char| c.is_whitespace() || "'\"`()[]{}<>,:;|".contains(c);
    let end = text.find(is_end).unwrap_or(text.len());
    let token = text[..end].trim_end_matches('.');
    let (folder, name) = token.rsplit_once('/')?;
    let rooted = ["/", "./", "../", "~/"]
        .iter()
        .any(|r| token.starts_with(r));
    let named = |name: &str| name.contains(char::is_alphanumeric);
    // `a/b.c` is a path; `read/write` and `1.5/2` are not.
    let has_extension = name.rsplit_once('.').is_some_and(|(stem, extension)| {
        named(stem) && extension.starts_with(|c: char| c.is_ascii_alphabetic())
    });
    let is_path = match rooted {
        true => named(token),
        false => named(folder) && has_extension,
    };
    is_path.then_some(token.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_addresses_and_paths_are_removed() {
        for (text, expected) in [
            ("", ""),
            (
                "double free or corruption (!prev)",
                "double free or corruption (!prev)",
            ),
            (
                "the len is 3 but the index is 12",
                "the len is N but the index is N",
            ),
            (
                "error for object 0x7ffee4: freed",
                "error for object N: freed",
            ),
            ("at 7f88028b89cf, 12.5e3 and -4 (-1)", "at N, N and N (N)"),
            ("1.2.3-4 v2 T0 int32_t cuda:0", "N v2 T0 int32_t cuda:N"),
            ("550e8400-e29b-41d4-a716-446655440000", "N"),
            (
                "cannot open /tmp/x/y.c:12: no such file",
                "cannot open PATH:N: no such file",
            ),
            ("in 'src/a.rs', ./b and ~/c.", "in 'PATH', PATH and PATH."),
            (
                "read/write of N/A in 1.5/2 a / b",
                "read/write of N/A in N/N a / b",
            ),
            ("decade facade deadbeef", "decade facade deadbeef"),
            ("x/y.z w", "PATH w"),
        ] {
            assert_eq!(normalise(text), expected, "{text}");
        }
    }

    #[test]
    fn a_message_is_one_short_line() {
        assert_eq!(one_line(" a\tb\r\n\u{1b}[1m c ", 100), "a b [1m c");
        assert_eq!(one_line("éééé", 3), "é...");
        assert!(normalise(&"word ".repeat(500)).len() <= MAX_KEY + 3);
    }

    proptest! {
        #[test]
        fn any_text_is_accepted(text in "[a-f0-9x/.~:é '\\-]{0,60}") {
            let once = normalise(&text);
            prop_assert!(once.len() <= MAX_KEY + 3);
            let has_digits = once.contains(|c: char| c.is_ascii_digit());
            prop_assert!(!has_digits || text.contains(char::is_alphabetic));
        }
    }
}
