//! The anchors of attempts on a page: `round-12-batching`. They only depend on the plan, so a link to
//! one stays valid while the run grows.

use std::collections::HashSet;

use crashrate_model::DEFAULT_VARIANT;

use crate::view::View;

/// The longest name in an anchor, in characters. Of a longer one the last words are kept: names of
/// tests differ at their ends.
const LONGEST: usize = 32;

/// The last part of the anchors of each unit, in the order of [`View::units`].
pub(super) struct Anchors(Vec<String>);

impl Anchors {
    pub(super) fn of(view: &View) -> Anchors {
        let mut used = HashSet::new();
        let units = view.units.iter().map(|unit| {
            let name = match unit.variant.as_str() {
                DEFAULT_VARIANT => slug(&unit.name),
                variant => slug(&format!("{} {variant}", unit.name)),
            };
            let numbered = (2..).map(|number| format!("{name}-{number}"));
            let mut names = std::iter::once(name.clone()).chain(numbered);
            let free = names.find(|name| used.insert(name.clone()));
            free.unwrap_or_default()
        });
        Anchors(units.collect())
    }

    /// The anchor of a round of this unit.
    pub(super) fn round(&self, unit: u32, round: u32) -> String {
        let name = self.0.get(unit as usize).map_or("", String::as_str);
        format!("round-{round}-{name}")
    }
}

/// A name in lower-case letters, digits and single hyphens.
fn slug(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        match c.is_ascii_alphanumeric() {
            true => out.push(c.to_ascii_lowercase()),
            false if !out.is_empty() && !out.ends_with('-') => out.push('-'),
            false => {}
        }
    }
    let out = out.trim_end_matches('-');
    let end = &out[out.len().saturating_sub(LONGEST)..];
    let whole_words = end.find('-').map(|place| &end[place + 1..]);
    match whole_words.filter(|_| end.len() < out.len()).unwrap_or(end) {
        "" => "unit".to_owned(),
        out => out.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_short_in_anchors() {
        assert_eq!(slug("batching"), "batching");
        assert_eq!(
            slug("tests/test_a.py::Test[x-1]"),
            "tests-test-a-py-test-x-1"
        );
        assert_eq!(slug("--\u{e9}\u{1f600}"), "unit");
        assert_eq!(slug(&"a".repeat(100)).len(), LONGEST);
        assert_eq!(
            slug("tests/test_models.py::TestEncoder::test_layers[3]"),
            "py-testencoder-test-layers-3"
        );
    }
}
