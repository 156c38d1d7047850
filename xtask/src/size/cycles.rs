//! The uses among the files of a crate, and their cycles.
//!
//! A use is a `use` item or a path with `crate`, `self`, `super` or a child module in front. A name
//! that a module only passes on (`pub use`) counts as a use of the file that defines it. Tests are
//! left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;
use syn::visit::{self, Visit};

use super::lines::is_test;
use crate::source::File;

/// A module path below the crate root.
type Module = Vec<String>;

/// For each module the modules that it uses, and the first line where it does.
type Edges<'a> = BTreeMap<&'a Module, BTreeMap<Module, usize>>;

/// Files that use each other, directly or not.
pub(super) struct Cycle {
    pub(super) files: Vec<String>,
    pub(super) uses: Vec<String>,
}

pub(super) struct Crate {
    files: BTreeMap<Module, PathBuf>,
    uses: BTreeMap<Module, Uses>,
}

/// The paths in a module, each absolute, with its line.
struct Uses {
    module: Module,
    children: BTreeSet<String>,
    paths: Vec<(Module, usize)>,
    /// Imported names and the paths that they stand for.
    imported: BTreeMap<String, Module>,
}

impl Crate {
    pub(super) fn new(folder: &Path, sources: &[&File]) -> Result<Self> {
        let has_library = sources
            .iter()
            .any(|file| file.path == folder.join("src/lib.rs"));
        let mut files = BTreeMap::new();
        let mut parsed = Vec::new();
        for file in sources {
            let inside = file
                .path
                .strip_prefix(folder.join("src"))?
                .with_extension("");
            let mut module: Module = inside
                .iter()
                .map(|p| p.to_string_lossy().into_owned())
                .collect();
            match module.last().map(String::as_str) {
                // With a library, `main.rs` is a separate crate.
                Some("main") if has_library && module.len() == 1 => continue,
                Some("mod") => drop(module.pop()),
                Some("lib" | "main") if module.len() == 1 => module.clear(),
                _ => {}
            }
            files.insert(module.clone(), file.path.clone());
            parsed.push((module, syn::parse2::<syn::File>(file.tokens()?)?));
        }
        let mut uses = BTreeMap::new();
        for (module, file) in parsed {
            let below =
                |path: &&Module| path.len() == module.len() + 1 && path.starts_with(&module);
            let children = files
                .keys()
                .filter(below)
                .filter_map(|path| path.last().cloned());
            let mut found = Uses {
                module: module.clone(),
                children: children.collect(),
                paths: Vec::new(),
                imported: BTreeMap::new(),
            };
            found.visit_file(&file);
            uses.insert(module, found);
        }
        Ok(Self { files, uses })
    }

    /// The module that defines what a path names.
    fn resolve(&self, path: &[String], depth: usize) -> Module {
        let is_module = |length: &usize| self.files.contains_key(&path[..*length]);
        let length = (0..=path.len()).rev().find(is_module).unwrap_or(0);
        let module = &path[..length];
        let passed_on = path
            .get(length)
            .and_then(|name| self.uses.get(module)?.imported.get(name));
        match passed_on {
            Some(target) if depth < 8 && target.as_slice() != path => {
                self.resolve(target, depth + 1)
            }
            _ => module.to_vec(),
        }
    }

    fn edges(&self) -> Edges<'_> {
        let mut edges = BTreeMap::new();
        for (module, uses) in &self.uses {
            let mut used = BTreeMap::new();
            for (path, line) in &uses.paths {
                let target = self.resolve(path, 0);
                if target != *module {
                    used.entry(target).or_insert(*line);
                }
            }
            edges.insert(module, used);
        }
        edges
    }

    /// The cycles, apart from uses of a module by its own submodules.
    pub(super) fn cycles(&self) -> Vec<Cycle> {
        let mut edges = self.edges();
        for (module, used) in &mut edges {
            used.retain(|to, _| !module.starts_with(to));
        }
        let reach: BTreeMap<_, _> = (edges.keys())
            .map(|module| (*module, reachable(&edges, module)))
            .collect();
        let mut done = BTreeSet::new();
        let mut cycles = Vec::new();
        for (module, reached) in &reach {
            if done.contains(module) || !reached.contains(*module) {
                continue;
            }
            let back =
                |other: &&Module| reach.get(other).is_some_and(|back| back.contains(*module));
            let members: BTreeSet<&Module> = reached.iter().filter(back).collect();
            done.extend(members.iter().copied());
            let mut uses = Vec::new();
            for (from, used) in edges.iter().filter(|(from, _)| members.contains(**from)) {
                let used = used.iter().filter(|(to, _)| members.contains(to));
                uses.extend(used.map(|(to, line)| {
                    format!("{}:{line} uses {}", self.name(from), self.name(to))
                }));
            }
            let files = members
                .into_iter()
                .map(|member| self.name(member))
                .collect();
            cycles.push(Cycle { files, uses });
        }
        cycles
    }

    /// The modules that use submodules that use them.
    pub(super) fn mutual(&self) -> Vec<String> {
        let edges = self.edges();
        let is_mutual = |module: &&Module| {
            let below = |other: &&Module| other.len() > module.len() && other.starts_with(module);
            let mut used = edges[module].keys().filter(below);
            used.any(|child| {
                edges
                    .get(child)
                    .is_some_and(|uses| uses.contains_key(*module))
            })
        };
        let modules = edges.keys().copied().filter(is_mutual);
        modules.map(|module| self.name(module)).collect()
    }

    fn name(&self, module: &Module) -> String {
        self.files[module].display().to_string()
    }
}

