//! Patterns that choose tests.

use wildmatch::WildMatch;

use crate::error::SelectError;
use crate::group::{Group, Test};
use crate::listing::TestList;

/// Patterns that choose tests: `Math.*` includes, `-*Slow*` excludes; `*` stands for any text and
/// `?` for any character.
///
/// A pattern must match all of a test's id or of the framework's own name. Without patterns that
/// include, all tests are included. Brackets have no meaning, because names have them. Behind `=`
/// nothing has: `=a*b` is the test of this name.
#[derive(Clone, Debug, Default)]
pub struct Select {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    text: String,
    /// `None` if the text behind its `=` is the name.
    glob: Option<WildMatch>,
}

impl Select {
    /// Makes a selection from patterns.
    pub fn new<P: AsRef<str>>(patterns: &[P]) -> Select {
        let mut select = Select::default();
        for pattern in patterns {
            let pattern = pattern.as_ref();
            match pattern.strip_prefix('-') {
                Some(rest) => select.exclude.push(Pattern::new(rest)),
                None => select.include.push(Pattern::new(pattern)),
            }
        }
        select
    }

    /// The tests that match, in the list's order; groups without such tests are left out.
    pub fn choose<'a>(
        &self,
        list: &'a TestList,
    ) -> Result<Vec<(&'a Group, Vec<&'a Test>)>, SelectError> {
        for pattern in &self.include {
            let mut tests = list.groups.iter().flat_map(|group| &group.tests);
            if !tests.any(|test| pattern.matches(test)) {
                return Err(SelectError::Unmatched(pattern.text.clone()));
            }
        }
        let groups = list.groups.iter().filter_map(|group| {
            let tests = group.tests.iter().filter(|test| self.matches(test));
            let tests: Vec<&Test> = tests.collect();
            (!tests.is_empty()).then_some((group, tests))
        });
        let chosen: Vec<_> = groups.collect();
        if chosen.is_empty() && !list.is_empty() {
            return Err(SelectError::Empty);
        }
        Ok(chosen)
    }

    fn matches(&self, test: &Test) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(test));
        (self.include.is_empty() || any(&self.include)) && !any(&self.exclude)
    }
}

impl Pattern {
    fn new(text: &str) -> Pattern {
        Pattern {
            text: text.to_owned(),
            glob: (!text.starts_with('=')).then(|| WildMatch::new(text)),
        }
    }

    fn matches(&self, test: &Test) -> bool {
        let names = [&test.id, &test.name];
        match &self.glob {
            Some(glob) => names.iter().any(|name| glob.matches(name)),
            None => names.iter().any(|name| self.text[1..] == ***name),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Framework;
    use crate::process::Invocation;

    fn list(names: &[&str]) -> TestList {
        let test = |name: &&str| Test {
            id: format!("one {name}"),
            name: (*name).to_owned(),
            ..Test::default()
        };
        TestList {
            groups: vec![Group {
                framework: Framework::Gtest,
                name: None,
                program: Invocation::default(),
                tests: names.iter().map(test).collect(),
            }],
            notes: Vec::new(),
        }
    }

    fn chosen(patterns: &[&str], names: &[&str]) -> Result<Vec<String>, SelectError> {
        let list = list(names);
        let groups = Select::new(patterns).choose(&list)?;
        let tests = groups.iter().flat_map(|(_, tests)| tests);
        Ok(tests.map(|test| test.name.clone()).collect())
    }

    #[test]
    fn patterns_include_and_exclude() {
        let names = ["Math.Add", "Math.SlowSum", "Text.a[1]", "Text.b"];
        let all = |patterns: &[&str]| chosen(patterns, &names).unwrap();
        assert_eq!(all(&[]), names);
        assert_eq!(all(&["Math.*", "-*Slow*"]), ["Math.Add"]);
        assert_eq!(all(&["-Math.*"]), ["Text.a[1]", "Text.b"]);
        assert_eq!(all(&["=Text.b", "-=Math.Add"]), ["Text.b"]);
        assert!(chosen(&["=Text.*"], &names).is_err());
        assert_eq!(all(&["one Text.?", "Text.a[1]"]), ["Text.a[1]", "Text.b"]);
    }

    #[test]
    fn patterns_that_choose_nothing_are_errors() {
        let unmatched = SelectError::Unmatched("Maths.*".to_owned());
        assert_eq!(
            chosen(&["Math.*", "Maths.*"], &["Math.Add"]),
            Err(unmatched)
        );
        assert_eq!(chosen(&["-*"], &["Math.Add"]), Err(SelectError::Empty));
        assert_eq!(chosen(&[], &[]), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn a_name_without_wildcards_matches_only_itself(
            name in "[^*?=\\-][^*?]{0,20}",
            other in "\\PC{1,20}",
        ) {
            let tests = [name.as_str(), other.as_str()];
            let expected: Vec<&str> =
                tests.into_iter().filter(|test| *test == name).collect();
            prop_assert_eq!(chosen(&[&name], &tests).unwrap(), expected);
        }
    }
}
