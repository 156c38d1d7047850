//! What the TOML reader reports, in the words of someone who writes a suite.

use std::ops::Range;

use crate::names::unknown;

/// Rewrites a message of the TOML reader: names the key and suggests what to write.
pub(super) fn explain(message: &str, span: &Range<usize>, text: &str) -> String {
    let value = text.get(span.clone()).unwrap_or_default();
    if let Some((key, known)) = unknown_field(message) {
        return unknown("key", key, known.iter().copied());
    }
    if let Some(key) = message.strip_prefix("missing field ") {
        return format!("missing key {key}");
    }
    match message
        .strip_prefix("invalid type: ")
        .and_then(|m| m.split_once(", expected "))
    {
        Some((found, expected)) => wrong_type(key_before(text, span.start), value, found, expected),
        None => message.to_owned(),
    }
}

/// The unknown key and the valid ones.
fn unknown_field(message: &str) -> Option<(&str, Vec<&str>)> {
    let names = message.strip_prefix("unknown field ")?;
    let mut names = names.split('`').skip(1).step_by(2);
    Some((names.next()?, names.collect()))
}

fn wrong_type(key: Option<&str>, value: &str, found: &str, expected: &str) -> String {
    let subject = key.map_or_else(String::new, |key| format!("{key}: "));
    let found = match found.split([' ', '`']).next().unwrap_or_default() {
        "string" => "a string",
        "integer" => "an integer",
        "floating" => "a number",
        "boolean" => "a boolean",
        "sequence" => "a list",
        "map" => "a table",
        _ => found,
    };
    let needed = match expected {
        "a sequence" => "a list",
        "i64" | "u32" | "u64" => "an integer",
        "f64" => "a number",
        "a map" => "a table",
        expected if expected.starts_with("struct ") => "a table",
        expected => expected,
    };
    let example = key
        .and_then(|key| Some(format!("{key} = {}", corrected(key, value, found, needed)?)))
        .map_or_else(String::new, |example| format!("; write {example}"));
    format!("{subject}must be {needed}, not {found}{example}")
}

/// The value as it was probably meant.
fn corrected(key: &str, value: &str, found: &str, needed: &str) -> Option<String> {
    let inner = value.trim_matches(['"', '\'']);
    let is_number = matches!(found, "an integer" | "a number");
    match needed {
        "a list"
            if found == "a string" && key == "command" && !inner.contains(['"', '\'', '\\']) =>
        {
            let words: Vec<_> = inner.split_whitespace().collect();
            Some(format!("{words:?}"))
        }
        "a list" if found == "a string" => Some(format!("[{value}]")),
        "a string" if found == "an integer" && matches!(key, "timeout" | "grace" | "cpu") => {
            Some(format!("\"{value}s\""))
        }
        "a string" if found == "an integer" && matches!(key, "memory" | "file-size") => {
            Some(format!("\"{value}B\""))
        }
        "a string" if matches!(key, "timeout" | "grace" | "cpu") => Some("\"90s\"".to_owned()),
        "a string" if is_number => Some(format!("\"{value}\"")),
        "an integer" if inner.parse::<i64>().is_ok() => Some(inner.to_owned()),
        "a number" if inner.parse::<f64>().is_ok() => Some(inner.to_owned()),
        "a boolean" if matches!(inner, "true" | "false") => Some(inner.to_owned()),
        _ => None,
    }
}

/// The key whose value begins here.
fn key_before(text: &str, start: usize) -> Option<&str> {
    let before = text.get(..start)?.trim_end().strip_suffix('=')?.trim_end();
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let begin = before.rfind(|c| !is_key(c)).map_or(0, |at| {
        at + before[at..].chars().next().map_or(1, char::len_utf8)
    });
    Some(&before[begin..]).filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::suite::Suite;

    fn problem(line: &str) -> String {
        let text = format!("[suite]\nname = \"x\"\n[[chapter]]\nid = \"a\"\n{line}\n");
        let error = Suite::parse(&text, Path::new("s.toml"), &|_| unreachable!()).unwrap_err();
        error.to_string()
    }

    #[test]
    fn a_probable_meaning_is_suggested() {
        for (line, expected) in [
            (
                "command = \"true\"",
                "5:11: command: must be a list, not a string; write command = [\"true\"]",
            ),
            (
                "command = \"python3 suite.py\"",
                "5:11: command: must be a list, not a string; \
                 write command = [\"python3\", \"suite.py\"]",
            ),
            (
                "timeout = 30",
                "5:11: timeout: must be a string, not an integer; write timeout = \"30s\"",
            ),
            (
                "rounds = \"3\"",
                "5:10: rounds: must be an integer, not a string; write rounds = 3",
            ),
            (
                "rounds = \"ten\"",
                "5:10: rounds: must be an integer, not a string",
            ),
            (
                "timout = \"1s\"",
                "5:1: unknown key `timout`; did you mean `timeout`?",
            ),
            (
                "limits = { memory = 5 }",
                "5:21: memory: must be a string, not an integer; write memory = \"5B\"",
            ),
            (
                "pty = \"true\"",
                "5:7: pty: must be a boolean, not a string; write pty = true",
            ),
        ] {
            assert_eq!(problem(line), format!("s.toml:{expected}"));
        }
    }
}
