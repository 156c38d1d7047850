//! The lists of functions and messages, and their patterns.

use std::sync::LazyLock;

/// Frames that are skipped.
static IRRELEVANT: LazyLock<List> =
    LazyLock::new(|| List::new(include_str!("../lists/irrelevant.txt")));
/// Frames that are named together with the next one.
static PREFIX: LazyLock<List> = LazyLock::new(|| List::new(include_str!("../lists/prefix.txt")));
/// Frames that report a failure and abort.
static HELPERS: LazyLock<List> = LazyLock::new(|| List::new(include_str!("../lists/helpers.txt")));
/// Functions that tell why a program aborted.
pub(crate) static ABORTS: LazyLock<List> =
    LazyLock::new(|| List::new(include_str!("../lists/aborts.txt")));
/// Texts of failure messages.
pub(crate) static MESSAGES: LazyLock<List> =
    LazyLock::new(|| List::new(include_str!("../lists/messages.txt")));

/// The role of a frame in a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Skipped.
    Irrelevant,
    /// The innermost of consecutive helpers is named; the signature continues with the frame behind
    /// them.
    Helper,
    /// Named; the signature continues with the next frame.
    Prefix,
    /// Named; the signature ends here.
    Ordinary,
}

/// The role of a frame, by its function and by its place: `module!function` or `module+offset`.
pub(crate) fn role(function: Option<&str>, place: &str) -> Role {
    if IRRELEVANT.has(function, place) {
        Role::Irrelevant
    } else if PREFIX.has(function, place) {
        Role::Prefix
    } else if HELPERS.has(function, place) {
        Role::Helper
    } else {
        Role::Ordinary
    }
}

/// Whether this frame is a helper of this section, which names the kind of message it prints.
pub(crate) fn prints(section: &str, function: Option<&str>, place: &str) -> bool {
    (HELPERS.0.iter()).any(|entry| entry.section == section && entry.fits(function, place))
}

/// Patterns from a data file, one per line, in sections.
pub(crate) struct List(Vec<Entry>);

struct Entry {
    section: &'static str,
    pattern: &'static str,
    /// Whether the pattern matches the place rather than the function.
    of_module: bool,
}

impl List {
    fn new(text: &'static str) -> Self {
        let mut section = "";
        let mut entries = Vec::new();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                Some(name) => section = name,
                None => entries.push(Entry {
                    section,
                    pattern: line,
                    of_module: is_of_module(line),
                }),
            }
        }
        List(entries)
    }

    /// Whether a pattern of this section matches the text.
    pub(crate) fn lists(&self, section: &str, text: &str) -> bool {
        let mut entries = self.0.iter().filter(|entry| entry.section == section);
        entries.any(|entry| matches(entry.pattern, text))
    }

    fn has(&self, function: Option<&str>, place: &str) -> bool {
        self.0.iter().any(|entry| entry.fits(function, place))
    }
}

impl Entry {
    fn fits(&self, function: Option<&str>, place: &str) -> bool {
        match (self.of_module, function) {
            (true, _) => matches(self.pattern, place),
            (false, Some(function)) => matches(self.pattern, function),
            (false, None) => false,
        }
    }
}

/// A leading `+` alone does not mark a module offset: Objective-C class methods begin with one.
fn is_of_module(pattern: &str) -> bool {
    pattern.contains('!') || pattern.contains("+*") || pattern.contains(".so") || {
        // A library name with a dash, such as `libgomp-*`, may lack `.so`.
        pattern.starts_with("lib") && pattern.contains(['-', '5'])
    }
}

/// Whether the text matches the pattern; `*` matches any sequence.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Kind;

    #[test]
    fn a_star_matches_anything() {
        for (pattern, text, fits) in [
            ("abort", "abort", true),
            ("abort", "abort_all", false),
            ("mem*", "memcpy", true),
            ("*sleep*", "clock_nanosleep", true),
            ("<a* as b*", "<a::C as b::D>::f", true),
            ("a*b*c", "abxc", true),
            ("a*b*c", "axc", false),
            ("libc.so.6+*", "libc.so.6+0x12@ab", true),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn every_frame_has_its_role() {
        for (function, place, expected) in [
            (
                Some("GOMP_parallel"),
                "libgomp-98b21ff3.so.1!GOMP_parallel",
                Role::Irrelevant,
            ),
            (None, "libc.so.6+0x5", Role::Irrelevant),
            (Some("main"), "prog!main", Role::Ordinary),
            (Some("free"), "libc.so.6!free", Role::Prefix),
            (None, "libasan.so.8.0.0+0x5@ab", Role::Helper),
            (
                Some("MTLReportFailure"),
                "Metal!MTLReportFailure",
                Role::Helper,
            ),
            (
                Some("+[NSException raise:format:]"),
                "CoreFoundation!+[NSException raise:format:]",
                Role::Helper,
            ),
            (
                Some("__interceptor_free"),
                "libasan.so.8!__interceptor_free",
                Role::Helper,
            ),
        ] {
            assert_eq!(role(function, place), expected, "{place}");
        }
    }

    #[test]
    fn every_kind_of_message_has_a_section_of_helpers() {
        for kind in Kind::ALL {
            let section = kind.section();
            assert!(HELPERS.0.iter().any(|e| e.section == section), "{section}");
        }
        for entry in &HELPERS.0 {
            let known = Kind::ALL.iter().any(|kind| kind.section() == entry.section);
            assert!(known || entry.section == "other", "{}", entry.section);
        }
    }
}
