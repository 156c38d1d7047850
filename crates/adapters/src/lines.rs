//! Splits a stream of bytes into lines, in bounded memory.

/// The greatest part of a line that is kept: its end, where frameworks print their verdict.
const MAX_LINE: usize = 64 * 1024;

/// The unfinished line of a stream.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Takes the next bytes, and passes each line that they complete to `on_line`.
    ///
    /// The lines do not depend on where the stream is cut.
    pub(crate) fn push(&mut self, bytes: &[u8], mut on_line: impl FnMut(&str)) {
        let mut pieces = bytes.split(|byte| *byte == b'\n');
        let last = pieces.next_back().unwrap_or_default();
        for piece in pieces {
            self.append(piece);
            on_line(&self.text());
            self.partial.clear();
        }
        self.append(last);
    }

    /// The unfinished line.
    pub(crate) fn text(&self) -> String {
        let start = self.partial.len().saturating_sub(MAX_LINE);
        let line = &self.partial[start..];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        String::from_utf8_lossy(line).into_owned()
    }

    /// The beginning of the unfinished line, if it is short: a name that is printed before its
    /// test runs.
    pub(crate) fn short(&self) -> Option<String> {
        const SHORT: usize = 4096;
        (!self.partial.is_empty() && self.partial.len() <= SHORT).then(|| self.text())
    }

    fn append(&mut self, piece: &[u8]) {
        for part in piece.chunks(MAX_LINE) {
            self.partial.extend_from_slice(part);
            if self.partial.len() > 2 * MAX_LINE {
                self.partial.drain(..self.partial.len() - MAX_LINE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let mut reader = Lines::default();
        let mut lines = Vec::new();
        for piece in pieces {
            reader.push(piece, |line| lines.push(line.to_owned()));
        }
        lines.push(reader.text());
        lines
    }

    #[test]
    fn lines_do_not_depend_on_the_cuts() {
        let text = "a\n\nbü\r\nc".as_bytes();
        let whole = lines(&[text]);
        assert_eq!(whole, ["a", "", "bü", "c"]);
        for cut in 0..text.len() {
            assert_eq!(lines(&[&text[..cut], &text[cut..]]), whole, "cut at {cut}");
        }
    }

    #[test]
    fn the_end_of_a_long_line_is_kept() {
        let mut text = vec![b'x'; 5 * MAX_LINE + 7];
        text.extend(b"end\nnext");
        let whole = lines(&[&text]);
        assert_eq!(whole[0].len(), MAX_LINE);
        assert!(whole[0].ends_with("xend"));
        let pieces: Vec<&[u8]> = text.chunks(1000).collect();
        assert_eq!(lines(&pieces), whole);
        let mut reader = Lines::default();
        reader.push(&text[..5 * MAX_LINE], |_| ());
        assert!(reader.partial.len() <= 2 * MAX_LINE);
    }
}
