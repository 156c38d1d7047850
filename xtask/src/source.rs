//! The files of a checkout, and the tokens of the Rust ones.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use proc_macro2::{Delimiter, Literal, TokenStream, TokenTree};

/// Folders that hold no source.
const SKIPPED: [&str; 4] = ["target", ".git", "crashrate-runs", "__pycache__"];

/// A text file of the checkout.
pub(crate) struct File {
    /// Relative to the root.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn is_rust(&self) -> bool {
        self.path
            .extension()
            .is_some_and(|extension| extension == "rs")
    }

    /// The tokens of a Rust file. Doc comments are among them, as `#[doc = "..."]`.
    pub(crate) fn tokens(&self) -> Result<TokenStream> {
        let tokens = self.text.parse::<TokenStream>();
        tokens.map_err(|error| anyhow::anyhow!("{}: {error}", self.path.display()))
    }
}

/// Reads all text files below `root`, sorted by path.
pub(crate) fn files(root: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        for entry in entries {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let is_skipped = SKIPPED.iter().any(|name| entry.file_name() == *name);
            if kind.is_dir() && !is_skipped {
                folders.push(path);
            } else if kind.is_file() {
                // Tensors and the like are not text.
                let Ok(text) = fs::read_to_string(&path) else {
                    continue;
                };
                let path = path.strip_prefix(root)?.to_owned();
                files.push(File { path, text });
            }
        }
    }
    files.sort_by(|one, two| one.path.cmp(&two.path));
    Ok(files)
}

/// Calls `visit` with each token but those of doc comments. A group is visited before its tokens.
pub(crate) fn each_token(text: &str, tokens: TokenStream, visit: &mut impl FnMut(&TokenTree)) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        // The `#` of a doc comment has the place of the comment's first slash.
        let start = token.span().byte_range().start;
        let is_doc_comment = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '#')
            && text.as_bytes().get(start) == Some(&b'/');
        if is_doc_comment {
            // `//!` has a `!` in between.
            tokens.next_if(|next| matches!(next, TokenTree::Punct(_)));
            tokens.next();
            continue;
        }
        match &token {
            TokenTree::Group(group) => {
                if group.delimiter() != Delimiter::None {
                    visit(&token);
                }
                each_token(text, group.stream(), visit);
            }
            _ => visit(&token),
        }
    }
}

/// The value of a string literal.
pub(crate) fn string(literal: &Literal) -> Option<String> {
    match syn::Lit::new(literal.clone()) {
        syn::Lit::Str(text) => Some(text.value()),
        syn::Lit::ByteStr(bytes) => String::from_utf8(bytes.value()).ok(),
        _ => None,
    }
}
