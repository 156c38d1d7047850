//! The words of a command line.

use std::path::Path;

/// A command's arguments: options with their values, and the rest.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) options: Vec<String>,
    pub(crate) positional: Vec<String>,
}

/// Separates options from positional arguments.
///
/// `takes_value` are the options whose value is the next word. Only these must be known: an option
/// that holds its value after `=` is one word.
pub(crate) fn separate(words: &[String], takes_value: &[&str]) -> Arguments {
    let mut arguments = Arguments::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if !word.starts_with('-') || word == "-" {
            arguments.positional.push(word.clone());
            continue;
        }
        arguments.options.push(word.clone());
        if takes_value.contains(&word.as_str()) {
            arguments.options.extend(words.next().cloned());
        }
    }
    arguments
}

/// Leaves out options by name: `--name`, `--name=value`, and with `takes_value` `--name value`.
pub(crate) fn without(words: &[String], names: &[&str], takes_value: bool) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (name, joined) = match word.split_once('=') {
            Some((name, _)) => (name, true),
            None => (word.as_str(), false),
        };
        if !names.contains(&name) {
            kept.push(word.clone());
        } else if takes_value && !joined {
            words.next();
        }
    }
    kept
}

/// The last part of a path; the word itself if it has none, such as `..`.
pub(crate) fn file_name(word: &str) -> &str {
    let name = Path::new(word).file_name();
    name.and_then(|name| name.to_str()).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::words;

    #[test]
    fn values_belong_to_their_options() {
        let arguments = separate(&words("-p one foo --lib --features=a bar -"), &["-p"]);
        assert_eq!(arguments.options, words("-p one --lib --features=a"));
        assert_eq!(arguments.positional, words("foo bar -"));
    }

    #[test]
    fn options_are_left_out_in_both_forms() {
        let kept = without(
            &words("-r junit a --reporter=xml -v"),
            &["-r", "--reporter"],
            true,
        );
        assert_eq!(kept, words("a -v"));
        assert_eq!(without(&words("-v a -v=true"), &["-v"], false), words("a"));
    }
}
