//! The lists of frames, and their patterns.

use std::sync::LazyLock;

/// Frames that are passed over.
pub(crate) static IRRELEVANT: LazyLock<List> =
    LazyLock::new(|| List::new(include_str!("../lists/irrelevant.txt")));
/// Frames that are named and passed.
pub(crate) static PREFIX: LazyLock<List> =
    LazyLock::new(|| List::new(include_str!("../lists/prefix.txt")));

/// Patterns, one a line of a data file.
pub(crate) struct List(Vec<&'static str>);

impl List {
    fn new(text: &'static str) -> Self {
        let lines = text.lines().map(str::trim);
        List(
            lines
                .filter(|l| !l.is_empty() && !l.starts_with('#'))
                .collect(),
        )
    }

    /// Whether a frame is in it: by its function, or by its place `module!function` or `module+offset`.
    pub(crate) fn has(&self, function: Option<&str>, place: &str) -> bool {
        self.0.iter().any(|pattern| {
            let of_module = pattern.contains(['!', '+']) || pattern.contains(".so") || {
                // A library's name with a dash, such as `libgomp-*`, has no `.so`.
                pattern.starts_with("lib") && pattern.contains(['-', '5'])
            };
            match (of_module, function) {
                (true, _) => matches(pattern, place),
                (false, Some(function)) => matches(pattern, function),
                (false, None) => false,
            }
        })
    }
}

/// Whether the text is the pattern, in which a `*` stands for anything.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
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

    #[test]
    fn a_star_stands_for_anything() {
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
    fn a_whole_library_can_be_passed_over() {
        assert!(IRRELEVANT.has(Some("GOMP_parallel"), "libgomp-98b21ff3.so.1!GOMP_parallel"));
        assert!(IRRELEVANT.has(None, "libc.so.6+0x5"));
        assert!(!IRRELEVANT.has(Some("main"), "prog!main"));
        assert!(PREFIX.has(Some("free"), "libc.so.6!free"));
    }
}
