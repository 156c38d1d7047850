//! Chapter ids: 1 to 400 bytes of UTF-8 without control characters, unique in a list.

use std::collections::HashMap;

use crate::group::Group;

/// The greatest length of an id in bytes.
const MAX_ID: usize = 400;

/// Makes the ids of all tests from their names.
///
/// Where there are several programs with names, the program's name stands before the test's. A
/// repeated id gets a number.
pub(crate) fn assign_ids(groups: &mut [Group]) {
    let prefixed = groups.iter().filter(|group| group.name.is_some()).count() > 1;
    let mut seen: HashMap<String, usize> = HashMap::new();
    for group in groups {
        let prefix = group.name.as_deref().filter(|_| prefixed);
        for test in &mut group.tests {
            let full = match prefix {
                Some(prefix) => format!("{prefix} {}", test.name),
                None => test.name.clone(),
            };
            test.id = unique(id(&full), &mut seen);
        }
    }
}

fn unique(id: String, seen: &mut HashMap<String, usize>) -> String {
    let mut candidate = id.clone();
    while seen.contains_key(&candidate) {
        let count = seen.get_mut(&id).expect("a repeated id was seen before");
        *count += 1;
        candidate = shortened(&format!("{id}#{count}"));
    }
    seen.insert(candidate.clone(), 1);
    candidate
}

/// The id of a test: its name with control characters escaped, and shortened if it is too long.
fn id(name: &str) -> String {
    if name.is_empty() {
        return "(no name)".to_owned();
    }
    let escaped = |c: char| -> String {
        if c.is_control() {
            c.escape_default().collect()
        } else {
            c.to_string()
        }
    };
    shortened(&name.chars().map(escaped).collect::<String>())
}

/// Cuts a long text and appends a hash of all of it, so that it stays unique.
fn shortened(text: &str) -> String {
    if text.len() <= MAX_ID {
        return text.to_owned();
    }
    let hash = format!("...{:08x}", crc32fast::hash(text.as_bytes()));
    format!("{}{hash}", cut(text, MAX_ID - hash.len()))
}

/// The longest beginning of a text with at most `max` bytes.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    let end = (0..=max.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::group::Test;
    use crate::{Framework, Invocation};

    fn ids(groups: &[(Option<&str>, &[&str])]) -> Vec<String> {
        let group = |(name, tests): &(Option<&str>, &[&str])| Group {
            framework: Framework::Gtest,
            name: name.map(str::to_owned),
            program: Invocation::default(),
            tests: tests.iter().map(|name| Test::named(*name)).collect(),
        };
        let mut groups: Vec<Group> = groups.iter().map(group).collect();
        assign_ids(&mut groups);
        let tests = groups.into_iter().flat_map(|group| group.tests);
        tests.map(|test| test.id).collect()
    }

    #[test]
    fn programs_are_named_only_where_there_are_several() {
        assert_eq!(ids(&[(Some("one"), &["a", "b"])]), ["a", "b"]);
        let several = ids(&[(Some("one"), &["a"]), (Some("two"), &["a"])]);
        assert_eq!(several, ["one a", "two a"]);
    }

    #[test]
    fn repeated_and_strange_names_get_ids() {
        let repeated = ids(&[(None, &["a", "a", "a#2", "a"])]);
        assert_eq!(repeated, ["a", "a#2", "a#2#2", "a#3"]);
        assert_eq!(ids(&[(None, &["a\nb", ""])]), ["a\\nb", "(no name)"]);
    }

    proptest! {
        #[test]
        fn ids_are_valid_and_unique(
            names in prop::collection::vec("\\PC{0,3}|(?s:.){0,500}", 1..9),
        ) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut ids = ids(&[(None, &names)]);
            for id in &ids {
                prop_assert!((1..=MAX_ID).contains(&id.len()));
                prop_assert!(!id.chars().any(char::is_control));
            }
            ids.sort();
            ids.dedup();
            prop_assert_eq!(ids.len(), names.len());
        }
    }
}
