//! Finds old names: identifiers, files, keys and flags that `xtask/names.toml` says were renamed.
//!
//! It reads tokens, keys and flags. English words in comments and sentences are no names.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use proc_macro2::TokenTree;
use serde::Deserialize;

use crate::source::{self, File};
use crate::workspace::Workspace;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: Vec<Name>,
    exception: Vec<Exception>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    kind: Kind,
    old: Vec<String>,
    new: String,
    /// The old name is wrong only below this path.
    #[serde(default, rename = "in")]
    path: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// A token of Rust code.
    Identifier,
    /// A module in Rust code, or the name of a file or folder.
    Module,
    /// A TOML or JSON key, also in string literals.
    Key,
    /// A command-line option.
    Flag,
}

/// A place where an old name is right.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    name: String,
    #[serde(rename = "in")]
    path: String,
    reason: String,
}

/// An old name in the checkout.
#[derive(Debug, PartialEq)]
struct Found {
    line: usize,
    old: String,
    new: String,
}

pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let table = read(&workspace.root().join("xtask/names.toml"))?;
    let mut used = vec![false; table.exception.len()];
    let mut count = 0;
    for file in source::files(workspace.root())? {
        for found in table.find(&file)? {
            if table.is_excepted(&found.old, &file.path, &mut used) {
                continue;
            }
            let path = file.path.display();
            say!("{path}:{}: {} -> {}", found.line, found.old, found.new);
            count += 1;
        }
    }
    for (exception, _) in table
        .exception
        .iter()
        .zip(&used)
        .filter(|(_, used)| !**used)
    {
        say!(
            "warning: unused exception: {} in {}",
            exception.name,
            exception.path
        );
    }
    if count == 0 {
        say!("no old names ({} exceptions)", table.exception.len());
        return Ok(ExitCode::SUCCESS);
    }
    say!("{count} old names; add an exception to xtask/names.toml where one is right");
    Ok(ExitCode::FAILURE)
}

fn read(path: &Path) -> Result<Table> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    toml::from_str(&text).with_context(|| path.display().to_string())
}

impl Table {
    fn is_excepted(&self, old: &str, path: &Path, used: &mut [bool]) -> bool {
        let fits =
            |exception: &Exception| exception.name == old && path.starts_with(&exception.path);
        let index = self.exception.iter().position(fits);
        if let Some(index) = index {
            used[index] = true;
        }
        index.is_some()
    }

    /// All old names in a file, exceptions included.
    fn find(&self, file: &File) -> Result<Vec<Found>> {
        // Published text, and this table.
        if ["LICENSE-APACHE", "LICENSE-MIT", "Cargo.lock", "names.toml"]
            .iter()
            .any(|name| file.path.ends_with(name))
        {
            return Ok(Vec::new());
        }
        let mut search = Search {
            source: &file.text,
            names: self
                .name
                .iter()
                .filter(|name| file.path.starts_with(&name.path))
                .collect(),
            found: Vec::new(),
        };
        for part in &file.path {
            let part = part.to_string_lossy();
            let stem = part.split('.').next().unwrap_or_default();
            search.look_up(0, stem, |kind| kind == Kind::Module);
        }
        if file.is_rust() {
            source::each_token(&file.text, file.tokens()?, &mut |token| search.token(token));
        } else {
            search.text(1, &file.text);
        }
        Ok(search.found)
    }
}

struct Search<'a> {
    source: &'a str,
    names: Vec<&'a Name>,
    found: Vec<Found>,
}

impl Search<'_> {
    fn look_up(&mut self, line: usize, word: &str, kinds: impl Fn(Kind) -> bool) {
        let is_it = |name: &&&Name| kinds(name.kind) && name.old.iter().any(|old| old == word);
        if let Some(name) = self.names.iter().find(is_it) {
            self.found.push(Found {
                line,
                old: word.to_owned(),
                new: name.new.clone(),
            });
        }
    }

    fn token(&mut self, token: &TokenTree) {
        let line = token.span().start().line;
        match token {
            TokenTree::Ident(ident) => {
                let range = ident.span().byte_range();
                let (before, after) = (&self.source[..range.start], &self.source[range.end..]);
                let is_module = before.ends_with("mod ") || after.starts_with("::");
                self.look_up(line, &ident.to_string(), |kind| match kind {
                    Kind::Identifier => true,
                    Kind::Module => is_module,
                    Kind::Key | Kind::Flag => false,
                });
            }
            TokenTree::Literal(literal) => {
                let Some(value) = source::string(literal) else {
                    return;
                };
                // An index such as `json["key"]`.
                self.look_up(line, &value, |kind| kind == Kind::Key);
                self.text(line, &value);
            }
            TokenTree::Group(_) | TokenTree::Punct(_) => {}
        }
    }

    fn text(&mut self, first: usize, text: &str) {
        for (line, text) in (first..).zip(text.lines()) {
            for key in keys(text) {
                self.look_up(line, key, |kind| kind == Kind::Key);
            }
            for flag in text.split("--").skip(1) {
                self.look_up(line, word(flag), |kind| kind == Kind::Flag);
            }
        }
    }
}

