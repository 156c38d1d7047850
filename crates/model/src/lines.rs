//! The lines of a journal: records with a checksum that ties each line to all lines before it.
//!
//! A line is a JSON object whose last key is `sum`: the CRC-32 of the line's bytes before
//! `,"sum":`, started with the `sum` of the line before (0 for the first), as eight lower-case
//! hexadecimal digits. A changed byte makes its own line wrong; a line that was removed, moved,
//! repeated or added makes the next one wrong. CRC-32 finds every change of one or two bits in a
//! line, and every change within four bytes.

use crc32fast::Hasher;
use thiserror::Error;

use crate::Record;

const KEY: &[u8] = br#","sum":""#;
const DIGITS: usize = 8;
const END: &[u8] = br#""}"#;

/// Writes or checks the lines of one journal, in order.
///
/// ```
/// use crashrate_model::{Hello, Lines, Record};
/// let hello = Record::Hello(Hello { device: "cpu".into(), versions: Default::default() });
/// let (mut text, mut lines) = (Vec::new(), Lines::default());
/// lines.write(&hello, &mut text).unwrap();
/// lines.write(&hello, &mut text).unwrap();
/// let mut lines = Lines::default();
/// for line in String::from_utf8(text).unwrap().lines() {
///     assert_eq!(lines.read(line.as_bytes()).unwrap(), hello);
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// The `sum` of the last line.
    last: u32,
}

impl Lines {
    /// How many bytes at the end of a line, newline included, hold its checksum.
    pub const TAIL: usize = DIGITS + END.len() + 1;

    /// The lines that follow one that ends with these bytes; its newline may be missing. Nothing if
    /// it has no checksum.
    pub fn after(line: &[u8]) -> Option<Lines> {
        let (_, digits) = split_end(line)?;
        Some(Lines {
            last: number(digits)?,
        })
    }

    /// Appends a record and a newline.
    ///
    /// # Errors
    /// The record has no JSON form. Nothing is appended then.
    pub fn write(&mut self, record: &Record, to: &mut Vec<u8>) -> serde_json::Result<()> {
        let begin = to.len();
        if let Err(error) = record.write_open(to) {
            to.truncate(begin);
            return Err(error);
        }
        self.seal(begin, to);
        Ok(())
    }

    /// Appends a record that is a JSON object already, and a newline: for programs that edit
    /// journals or test their readers.
    pub fn write_json(&mut self, object: &[u8], to: &mut Vec<u8>) {
        let begin = to.len();
        to.extend(object.strip_suffix(b"}").unwrap_or(object));
        self.seal(begin, to);
    }

    /// Ends the line that begins there.
    fn seal(&mut self, begin: usize, line: &mut Vec<u8>) {
        self.last = sum(self.last, &line[begin..]);
        line.extend(KEY);
        line.extend(format!("{:08x}", self.last).bytes());
        line.extend(END);
        line.push(b'\n');
    }

    /// Reads the next line, with or without its newline.
    ///
    /// # Errors
    /// The line is damaged, is not the one that was written here, or is not a record.
    pub fn read(&mut self, line: &[u8]) -> Result<Record, LineError> {
        let mut after = *self;
        after.check(line)?;
        let record = Record::from_json(line)?;
        *self = after;
        Ok(record)
    }

    /// Checks the next line and does not parse it. Returns its JSON object without the checksum and
    /// without the closing brace.
    ///
    /// # Errors
    /// The line is damaged, or is not the one that was written here.
    pub fn check<'l>(&mut self, line: &'l [u8]) -> Result<&'l [u8], LineError> {
        let (rest, digits) = split_end(line).ok_or(LineError::NoChecksum)?;
        let body = rest.strip_suffix(KEY).ok_or(LineError::NoChecksum)?;
        let last = number(digits).ok_or(LineError::NoChecksum)?;
        if sum(self.last, body) != last {
            return Err(LineError::Damaged);
        }
        self.last = last;
        Ok(body)
    }
}

fn sum(last: u32, body: &[u8]) -> u32 {
    let mut hasher = Hasher::new_with_initial(last);
    hasher.update(body);
    hasher.finalize()
}

/// What is before the digits of the checksum, and the digits.
fn split_end(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(END)?;
    line.split_at_checked(line.len().checked_sub(DIGITS)?)
}

