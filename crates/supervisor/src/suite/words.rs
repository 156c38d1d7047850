//! The words of a command as text: arguments may be any bytes, and suites, journals and reports are UTF-8.
//!
//! A byte that is not UTF-8 is written as a private character of its own. Such a character in a word is written as its bytes,
//! so that every word is read back as it was; all other words are themselves.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The character of byte 0; the last private area of Unicode ends with that of byte 255 and two more.
const FIRST: u32 = 0x10_fe00;

fn of_byte(byte: u8) -> char {
    char::from_u32(FIRST + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn to_byte(character: char) -> Option<u8> {
    u32::from(character)
        .checked_sub(FIRST)
        .and_then(|byte| u8::try_from(byte).ok())
}

/// A word as text.
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

/// The word that a text stands for.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_word_is_read_back(bytes: Vec<u8>, text: String) {
            for word in [OsString::from_vec(bytes), OsString::from(text), OsString::from(of_byte(7).to_string())] {
                prop_assert_eq!(word_of_text(&word_to_text(&word)), word);
            }
        }
    }

    #[test]
    fn text_is_itself() {
        assert_eq!(
            word_to_text("a b\u{e4}\u{1f600}".as_ref()),
            "a b\u{e4}\u{1f600}"
        );
    }
}