/// The modules that `from` uses, directly or not.
fn reachable(edges: &Edges<'_>, from: &Module) -> BTreeSet<Module> {
    let mut seen = BTreeSet::new();
    let mut next = vec![from.clone()];
    while let Some(module) = next.pop() {
        for used in edges.get(&module).into_iter().flat_map(BTreeMap::keys) {
            if seen.insert(used.clone()) {
                next.push(used.clone());
            }
        }
    }
    seen
}

impl Uses {
    /// The path from the crate root, if it leads into this crate.
    fn absolute(&self, path: &[String]) -> Option<Module> {
        let mut module = self.module.clone();
        let mut rest = path;
        match rest.first()?.as_str() {
            "crate" => module.clear(),
            "self" => {}
            "super" => drop(module.pop()),
            name if self.children.contains(name) => {
                module.extend(rest.iter().cloned());
                return Some(module);
            }
            _ => return None,
        }
        rest = &rest[1..];
        while rest.first().is_some_and(|first| first == "super") {
            module.pop();
            rest = &rest[1..];
        }
        module.extend(rest.iter().cloned());
        Some(module)
    }

    fn tree(&mut self, tree: &syn::UseTree, prefix: &mut Module, is_public: bool) {
        match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.tree(&path.tree, prefix, is_public);
                prefix.pop();
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(tree, prefix, is_public);
                }
            }
            syn::UseTree::Name(name) => self.import(prefix, &name.ident, &name.ident, is_public),
            syn::UseTree::Rename(name) => self.import(prefix, &name.ident, &name.rename, is_public),
            syn::UseTree::Glob(glob) => {
                if let Some(path) = self.absolute(prefix).filter(|_| !is_public) {
                    let line = glob.star_token.spans[0].start().line;
                    self.paths.push((path, line));
                }
            }
        }
    }

    fn import(
        &mut self,
        prefix: &[String],
        name: &syn::Ident,
        alias: &syn::Ident,
        is_public: bool,
    ) {
        let mut path = prefix.to_vec();
        if name != "self" {
            path.push(name.to_string());
        }
        let Some(path) = self.absolute(&path) else {
            return;
        };
        if !is_public {
            self.paths.push((path.clone(), name.span().start().line));
        }
        let alias = match alias.to_string().as_str() {
            "self" => path.last().cloned().unwrap_or_default(),
            alias => alias.to_owned(),
        };
        self.imported.insert(alias, path);
    }
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_test(&item.attrs) {
            let is_public = !matches!(item.vis, syn::Visibility::Inherited);
            self.tree(&item.tree, &mut Vec::new(), is_public);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
            if let Some(absolute) = self.absolute(&names) {
                let line = path.segments[0].ident.span().start().line;
                self.paths.push((absolute, line));
            }
        }
        visit::visit_path(self, path);
    }

    // `pub(in crate::x)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn uses_lead_through_facades_to_the_defining_file() {
        let file = |path: &str, text: &str| File {
            path: path.into(),
            text: text.to_owned(),
        };
        let files = [
            file("c/src/lib.rs", "mod a; mod b;"),
            file("c/src/a/mod.rs", "mod x; mod y; pub(crate) use x::X;"),
            file("c/src/a/x.rs", "use super::y::Y; fn f() { crate::b::g() }"),
            file(
                "c/src/a/y.rs",
                "struct Y; #[cfg(test)] mod t { use super::super::x; }",
            ),
            file("c/src/b.rs", "use crate::a::X;"),
        ];
        let files: Vec<&File> = files.iter().collect();
        let found = Crate::new(Path::new("c"), &files).expect("it parses");
        let cycles = found.cycles();
        assert_eq!(cycles.len(), 1);
        assert_eq!(cycles[0].files, ["c/src/a/x.rs", "c/src/b.rs"]);
        let uses = [
            "c/src/a/x.rs:1 uses c/src/b.rs",
            "c/src/b.rs:1 uses c/src/a/x.rs",
        ];
        assert_eq!(cycles[0].uses, uses);
        assert!(found.mutual().is_empty());
    }

    #[test]
    fn a_module_and_its_submodule_are_no_cycle() {
        let file = |path: &str, text: &str| File {
            path: path.into(),
            text: text.to_owned(),
        };
        let files = [
            file("c/src/lib.rs", "mod a;"),
            file("c/src/a/mod.rs", "mod x; struct A; fn f() { x::g() }"),
            file("c/src/a/x.rs", "use super::A;"),
        ];
        let files: Vec<&File> = files.iter().collect();
        let found = Crate::new(Path::new("c"), &files).expect("it parses");
        assert!(found.cycles().is_empty());
        assert_eq!(found.mutual(), ["c/src/a/mod.rs"]);
    }
}
