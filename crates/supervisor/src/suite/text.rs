//! Words of commands, paths and durations as text that is read back exactly.
//!
//! Arguments and paths may be any bytes; suites, journals and reports are UTF-8. In a word, a byte
//! that is not UTF-8 is written as a private-use character. Such a character itself is written as
//! its bytes, so every word is read back unchanged; all other words stay as they are.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use serde_with::serde_conv;

/// The character for byte 0, so that byte 255 fits into the last private-use area of Unicode.
const FIRST: u32 = 0x10_fe00;

fn of_byte(byte: u8) -> char {
    char::from_u32(FIRST + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn to_byte(character: char) -> Option<u8> {
    u32::from(character)
        .checked_sub(FIRST)
        .and_then(|byte| u8::try_from(byte).ok())
}

/// Encodes a word as text.
pub fn word_to_text(word: &OsStr) -> String {
    let mut text = String::new();
    for chunk in word.as_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            match to_byte(character) {
                None => text.push(character),
                Some(_) => {
                    let mut bytes = [0; 4];
                    text.extend(character.encode_utf8(&mut bytes).bytes().map(of_byte));
                }
            }
        }
        text.extend(chunk.invalid().iter().copied().map(of_byte));
    }
    text
}

/// Decodes a word.
pub(crate) fn word_of_text(text: &str) -> OsString {
    if !text.chars().any(|character| to_byte(character).is_some()) {
        return text.into();
    }
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match to_byte(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend(character.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    OsString::from_vec(bytes)
}

serde_conv!(
    /// Paths in `run.toml`, written as words.
    pub(crate) PathText,
    PathBuf,
    |path: &PathBuf| word_to_text(path.as_os_str()),
    |text: String| -> Result<_, Infallible> { Ok(word_of_text(&text).into()) }
);

serde_conv!(
    /// Durations as people write them (`90s`, `10m`).
    pub(super) DurationText,
    Duration,
    |duration: &Duration| humantime::format_duration(*duration).to_string(),
    |text: String| humantime::parse_duration(&text)
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_word_is_read_back(bytes: Vec<u8>, text: String) {
            let private = of_byte(7).to_string();
            for word in [OsString::from_vec(bytes), text.into(), private.into()] {
                prop_assert_eq!(word_of_text(&word_to_text(&word)), word);
            }
        }
    }

    #[test]
    fn valid_text_is_unchanged() {
        assert_eq!(
            word_to_text("a b\u{e4}\u{1f600}".as_ref()),
            "a b\u{e4}\u{1f600}"
        );
    }

    #[test]
    fn every_path_is_read_back() {
        for bytes in [&b"/a/b"[..], b"/a\xff\xfe/b", "/\u{e4}".as_bytes(), b""] {
            let path = PathBuf::from(OsStr::from_bytes(bytes));
            let text = PathText::serialize(&path, serde_json::value::Serializer).unwrap();
            let back = PathText::deserialize(text).unwrap();
            assert_eq!(back, path);
        }
    }
}
