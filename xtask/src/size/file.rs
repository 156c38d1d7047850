//! What one Rust file contains: lines, functions, and the paths that it uses.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use anyhow::{Context, Result};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::LONG_LINE;
use crate::source::File;

/// The names of a path such as `crate::size::file`.
pub(super) type Names = Vec<String>;

/// A name that a `use` item brings into a module.
pub(super) struct Import {
    pub(super) alias: String,
    pub(super) path: Names,
    /// Whether the module passes it on.
    pub(super) is_public: bool,
}

#[derive(Default)]
pub(super) struct Content {
    /// Blank lines count only here.
    pub(super) all: usize,
    pub(super) code: usize,
    pub(super) comments: usize,
    /// Lines of `#[cfg(test)]` items.
    pub(super) tests: usize,
    pub(super) long: usize,
    /// Names and lines. Tests are left out, here and below.
    pub(super) functions: Vec<(String, usize)>,
    pub(super) imports: Vec<Import>,
    pub(super) paths: Vec<Names>,
    test_lines: Vec<RangeInclusive<usize>>,
    test_modules: Vec<String>,
}

impl Content {
    pub(super) fn of(file: &File) -> Result<Self> {
        let parsed = syn::parse_file(&file.text);
        let mut content = Content::default();
        content.visit_file(&parsed.with_context(|| file.path.display().to_string())?);
        for (number, line) in (1..).zip(file.text.lines()) {
            let is_test = content.test_lines.iter().any(|test| test.contains(&number));
            content.all += 1;
            content.long += usize::from(line.chars().count() > LONG_LINE);
            match line.trim_start() {
                "" => {}
                _ if is_test => content.tests += 1,
                text if text.starts_with("//") => content.comments += 1,
                _ => content.code += 1,
            }
        }
        Ok(content)
    }

    /// The paths below which the modules `#[cfg(test)] mod NAME;` of the file are.
    pub(super) fn test_modules(&self, file: &File) -> Vec<PathBuf> {
        let folder = match file.path.file_stem().and_then(|stem| stem.to_str()) {
            Some("mod" | "lib" | "main") => file.path.with_file_name(""),
            _ => file.path.with_extension(""),
        };
        let paths = |name: &String| [folder.join(name), folder.join(format!("{name}.rs"))];
        self.test_modules.iter().flat_map(paths).collect()
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let lines = block.span().end().line + 1 - signature.span().start().line;
        self.functions.push((signature.ident.to_string(), lines));
    }

    fn import(&mut self, tree: &syn::UseTree, prefix: &[String], is_public: bool) {
        let (name, alias) = match tree {
            syn::UseTree::Path(path) => {
                let prefix = [prefix, &[path.ident.to_string()]].concat();
                return self.import(&path.tree, &prefix, is_public);
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, prefix, is_public);
                }
                return;
            }
            syn::UseTree::Name(name) => (name.ident.to_string(), name.ident.to_string()),
            syn::UseTree::Rename(name) => (name.ident.to_string(), name.rename.to_string()),
            syn::UseTree::Glob(_) => ("*".to_owned(), "*".to_owned()),
        };
        let mut path = prefix.to_vec();
        if name != "self" {
            path.push(name);
        }
        let alias = match alias.as_str() {
            "self" => path.last().cloned().unwrap_or_default(),
            _ => alias,
        };
        self.imports.push(Import {
            alias,
            path,
            is_public,
        });
    }
}

impl<'ast> Visit<'ast> for Content {
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
        self.test_lines
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

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_public = !matches!(item.vis, syn::Visibility::Inherited);
        self.import(&item.tree, &[], is_public);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        self.paths.push(names.collect());
        visit::visit_path(self, path);
    }

    // `pub(in crate::x)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}

/// Whether an item has `#[cfg(test)]` or `#[test]`.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let condition = attribute.parse_args::<syn::Path>();
        let is_for_test = condition.is_ok_and(|condition| condition.is_ident("test"));
        attribute.path().is_ident("test") || (attribute.path().is_ident("cfg") && is_for_test)
    })
}

#[cfg(test)]
mod test {
    use std::path::Path;

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
    fn code_comments_and_tests_are_counted_separately() {
        let file = File {
            path: "src/a.rs".into(),
            text: TEXT.to_owned(),
        };
        let content = Content::of(&file).expect("the source is valid");
        assert_eq!(
            (content.all, content.code, content.comments, content.tests),
            (25, 9, 3, 7)
        );
        assert_eq!(content.functions, [("f".to_owned(), 5)]);
        let modules = content.test_modules(&file);
        assert_eq!(
            modules,
            [Path::new("src/a/more"), Path::new("src/a/more.rs")]
        );
    }
}
