//! Finds old names: identifiers, files, keys and flags that `xtask/names.toml` says were renamed.
//!
//! It reads tokens, keys and flags. English words in comments and sentences are no names.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use proc_macro2::{TokenStream, TokenTree};
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
    path: PathBuf,
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

/// A place where an old name is right; the table says why.
#[derive(Deserialize)]
struct Exception {
    name: String,
    #[serde(rename = "in")]
    path: PathBuf,
}

/// An old name in a file, and its line.
type Found<'a> = (usize, &'a str, &'a Name);

pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let text = fs::read_to_string(workspace.root().join("xtask/names.toml"))?;
    let table: Table = toml::from_str(&text).context("xtask/names.toml")?;
    let mut used = BTreeSet::new();
    let mut count = 0;
    for file in source::files(workspace.root())? {
        let path = &file.path;
        for (line, old, name) in table.find(&file)? {
            let fits =
                |exception: &Exception| exception.name == old && path.starts_with(&exception.path);
            if let Some(index) = table.exception.iter().position(fits) {
                used.insert(index);
            } else {
                say!("{}:{line}: {old} -> {}", path.display(), name.new);
                count += 1;
            }
        }
    }
    for (index, Exception { name, path }) in table.exception.iter().enumerate() {
        if !used.contains(&index) {
            say!("warning: unused exception: {name} in {}", path.display());
        }
    }
    if count == 0 {
        say!("no old names ({} exceptions)", table.exception.len());
        return Ok(ExitCode::SUCCESS);
    }
    say!("{count} old names; add an exception to xtask/names.toml where one is right");
    Ok(ExitCode::FAILURE)
}

impl Table {
    /// All old names in a file, exceptions included.
    fn find(&self, file: &File) -> Result<Vec<Found<'_>>> {
        // Published text, and this table.
        let skipped = ["LICENSE-APACHE", "LICENSE-MIT", "Cargo.lock", "names.toml"];
        if skipped.iter().any(|name| file.path.ends_with(name)) {
            return Ok(Vec::new());
        }
        let names = self
            .name
            .iter()
            .filter(|name| file.path.starts_with(&name.path));
        let mut search = Search {
            source: &file.text,
            names: names.collect(),
            found: Vec::new(),
        };
        for part in &file.path {
            let part = part.to_string_lossy();
            let stem = part.split('.').next().unwrap_or_default();
            search.look_up(0, stem, &[Kind::Module]);
        }
        if file.is_rust() {
            let tokens = file.text.parse::<TokenStream>();
            let path = file.path.display();
            search.tokens(tokens.map_err(|error| anyhow!("{path}: {error}"))?);
        } else {
            search.text(1, &file.text);
        }
        Ok(search.found)
    }
}

struct Search<'a, 'f> {
    source: &'f str,
    names: Vec<&'a Name>,
    found: Vec<Found<'a>>,
}

impl Search<'_, '_> {
    fn look_up(&mut self, line: usize, word: &str, kinds: &[Kind]) {
        let names = self.names.iter().filter(|name| kinds.contains(&name.kind));
        for name in names {
            if let Some(old) = name.old.iter().find(|old| *old == word) {
                self.found.push((line, old, name));
                return;
            }
        }
    }

    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            let line = token.span().start().line;
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(ident) => {
                    let range = ident.span().byte_range();
                    let (before, after) = (&self.source[..range.start], &self.source[range.end..]);
                    let kinds: &[Kind] = match before.ends_with("mod ") || after.starts_with("::") {
                        true => &[Kind::Identifier, Kind::Module],
                        false => &[Kind::Identifier],
                    };
                    self.look_up(line, &ident.to_string(), kinds);
                }
                TokenTree::Literal(literal) => {
                    if let syn::Lit::Str(text) = syn::Lit::new(literal) {
                        // An index such as `json["key"]`.
                        self.look_up(line, &text.value(), &[Kind::Key]);
                        self.text(line, &text.value());
                    }
                }
                TokenTree::Punct(_) => {}
            }
        }
    }

    fn text(&mut self, first: usize, text: &str) {
        for (line, text) in (first..).zip(text.lines()) {
            for key in keys(text) {
                self.look_up(line, key, &[Kind::Key]);
            }
            for flag in text.split("--").skip(1) {
                self.look_up(line, word(flag), &[Kind::Flag]);
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
        .expect("the table is valid");
        let file = File {
            path: path.into(),
            text: text.to_owned(),
        };
        let found = table.find(&file).expect("the source is valid");
        found
            .into_iter()
            .map(|(line, old, _)| (line, old.to_owned()))
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
    fn identifiers_are_not_searched_in_comments_and_strings() {
        let text =
            "//! We hear.\n/// To hear.\nfn f() {\n    // hear\n    \"hear\"; self.hear();\n}\n";
        is(&found("crates/b/x.rs", text), &[(5, "hear")]);
    }

    #[test]
    fn modules_are_found_only_in_their_crate() {
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