/// A number has exactly one form: an upper-case digit means damage.
fn number(digits: &[u8]) -> Option<u32> {
    let is_digit = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let digits = std::str::from_utf8(digits).ok()?;
    let all = digits.as_bytes().iter().all(is_digit);
    u32::from_str_radix(digits, 16).ok().filter(|_| all)
}

/// Why a line cannot be read.
#[derive(Debug, Error)]
pub enum LineError {
    /// The line does not end with a checksum.
    #[error("the line has no checksum at its end")]
    NoChecksum,
    /// The checksum does not match.
    #[error(
        "the checksum is wrong: the line was changed, or lines before it were added, removed or \
         moved"
    )]
    Damaged,
    /// The checksum matches, but the line is not a record.
    #[error(transparent)]
    NotARecord(#[from] serde_json::Error),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ended, Outcome, Started};

    /// A journal of three different lines, and the offset at which each line ends.
    fn journal() -> (Vec<u8>, Vec<usize>) {
        let started = Record::Started(Started {
            unit: 0,
            round: 1,
            attempt: 1,
            at: 0.25,
            opened: None,
        });
        let ended = |outcome| Record::Ended(Box::new(Ended::of(0, 1, 1, outcome)));
        let (mut text, mut ends, mut lines) = (Vec::new(), Vec::new(), Lines::default());
        for record in [started, ended(Outcome::Crashed), ended(Outcome::Passed)] {
            lines.write(&record, &mut text).unwrap();
            ends.push(text.len());
        }
        (text, ends)
    }

    fn read(text: &[u8]) -> Result<Vec<Record>, LineError> {
        let mut lines = Lines::default();
        let whole = text.split_inclusive(|&b| b == b'\n');
        whole.map(|line| lines.read(line)).collect()
    }

    #[test]
    fn every_changed_bit_is_an_error() {
        let (text, ends) = journal();
        assert_eq!(read(&text).unwrap().len(), 3);
        for bit in 0..8 * text.len() {
            let mut flipped = text.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // A last line without its newline is unfinished, which the file reader detects.
            if bit / 8 != text.len() - 1 {
                assert!(read(&flipped).is_err(), "bit {bit} of {ends:?}");
            }
        }
    }

    #[test]
    fn lines_that_are_moved_removed_or_repeated_are_an_error() {
        let (text, ends) = journal();
        let lines = [&text[..ends[0]], &text[ends[0]..ends[1]], &text[ends[1]..]];
        for order in [
            &[1, 2][..],
            &[0, 2],
            &[0, 2, 1],
            &[1, 0, 2],
            &[0, 0, 1, 2],
            &[0, 1, 2, 2],
            &[0, 1, 2, 0],
        ] {
            let moved: Vec<_> = order.iter().map(|&at| lines[at]).collect();
            assert!(read(&moved.concat()).is_err(), "{order:?}");
        }
        // Reading can start after any line that is known to be valid.
        let mut after = Lines::after(&text[..ends[1]]).unwrap();
        assert!(after.read(lines[2]).is_ok());
        let tail = &text[ends[1] - Lines::TAIL..ends[1]];
        assert!(Lines::after(tail).unwrap().read(lines[2]).is_ok());
        assert_eq!(Lines::after(b"{}\n"), None);
    }

    /// A missing key is an error and never read as a default value.
    #[test]
    fn keys_that_change_a_result_are_required() {
        let (text, _) = journal();
        let text = String::from_utf8(text).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert!(
            lines[1].contains(r#""exit":null,"crash":null,"sum":""#),
            "{}",
            lines[1]
        );
        for (line, required) in [
            (0, &["unit", "round", "attempt", "at"][..]),
            (1, &["unit", "round", "attempt", "outcome", "exit", "crash"]),
            (2, &["unit", "round", "attempt", "outcome"]),
        ] {
            for key in required {
                let object: serde_json::Value = serde_json::from_str(lines[line]).unwrap();
                let serde_json::Value::Object(mut object) = object else {
                    panic!("expected an object");
                };
                assert!(object.shift_remove(*key).is_some(), "{key}");
                let json = serde_json::to_vec(&object).unwrap();
                let error = Record::from_json(&json).unwrap_err().to_string();
                let says = format!("missing field `{key}`");
                assert!(error.starts_with(&says), "{error}");
            }
        }
    }
}
