//! What a test's output says about its verdict: CTest's regular expressions.

use regex_lite::Regex;
use serde::{Deserialize, Serialize};

/// The regular expressions by which CTest judges a test, in CMake's syntax.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutputRules {
    /// One of these must match: `PASS_REGULAR_EXPRESSION`. Then the exit code means nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    /// None of these may match: `FAIL_REGULAR_EXPRESSION`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failing: Vec<String>,
    /// A match means a skipped test: `SKIP_REGULAR_EXPRESSION`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipping: Vec<String>,
}

/// What the output of a test means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputMeaning {
    /// The test passed, whatever its exit code is.
    Passed,
    /// The test failed.
    Failed(String),
    /// The test did not run.
    Skipped(String),
}

impl OutputRules {
    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        *self == OutputRules::default()
    }

    /// The first rule that cannot be read, and why.
    pub(crate) fn problem(&self) -> Option<String> {
        let all = self
            .required
            .iter()
            .chain(&self.failing)
            .chain(&self.skipping);
        all.filter_map(|rule| {
            let error = compile(rule).err()?;
            Some(format!("`{rule}` is no regular expression: {error}"))
        })
        .next()
    }

    /// Judges an output as `cmCTestRunTest::EndTest` does. `None` leaves it to the exit code.
    pub fn judge(&self, output: &str) -> Option<OutputMeaning> {
        let matched = |rules: &[String]| -> Option<String> {
            let is_match = |rule: &&String| compile(rule).is_ok_and(|regex| regex.is_match(output));
            rules.iter().find(is_match).cloned()
        };
        if let Some(rule) = matched(&self.skipping) {
            return Some(OutputMeaning::Skipped(format!(
                "its output matches `{rule}`"
            )));
        }
        if let Some(rule) = matched(&self.failing) {
            return Some(OutputMeaning::Failed(format!(
                "its output matches `{rule}`"
            )));
        }
        if self.required.is_empty() {
            return None;
        }
        Some(match matched(&self.required) {
            Some(_) => OutputMeaning::Passed,
            None => {
                let rules = self.required.join("`, `");
                OutputMeaning::Failed(format!("its output does not match `{rules}`"))
            }
        })
    }
}

/// Compiles a regular expression of CMake.
///
/// It has `^ $ . [ ] * + ? ( ) |`, and a backslash makes the next character a literal one. In
/// brackets, only `^`, `-` and `]` have a meaning. `.` also matches a newline.
fn compile(rule: &str) -> Result<Regex, regex_lite::Error> {
    let mut translated = String::from("(?s)");
    let mut characters = rule.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(literal) => push_literal(&mut translated, literal),
                // No regular expression, as in CMake.
                None => translated.push('\\'),
            },
            '[' => brackets(&mut characters, &mut translated),
            '^' | '$' | '.' | '*' | '+' | '?' | '(' | ')' | '|' => translated.push(character),
            literal => push_literal(&mut translated, literal),
        }
    }
    Regex::new(&translated)
}

/// Translates a bracket expression, behind its first bracket.
fn brackets(characters: &mut std::str::Chars<'_>, translated: &mut String) {
    translated.push('[');
    let rest = characters.as_str();
    if let Some(inner) = rest.strip_prefix('^') {
        translated.push('^');
        *characters = inner.chars();
    }
    let mut is_first = true;
    let mut ranges = false;
    while let Some(character) = characters.next() {
        match character {
            ']' if !is_first => {
                translated.push(']');
                return;
            }
            // Between two characters, it is a range.
            '-' if ranges && !characters.as_str().starts_with(']') => translated.push('-'),
            literal => push_literal(translated, literal),
        }
        is_first = false;
        ranges = character != '-';
    }
}

fn push_literal(translated: &mut String, literal: char) {
    let mut buffer = [0; 4];
    translated.push_str(&regex_lite::escape(literal.encode_utf8(&mut buffer)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regular_expressions_are_those_of_cmake() {
        for (rule, matching, other) in [
            ("^a.b$", "a\nb", "xa\nb"),
            ("{1}", "{1}", "1"),
            ("\\.\\(", ".(", "x("),
            ("[]x]y", "]y", "ay"),
            ("[^]x]y", "ay", "]y"),
            ("[a\\.]z", "\\z", "bz"),
            ("[a-c-]z", "-z", "dz"),
            ("[-a]z", "-z", "bz"),
            ("[&&[]z", "[z", "az"),
            ("a|(b c)+", "b cb c", "b"),
            ("d#~ü", "d#~ü", "d"),
        ] {
            let regex = compile(rule).expect(rule);
            assert!(regex.is_match(matching), "{rule}");
            assert!(!regex.is_match(other), "{rule}");
        }
        for wrong in ["(", "[a", "*", "a\\"] {
            assert!(compile(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_output_is_judged_as_ctest_judges_it() {
        let rules = |required: &[&str], failing: &[&str], skipping: &[&str]| {
            let owned = |rules: &[&str]| rules.iter().map(|rule| (*rule).to_owned()).collect();
            OutputRules {
                required: owned(required),
                failing: owned(failing),
                skipping: owned(skipping),
            }
        };
        assert_eq!(rules(&[], &["E"], &["S"]).judge("x"), None);
        let both = rules(&["good", "fine"], &["E"], &["S"]);
        assert_eq!(both.judge("fine"), Some(OutputMeaning::Passed));
        let failed = |output| matches!(both.judge(output), Some(OutputMeaning::Failed(_)));
        assert!(failed("fine E") && failed("x"));
        assert!(matches!(
            both.judge("fine E S"),
            Some(OutputMeaning::Skipped(_))
        ));
    }
}
