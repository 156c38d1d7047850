//! Templates of scripts and manifests: text with settings such as `@shards@`.
//!
//! A line with a setting that has no value is left out. A line with a setting that has several
//! values is repeated.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use thiserror::Error;

use crate::names::nearest;

/// A template that cannot be used.
#[derive(Debug, Error)]
pub enum TemplateError {
    /// The user's template cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The template.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The user's folder has no template for the engine.
    #[error("--templates {}: {problem}; expected some of {names}", folder.display())]
    NoTemplate {
        /// The folder.
        folder: PathBuf,
        /// What is wrong.
        problem: &'static str,
        /// The names of the engine's templates.
        names: String,
    },
    /// It names a setting that does not exist.
    #[error("{file}:{line}: there is no setting @{name}@{}", did_you_mean(nearest.as_deref()))]
    Unknown {
        /// The template.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The unknown setting.
        name: String,
        /// The setting with the nearest name.
        nearest: Option<String>,
    },
    /// A value cannot be written in this file.
    #[error(
        "{file}:{line}: the value of @{name}@ has a line end or a NUL, which cannot be written there"
    )]
    Value {
        /// The template.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The setting.
        name: String,
    },
    /// A word cannot be written in a command of this file.
    #[error("{file}: the value of @{name}@ has a line end or a NUL, which cannot be written there")]
    Word {
        /// The template.
        file: &'static str,
        /// The setting.
        name: &'static str,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean @{name}@?"))
}

/// How a file quotes the values in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// A script of bash. Slurm reads its own options in the comments by similar rules.
    Shell,
    /// YAML of Kubernetes.
    Kubernetes,
    /// YAML in which `${{ }}` is an expression.
    GitHub,
    /// YAML in which `$` begins a variable.
    Buildkite,
}

impl Syntax {
    /// Keeps the characters that the engine itself would expand.
    fn escaped(self, text: &str) -> String {
        match self {
            Syntax::Shell => text.to_owned(),
            Syntax::GitHub => text.replace("${{", "${{ '${{' }}"),
            // Both expand variables, and make one `$` of two.
            Syntax::Kubernetes | Syntax::Buildkite => text.replace('$', "$$"),
        }
    }

    fn text(self, text: &str) -> Option<String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        match self {
            Syntax::Shell => quoted(text),
            _ => {
                let begins_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
                let is_word = matches!(
                    text.to_ascii_lowercase().as_str(),
                    "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n"
                );
                let text = match self {
                    // It expands only the words of a command.
                    Syntax::Kubernetes => text.to_owned(),
                    _ => self.escaped(text),
                };
                match begins_plain && !is_word && text.chars().all(is_plain) {
                    true => Some(text),
                    // A JSON string is also one of YAML.
                    false => serde_json::to_string(&text).ok(),
                }
            }
        }
    }
}

/// A word in the syntax of a shell; `None` if it has a line end or a NUL.
fn quoted(word: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-=:,%+".contains(c);
    if !word.is_empty() && !word.starts_with('=') && word.chars().all(is_plain) {
        return Some(word.to_owned());
    }
    let word = (!word.contains('\n')).then_some(word)?;
    shlex::try_quote(word).ok().map(|word| word.into_owned())
}

/// Words as a line for a shell; `None` if one has a line end or a NUL.
pub(super) fn shell_line(words: &[String]) -> Option<String> {
    let words: Option<Vec<String>> = words.iter().map(|word| quoted(word)).collect();
    words.map(|words| words.join(" "))
}

/// The value of a setting.
#[derive(Clone, Debug)]
enum Value {
    Text(String),
    Number(u64),
    /// Words of a command line, for a shell.
    Words(Vec<String>),
    /// A list of words, for YAML.
    List(Vec<String>),
    /// YAML as it is.
    Yaml(String),
}

