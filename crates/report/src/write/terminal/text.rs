//! Measures, wraps and colours text for a terminal.

use unicode_width::UnicodeWidthStr;

use crate::document::Tone;

/// The width and colours of the output.
#[derive(Clone, Copy)]
pub(super) struct Screen {
    pub(super) width: usize,
    pub(super) color: bool,
}

/// The narrowest width that lines are wrapped to.
const NARROWEST: usize = 40;

/// How text is drawn.
#[derive(Clone, Copy)]
pub(super) enum Style {
    Plain,
    Bold,
    Dim,
    Tone(Tone),
    /// The word of a verdict: bold, in the colour of its tone.
    Status(Tone),
}

impl Screen {
    pub(super) fn new(width: usize, color: bool) -> Screen {
        let width = width.max(NARROWEST);
        Screen { width, color }
    }

    pub(super) fn paint(&self, text: &str, style: Style) -> String {
        let code = match style {
            Style::Plain | Style::Tone(Tone::Plain) => "",
            Style::Bold | Style::Status(Tone::Plain) => "1",
            Style::Status(Tone::Good) => "1;32",
            Style::Status(Tone::Bad) => "1;31",
            Style::Status(Tone::Doubtful) => "1;33",
            Style::Dim => "2",
            Style::Tone(Tone::Good) => "32",
            Style::Tone(Tone::Bad) => "31",
            Style::Tone(Tone::Doubtful) => "33",
        };
        match self.color && !text.is_empty() && !code.is_empty() {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }

    /// Wraps the text, indenting the first line by `indent` columns and the others by `hang`.
    pub(super) fn paragraph(&self, text: &str, indent: usize, hang: usize, style: Style) -> String {
        let room = |indent: usize| self.width.saturating_sub(indent);
        let mut out = String::new();
        for (place, line) in wrap(text, room(indent), room(hang)).iter().enumerate() {
            out.push_str(&" ".repeat(if place == 0 { indent } else { hang }));
            out.push_str(&self.paint(line.trim_end(), style));
            out.push('\n');
        }
        out
    }
}

/// The text's width in columns.
pub(in crate::write) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Breaks the text at its spaces into lines of at most `first` columns, or `rest` after the first.
/// A word that is longer than a line is broken anywhere.
pub(super) fn wrap(text: &str, first: usize, rest: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word = word;
        loop {
            let room = if lines.len() == 1 { first } else { rest }.max(1);
            let Some(line) = lines.last_mut() else { break };
            let used = if line.is_empty() { 0 } else { width(line) + 1 };
            if used + width(word) <= room {
                if used > 0 {
                    line.push(' ');
                }
                line.push_str(word);
                break;
            }
            if used == 0 {
                let end = fitting(word, room);
                line.push_str(&word[..end]);
                word = &word[end..];
            }
            lines.push(String::new());
        }
    }
    lines
}

/// The end of the longest prefix that fits, with at least one character.
pub(super) fn fitting(word: &str, room: usize) -> usize {
    let ends = word.char_indices().map(|(at, c)| at + c.len_utf8());
    let first = word.chars().next().map_or(0, char::len_utf8);
    ends.take_while(|end| width(&word[..*end]) <= room)
        .last()
        .unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_at_spaces_and_breaks_long_words() {
        assert_eq!(wrap("a bc def", 4, 4), ["a bc", "def"]);
        assert_eq!(wrap("abcdefgh i", 3, 2), ["abc", "de", "fg", "h", "i"]);
        assert_eq!(wrap("数数数", 4, 4), ["数数", "数"]);
        assert_eq!(wrap("", 4, 4), [""]);
        assert_eq!(wrap("abc", 0, 0), ["a", "b", "c"]);
    }
}
