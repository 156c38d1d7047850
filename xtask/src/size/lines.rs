//! Code, comments, tests and functions of one file.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::Result;
use proc_macro2::TokenTree;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::LONG_LINE;
use crate::source::{self, File};

/// Blank lines count only in `all`.
#[derive(Default)]
pub(super) struct Lines {
    pub(super) all: usize,
    pub(super) code: usize,
    pub(super) comments: usize,
    /// Lines of `#[cfg(test)]` items, whatever they are.
    pub(super) tests: usize,
    /// Lines with more than 100 characters.
    pub(super) long: usize,
    /// Name and lines of each function that is not a test.
    pub(super) functions: Vec<(String, usize)>,
    test_modules: Vec<String>,
}

impl Lines {
    pub(super) fn of(file: &File) -> Result<Self> {
        let tokens = file.tokens()?;
        let mut items = Items::default();
        items.visit_file(&syn::parse2(tokens.clone())?);
        let mut with_code = BTreeSet::new();
        source::each_token(&file.text, tokens, &mut |token| match token {
            TokenTree::Group(group) => {
                with_code.insert(group.span_open().start().line);
                with_code.insert(group.span_close().end().line);
            }
            _ => with_code.extend(token.span().start().line..=token.span().end().line),
        });
        let mut lines = Lines {
            functions: items.functions,
            test_modules: items.test_modules,
            ..Lines::default()
        };
        for (number, line) in (1..).zip(file.text.lines()) {
            lines.all += 1;
            lines.long += usize::from(line.chars().count() > LONG_LINE);
            if line.trim().is_empty() {
                continue;
            }
            match () {
                () if items.tests.iter().any(|test| test.contains(&number)) => lines.tests += 1,
                () if with_code.contains(&number) => lines.code += 1,
                () => lines.comments += 1,
            }
        }
        Ok(lines)
    }

    /// The paths below which the modules `#[cfg(test)] mod NAME;` of the file are.
    pub(super) fn test_modules(&self, path: &Path) -> Vec<PathBuf> {
        let folder = match path.file_stem().and_then(|stem| stem.to_str()) {
            Some("mod" | "lib" | "main") => path.with_file_name(""),
            _ => path.with_extension(""),
        };
        let paths = |name: &String| [folder.join(name), folder.join(format!("{name}.rs"))];
        self.test_modules.iter().flat_map(paths).collect()
    }
}

/// Whether an item has `#[cfg(test)]` or `#[test]`.
pub(super) fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        let is_cfg_test = || {
            let condition = attribute.parse_args::<syn::Path>();
            condition.is_ok_and(|condition| condition.is_ident("test"))
        };
        path.is_ident("test") || (path.is_ident("cfg") && is_cfg_test())
    })
}

#[derive(Default)]
struct Items {
    tests: Vec<RangeInclusive<usize>>,
    test_modules: Vec<String>,
    functions: Vec<(String, usize)>,
    /// The type or trait whose functions are visited.
    owner: String,
}

impl Items {
    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let lines = block.span().end().line + 1 - signature.span().start().line;
        let name = format!("{}{}", self.owner, signature.ident);
        self.functions.push((name, lines));
    }

    fn inside(&mut self, owner: String, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.owner, owner);
        visit(self);
        self.owner = before;
    }
}

impl<'ast> Visit<'ast> for Items {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes: &[syn::Attribute] = match item {
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            syn::Item::Const(item) => &item.attrs,
            syn::Item::Struct(item) => &item.attrs,
            _ => &[],
        };
        if !is_test(attributes) {
            return visit::visit_item(self, item);
        }
        self.tests
            .push(item.span().start().line..=item.span().end().line);
        if let syn::Item::Mod(module) = item
            && module.content.is_none()
        {
            self.test_modules.push(module.ident.to_string());
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.function(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !is_test(&function.attrs) {
            self.function(&function.sig, &function.block);
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.function(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let owner = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        let owner = format!("{}::", owner.unwrap_or_default());
        self.inside(owner, |items| visit::visit_item_impl(items, item));
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        let owner = format!("{}::", item.ident);
        self.inside(owner, |items| visit::visit_item_trait(items, item));
    }
}

#[cfg(test)]
mod test {
    use super::*;

    const TEXT: &str = r#"//! A module.

use std::fmt; // why

/// Does something.
#[derive(Debug)]
struct S;

impl S {
    // A comment.
    fn f(&self) {
        let text = "one

two";
    }
}

#[cfg(test)]
mod test {
    // Also a test.
    fn g() {}
}

#[cfg(test)]
mod more;
"#;

    #[test]
    fn code_comments_and_tests_are_told_apart() {
        let file = File {
            path: "src/a.rs".into(),
            text: TEXT.to_owned(),
        };
        let lines = Lines::of(&file).expect("it parses");
        assert_eq!(
            (lines.all, lines.code, lines.comments, lines.tests),
            (25, 9, 3, 7)
        );
        assert_eq!(lines.functions, [("S::f".to_owned(), 5)]);
        let modules = lines.test_modules(&file.path);
        assert_eq!(
            modules,
            [Path::new("src/a/more"), Path::new("src/a/more.rs")]
        );
    }
}
