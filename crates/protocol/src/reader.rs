//! Splits the bytes of the events descriptor into events, in bounded memory.

use std::fmt::Display;

use crate::Event;
use crate::event::parse_line;

/// The longest event line, in bytes. A longer line is reported as garbage.
const MAX_LINE: usize = 64 * 1024;

/// Splits a byte stream into event lines. Buffers at most one line of at most 64 KiB.
#[derive(Debug, Default)]
pub struct EventReader {
    partial: Vec<u8>,
    overlong: bool,
    /// Number of lines that are not events.
    garbage_lines: u64,
    first_garbage: Option<String>,
}

impl EventReader {
    /// Creates a reader at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Consumes the next bytes and passes each complete event to `sink`.
    pub fn push(&mut self, mut bytes: &[u8], mut sink: impl FnMut(Event)) {
        while let Some(end) = bytes.iter().position(|&b| b == b'\n') {
            let (line, rest) = bytes.split_at(end);
            bytes = &rest[1..];
            if self.partial.is_empty() && !self.overlong && line.len() <= MAX_LINE {
                self.parse(line, &mut sink);
                continue;
            }
            self.keep(line);
            let whole = std::mem::take(&mut self.partial);
            if std::mem::take(&mut self.overlong) {
                self.garbage(format_args!("a line of more than {MAX_LINE} bytes"));
            } else {
                self.parse(&whole, &mut sink);
            }
        }
        self.keep(bytes);
    }

    /// Ends the stream. An unfinished last line is not an event.
    ///
    /// Returns a description of the lines that are not events, if any.
    pub fn finish(mut self) -> Option<String> {
        if self.overlong {
            self.garbage(format_args!("a line of more than {MAX_LINE} bytes"));
        } else if !self.partial.trim_ascii().is_empty() {
            self.garbage("the last line is cut off");
        }
        let first = self.first_garbage?;
        Some(match self.garbage_lines {
            1 => format!("1 line on the events descriptor was no event: {first}"),
            n => format!("{n} lines on the events descriptor were no events; the first: {first}"),
        })
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.overlong || self.partial.len() + bytes.len() > MAX_LINE {
            self.overlong = true;
            self.partial = Vec::new();
        } else {
            self.partial.extend_from_slice(bytes);
        }
    }

    fn parse(&mut self, line: &[u8], sink: &mut impl FnMut(Event)) {
        match parse_line(line) {
            Ok(Some(event)) => sink(event),
            Ok(None) => {}
            Err(error) => self.garbage(error),
        }
    }

    /// Counts a line that is not an event. Only the first one is described.
    fn garbage(&mut self, what: impl Display) {
        self.garbage_lines += 1;
        self.first_garbage.get_or_insert_with(|| what.to_string());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(chunks: &[&[u8]]) -> (Vec<Event>, Option<String>) {
        let (mut reader, mut events) = (EventReader::new(), Vec::new());
        for chunk in chunks {
            reader.push(chunk, |e| events.push(e));
        }
        (events, reader.finish())
    }

    #[test]
    fn a_truncated_last_line_is_not_an_event() {
        let whole = br#"{"v":1,"event":"note","text":"x"}"#;
        let (events, garbage) = read(&[whole]);
        assert!(events.is_empty());
        assert!(garbage.unwrap().contains("cut off"));
    }

    #[test]
    fn a_line_that_is_too_long_is_dropped() {
        let long = vec![b'x'; 3 * MAX_LINE];
        let (events, garbage) = read(&[&long, b"\n{\"v\":1,\"event\":\"note\",\"text\":\"x\"}\n"]);
        assert_eq!(events.len(), 1);
        assert!(garbage.unwrap().contains("more than"));
    }

    proptest! {
        #[test]
        fn chunking_changes_nothing(texts in prop::collection::vec(".{0,20}", 0..8), cuts in prop::collection::vec(1usize..40, 0..40)) {
            let mut bytes = Vec::new();
            for text in &texts {
                let line = serde_json::json!({"v": 1, "event": "note", "text": text});
                bytes.extend_from_slice(line.to_string().as_bytes());
                bytes.push(b'\n');
            }
            let mut chunks: Vec<&[u8]> = Vec::new();
            let mut rest = &bytes[..];
            for cut in cuts {
                let (head, tail) = rest.split_at(cut.min(rest.len()));
                chunks.push(head);
                rest = tail;
            }
            chunks.push(rest);
            let (events, garbage) = read(&chunks);
            let expected: Vec<_> = texts.into_iter().map(|text| Event::Note { text }).collect();
            prop_assert_eq!(events, expected);
            prop_assert_eq!(garbage, None);
        }

        #[test]
        fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let (events, _) = read(&[&bytes]);
            prop_assert!(events.len() <= bytes.len());
        }
    }
}