/// The word at the beginning of a text.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-');
    &text[..end.unwrap_or(text.len())]
}

/// The keys of TOML or JSON in a line: `key =`, `{ key = 1, key = 2 }`, `[key]`, `"key":`.
fn keys(line: &str) -> Vec<&str> {
    let mut keys = Vec::new();
    let trimmed = line.trim_start();
    if let Some(rest) = trimmed.strip_prefix('[') {
        let name = word(rest.trim_start_matches('['));
        if rest.trim_start_matches('[')[name.len()..].starts_with([']', '.']) {
            keys.push(name);
        }
    }
    for part in trimmed.split([',', '{', '(']) {
        let part = part.trim_start();
        let name = word(part);
        let rest = part[name.len()..].trim_start();
        if rest.starts_with('=') && !rest.starts_with("==") && !name.is_empty() {
            keys.push(name);
        }
    }
    let quoted: Vec<&str> = line.split('"').collect();
    for pair in quoted.windows(2).skip(1) {
        if pair[1].trim_start().starts_with(':') {
            keys.push(pair[0].trim_end_matches('\\'));
        }
    }
    keys
}

#[cfg(test)]
mod test {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(usize, String)> {
        let table: Table = toml::from_str(
            r#"
            exception = []
            name = [
                { kind = "identifier", old = ["hear"], new = "handle" },
                { kind = "module", old = ["driver"], new = "runner", in = "crates/a" },
                { kind = "key", old = ["amount"], new = "dose" },
                { kind = "flag", old = ["no-harm"], new = "--no-fault" },
            ]"#,
        )
        .expect("a table");
        let file = File {
            path: path.into(),
            text: text.to_owned(),
        };
        let found = table.find(&file).expect("it parses");
        found
            .into_iter()
            .map(|found| (found.line, found.old))
            .collect()
    }

    fn is(found: &[(usize, String)], expected: &[(usize, &str)]) {
        let found: Vec<_> = found
            .iter()
            .map(|(line, old)| (*line, old.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn identifiers_are_tokens_and_no_words_of_comments() {
        let text =
            "//! We hear.\n/// To hear.\nfn f() {\n    // hear\n    \"hear\"; self.hear();\n}\n";
        is(&found("crates/b/x.rs", text), &[(5, "hear")]);
    }

    #[test]
    fn modules_are_found_where_they_were_renamed() {
        is(
            &found("crates/a/src/driver.rs", "use driver::x;"),
            &[(0, "driver"), (1, "driver")],
        );
        is(&found("crates/b/src/driver.rs", "use driver::x;"), &[]);
        is(&found("crates/a/src/x.rs", "fn f(driver: D) {}"), &[]);
    }

    #[test]
    fn keys_are_found_in_toml_json_and_strings() {
        is(
            &found(
                "a.toml",
                "[amount]\nx = { amount = 1 }\namount = 2\n# it amount = no\n",
            ),
            &[(1, "amount"), (2, "amount"), (3, "amount")],
        );
        is(
            &found("a.json", "{\"amount\": 1, \"x\": \"amount\"}"),
            &[(1, "amount")],
        );
        let rust = "fn f() { a[\"amount\"]; b(r#\"\n{\"amount\":1}\"#); c(\"it amount\"); }";
        is(&found("a.rs", rust), &[(1, "amount"), (2, "amount")]);
    }

    #[test]
    fn flags_are_found_everywhere() {
        is(
            &found("README.md", "Use `--no-harm`, not --no-harms or no-harm."),
            &[(1, "no-harm")],
        );
        is(
            &found("a.rs", "const A: &str = \"--no-harm\";"),
            &[(1, "no-harm")],
        );
    }
}