impl Value {
    fn written(&self, syntax: Syntax) -> Option<String> {
        match self {
            Value::Text(text) => syntax.text(text),
            Value::Number(number) => Some(number.to_string()),
            Value::Words(words) => shell_line(words).map(|line| syntax.escaped(&line)),
            Value::List(words) => {
                let words: Vec<String> = words.iter().map(|word| syntax.escaped(word)).collect();
                serde_json::to_string(&words).ok()
            }
            Value::Yaml(text) => Some(text.clone()),
        }
    }
}

/// The values of the settings of a template.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings(BTreeMap<&'static str, Vec<Value>>);

impl Settings {
    fn with(mut self, name: &'static str, values: Vec<Value>) -> Settings {
        self.0.insert(name, values);
        self
    }

    pub(super) fn text(self, name: &'static str, text: impl Into<String>) -> Settings {
        self.with(name, vec![Value::Text(text.into())])
    }

    pub(super) fn path(self, name: &'static str, path: &Path) -> Settings {
        self.text(name, path.to_string_lossy())
    }

    pub(super) fn texts(self, name: &'static str, texts: &[String]) -> Settings {
        let values = texts.iter().cloned().map(Value::Text).collect();
        self.with(name, values)
    }

    pub(super) fn option(self, name: &'static str, text: Option<&str>) -> Settings {
        let values = text.map(|text| Value::Text(text.to_owned()));
        self.with(name, values.into_iter().collect())
    }

    pub(super) fn number(self, name: &'static str, number: impl Into<Option<u64>>) -> Settings {
        let values = number.into().map(Value::Number);
        self.with(name, values.into_iter().collect())
    }

    pub(super) fn words(self, name: &'static str, words: &[String]) -> Settings {
        self.with(name, vec![Value::Words(words.to_vec())])
    }

    pub(super) fn list(self, name: &'static str, words: &[String]) -> Settings {
        self.with(name, vec![Value::List(words.to_vec())])
    }

    pub(super) fn yaml(self, name: &'static str, text: impl Into<Option<String>>) -> Settings {
        let values = text.into().map(Value::Yaml);
        self.with(name, values.into_iter().collect())
    }

    /// Fills in a template. `file` names it in errors.
    pub(super) fn fill(
        &self,
        file: &str,
        template: &str,
        syntax: Syntax,
    ) -> Result<String, TemplateError> {
        let mut filled = String::new();
        for (number, line) in (1..).zip(template.lines()) {
            let at = Line { file, number };
            for copy in self.lines(at, line, syntax)? {
                // Writing into a string cannot fail.
                let _ = writeln!(filled, "{}", copy.trim_end());
            }
        }
        Ok(filled)
    }

    /// The copies of a line: one for each value of the setting with the most.
    fn lines(
        &self,
        at: Line<'_>,
        line: &str,
        syntax: Syntax,
    ) -> Result<Vec<String>, TemplateError> {
        let mut copies = vec![String::new()];
        let mut rest = line;
        while let Some((before, name, after)) = next_setting(rest) {
            let values = self.0.get(name).ok_or_else(|| at.unknown(self, name))?;
            let written: Option<Vec<String>> =
                values.iter().map(|value| value.written(syntax)).collect();
            let written = written.ok_or_else(|| at.value(name))?;
            let longer = copies.iter().flat_map(|copy| {
                let with = move |value: &String| format!("{copy}{before}{value}");
                written.iter().map(with)
            });
            copies = longer.collect();
            rest = after;
        }
        copies.iter_mut().for_each(|copy| copy.push_str(rest));
        Ok(copies)
    }
}

#[derive(Clone, Copy)]
struct Line<'a> {
    file: &'a str,
    number: usize,
}

impl Line<'_> {
    fn unknown(self, settings: &Settings, name: &str) -> TemplateError {
        TemplateError::Unknown {
            file: self.file.to_owned(),
            line: self.number,
            name: name.to_owned(),
            nearest: nearest(name, settings.0.keys().copied()).map(str::to_owned),
        }
    }

    fn value(self, name: &str) -> TemplateError {
        TemplateError::Value {
            file: self.file.to_owned(),
            line: self.number,
            name: name.to_owned(),
        }
    }
}

