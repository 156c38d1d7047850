//! Checks of single values: what a key may hold, and the error when it holds something else.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::Spanned;
use crashrate_model::{Outcome, OutcomeSet};

use super::{Result, Source};

/// The greatest length of the id of a chapter or sequence, bytes.
const MAX_ID: usize = 400;

/// Units of sizes.
const SIZES: [(&str, f64); 10] = [
    ("B", 1.0),
    ("kB", 1e3),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("KiB", 1024.0),
    ("MiB", 1024.0 * 1024.0),
    ("GiB", 1024.0 * 1024.0 * 1024.0),
    ("TiB", 1024.0 * 1024.0 * 1024.0 * 1024.0),
];

/// Whether a text names a device: `auto`, `mps`, `cuda`, `cuda:N`, `cuda:*` or `cpu`.
pub fn is_device(text: &str) -> bool {
    matches!(text, "auto" | "mps" | "cuda" | "cuda:*" | "cpu")
        || text
            .strip_prefix("cuda:")
            .is_some_and(|n| n.parse::<u8>().is_ok())
}

impl Source<'_> {
    /// The choice of this name.
    pub(crate) fn one_of<T: Copy + Into<&'static str>>(
        &self,
        key: &str,
        kind: &str,
        word: &Spanned<String>,
        choices: &[T],
    ) -> Result<T> {
        let given = word.get_ref();
        if let Some(choice) = choices.iter().find(|&&choice| choice.into() == given) {
            return Ok(*choice);
        }
        let names: Vec<_> = choices
            .iter()
            .map(|&choice| format!("`{}`", choice.into()))
            .collect();
        self.refuse(word, not_valid(key, given, kind, &names.join(" or ")))
    }

    /// An integer; the error states the bounds.
    pub(crate) fn integer(
        &self,
        key: &str,
        given: &Spanned<i64>,
        range: RangeInclusive<u32>,
    ) -> Result<u32> {
        let value = *given.get_ref();
        if let Some(fits) = u32::try_from(value).ok().filter(|n| range.contains(n)) {
            return Ok(fits);
        }
        let (least, most) = (range.start(), range.end());
        let problem = match *most {
            u32::MAX if value < i64::from(*least) => format!("must be at least {least}"),
            most => format!("must be from {least} to {most}"),
        };
        self.refuse(given, format!("{key}: {problem}, not {value}"))
    }

    /// A duration that is more than 0.
    pub(crate) fn duration(&self, key: &str, text: &Spanned<String>) -> Result<Duration> {
        match self.duration_or_zero(key, text)? {
            Duration::ZERO => self.refuse(text, format!("{key}: must be more than 0")),
            duration => Ok(duration),
        }
    }

    /// A duration.
    pub(crate) fn duration_or_zero(&self, key: &str, text: &Spanned<String>) -> Result<Duration> {
        let parsed = humantime::parse_duration(text.get_ref()).ok();
        self.valid(parsed, key, text, "duration", "e.g. 90s, 10m or 1h 30m")
    }

    /// A size, in bytes.
    pub(crate) fn size(&self, key: &str, text: &Spanned<String>) -> Result<u64> {
        self.valid(
            parse_size(text.get_ref()),
            key,
            text,
            "size",
            "e.g. 512MiB, 2GiB or 1.5GB",
        )
    }

    pub(crate) fn device(&self, key: &str, device: &Spanned<String>) -> Result<String> {
        let valid = is_device(device.get_ref()).then(|| device.get_ref().clone());
        self.valid(
            valid,
            key,
            device,
            "device",
            "auto, mps, cuda, cuda:N, cuda:* or cpu",
        )
    }

    /// The outcomes that the crash rate counts.
    pub(crate) fn bad(&self, key: &str, bad: &[Spanned<String>]) -> Result<OutcomeSet> {
        let outcomes = bad.iter().map(|word| {
            let outcome = Outcome::from_word(word.get_ref());
            let outcome = outcome.filter(|o| o.counts() && *o != Outcome::Passed);
            let expected = "failed, crashed, timed-out or out-of-memory";
            self.valid(outcome, key, word, "bad outcome", expected)
        });
        Ok(OutcomeSet::new(outcomes.collect::<Result<Vec<_>>>()?))
    }

    /// The id of a chapter, sequence or variant, which must not have occurred before.
    pub(crate) fn new_id<'i>(
        &self,
        seen: &mut HashSet<&'i str>,
        kind: &str,
        id: &'i Spanned<String>,
    ) -> Result<String> {
        let key = format!("{kind}.id");
        let text = match kind {
            "chapter" | "sequence" => self.free_id(&key, id)?,
            _ => self.id(&key, id)?,
        };
        if !seen.insert(id.get_ref()) {
            return self.refuse(id, format!("{key}: there is another {kind} `{text}`"));
        }
        Ok(text)
    }

    /// The id of a chapter or sequence, which may be the name of a test.
    pub(crate) fn free_id(&self, key: &str, id: &Spanned<String>) -> Result<String> {
        let text = id.get_ref();
        let is_valid = (1..=MAX_ID).contains(&text.len()) && !text.contains(char::is_control);
        let expected = "1 to 400 bytes without control characters";
        self.valid(is_valid.then(|| text.clone()), key, id, "name", expected)
    }

    /// The name of a suite or variant, which is also part of file names and of command lines.
    pub(crate) fn id(&self, key: &str, id: &Spanned<String>) -> Result<String> {
        let text = id.get_ref();
        self.valid(is_name(text).then(|| text.clone()), key, id, "name", NAME)
    }

    /// Returns the value that was parsed from `text`, or an error at `text` if there is none.
    pub(crate) fn valid<T>(
        &self,
        value: Option<T>,
        key: &str,
        text: &Spanned<String>,
        kind: &str,
        expected: &str,
    ) -> Result<T> {
        let invalid = || self.refuse(text, not_valid(key, text.get_ref(), kind, expected));
        value.map_or_else(invalid, Ok)
    }
}

/// What a name consists of.
pub const NAME: &str = "at most 100 of a-z 0-9 . _ - that begin with a letter or digit";

/// Whether a suite or variant can have this name.
pub fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let inner = |c: char| plain(c) || matches!(c, '.' | '_' | '-');
    text.starts_with(plain) && text.chars().all(inner) && text.len() <= 100
}

pub(crate) fn not_valid(key: &str, given: &str, kind: &str, expected: &str) -> String {
    format!(
        "{key}: `{}` is not a valid {kind}: expected {expected}",
        given.escape_debug()
    )
}

fn parse_size(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let (_, size) = SIZES.iter().find(|(name, _)| *name == unit.trim())?;
    let bytes = number * size;
    // `run.toml` holds it as a TOML integer, which is an i64.
    (bytes >= 1.0 && bytes < i64::MAX as f64).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(parse_size("2GiB"), Some(2 << 30));
        assert_eq!(parse_size("1.5 GB"), Some(1_500_000_000));
        for wrong in [
            "",
            "2",
            "GiB",
            "-1GiB",
            "0MB",
            "2gib",
            "1..5GB",
            "9999999999TB",
            "nanB",
        ] {
            assert_eq!(parse_size(wrong), None, "{wrong}");
        }
    }
}