/// Splits a line at its first setting: the text before it, its name, and the text after it.
fn next_setting(line: &str) -> Option<(&str, &str, &str)> {
    let is_name = |name: &str| {
        let is_letter = |c: char| c.is_ascii_lowercase() || c == '-';
        !name.is_empty() && name.chars().all(is_letter)
    };
    line.match_indices('@').find_map(|(begin, _)| {
        let (name, after) = line[begin + 1..].split_once('@')?;
        is_name(name).then_some((&line[..begin], name, after))
    })
}

/// The templates: those of crashrate, and in place of them the user's.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    /// The folder of the user's templates.
    pub folder: Option<PathBuf>,
}

impl Templates {
    /// Checks that the user's folder has a template with one of these names.
    pub(super) fn check(&self, names: &[&str]) -> Result<(), TemplateError> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let problem = match folder.is_dir() {
            false => "no such folder",
            true if names.iter().any(|name| folder.join(name).exists()) => return Ok(()),
            true => "it has no template for this engine",
        };
        Err(TemplateError::NoTemplate {
            folder: folder.clone(),
            problem,
            names: names.join(", "),
        })
    }

    /// The text of a template, and its name in errors.
    pub(super) fn text(&self, file: &str, own: &str) -> Result<(String, String), TemplateError> {
        let path = self.folder.as_ref().map(|folder| folder.join(file));
        // A folder may have only the templates that were changed.
        match path.filter(|path| path.exists()) {
            None => Ok((own.to_owned(), file.to_owned())),
            Some(path) => match fs::read_to_string(&path) {
                Ok(text) => Ok((text, path.display().to_string())),
                Err(source) => Err(TemplateError::Unreadable { path, source }),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings::default()
            .text("name", "a b")
            .option("none", None)
            .texts("more", &["x".into(), "y z".into()])
            .number("count", 3)
            .words("words", &["it's".into(), "$HOME".into()])
            .list("list", &["$(A) $$".into()])
    }

    #[test]
    fn lines_are_filled_in_left_out_and_repeated() {
        let text = "#!/bin/sh\n--a=@name@ @count@\n--b=@none@\n--c=@more@\nme@host @ b\n@words@\n";
        let filled = settings().fill("t.sh", text, Syntax::Shell).unwrap();
        assert_eq!(
            filled,
            "#!/bin/sh\n--a='a b' 3\n--c=x\n--c='y z'\nme@host @ b\n\"it's\" '$HOME'\n"
        );
    }

    #[test]
    fn yaml_has_its_own_quotes() {
        let filled = settings().fill(
            "t.yml",
            "n: @name@\nw: @more@\nl: @list@\n",
            Syntax::Kubernetes,
        );
        assert_eq!(
            filled.unwrap(),
            "n: \"a b\"\nw: x\nw: \"y z\"\nl: [\"$$(A) $$$$\"]\n"
        );
        let text = |text: &str, syntax: Syntax| syntax.text(text).unwrap();
        assert_eq!(text("true", Syntax::GitHub), "\"true\"");
        assert_eq!(text("1.5", Syntax::GitHub), "\"1.5\"");
        assert_eq!(
            text("echo ${{ x }}", Syntax::GitHub),
            "\"echo ${{ '${{' }} x }}\""
        );
        assert_eq!(text("echo $X", Syntax::Buildkite), "\"echo $$X\"");
        assert_eq!(text("/a $X", Syntax::Kubernetes), "\"/a $X\"");
    }

    #[test]
    fn unknown_settings_and_line_ends_are_errors() {
        let error = |text: &str| settings().fill("t.sh", text, Syntax::Shell).unwrap_err();
        assert_eq!(
            error("a\n@namee@\n").to_string(),
            "t.sh:2: there is no setting @namee@; did you mean @name@?"
        );
        let settings = Settings::default().text("name", "a\nb");
        let error = settings.fill("t.sh", "@name@", Syntax::Shell).unwrap_err();
        assert!(error.to_string().contains("a line end"), "{error}");
    }
}
