//! The uses among the files of a crate, and their cycles.
//!
//! A use is a `use` item or a path with `crate`, `self`, `super` or a child module in front. A name
//! that a module only passes on (`pub use`) counts as a use of the file that defines it. A module's
//! use of a module that it is in is left out: both are one subject.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;

use super::file::{Content, Names};

/// A file of a crate. The key is its module's path below the crate root.
type Files<'a> = BTreeMap<Names, (&'a Path, &'a Content)>;

/// The paths of the files in each cycle.
pub(super) fn cycles(folder: &Path, sources: &[(&Path, &Content)]) -> Result<Vec<Vec<String>>> {
    let mut files = Files::new();
    let has_library = sources.iter().any(|(path, _)| path.ends_with("src/lib.rs"));
    for (path, content) in sources {
        let inside = path.strip_prefix(folder.join("src"))?.with_extension("");
        let mut module = Names::from_iter(inside.iter().map(|p| p.to_string_lossy().into_owned()));
        match module.last().map(String::as_str) {
            // With a library, `main.rs` is a separate crate.
            Some("main") if has_library && module.len() == 1 => continue,
            Some("mod") => drop(module.pop()),
            Some("lib" | "main") if module.len() == 1 => module.clear(),
            _ => {}
        }
        files.insert(module, (*path, *content));
    }
    let edges: BTreeMap<&Names, BTreeSet<Names>> = (files.keys())
        .map(|module| (module, used(&files, module)))
        .collect();
    let reach: BTreeMap<&Names, BTreeSet<&Names>> = (edges.keys())
        .map(|module| (*module, reachable(&edges, module)))
        .collect();
    let mut cycles = Vec::new();
    for module in files.keys() {
        let reaches_back = |other: &&Names| reach[*other].contains(module);
        let members = Vec::from_iter(reach[module].iter().copied().filter(reaches_back));
        // Each cycle is found from its first member.
        if members.first() == Some(&module) {
            let paths = members
                .iter()
                .map(|member| files[*member].0.display().to_string());
            cycles.push(paths.collect());
        }
    }
    Ok(cycles)
}

/// The modules that a module uses.
fn used(files: &Files, module: &Names) -> BTreeSet<Names> {
    let content = files[module].1;
    let imports = content.imports.iter().filter(|import| !import.is_public);
    let paths = content.paths.iter().filter(|path| path.len() > 1);
    imports
        .map(|import| &import.path)
        .chain(paths)
        .filter_map(|path| absolute(files, module, path))
        .map(|path| defining(files, &path, 0))
        .filter(|used| !module.starts_with(used))
        .collect()
}

/// The path from the crate root, if it leads into this crate.
fn absolute(files: &Files, module: &Names, path: &[String]) -> Option<Names> {
    let mut base = module.clone();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => {
            base.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        "super" => {}
        child => {
            base.push(child.to_owned());
            files.get(&base)?;
            rest = &rest[1..];
        }
    }
    while rest.first().is_some_and(|first| first == "super") {
        base.pop();
        rest = &rest[1..];
    }
    base.extend_from_slice(rest);
    Some(base)
}

/// The module that defines what an absolute path names.
fn defining(files: &Files, path: &[String], depth: usize) -> Names {
    let is_module = |length: &usize| files.contains_key(&path[..*length]);
    let length = (0..=path.len()).rev().find(is_module).unwrap_or(0);
    let module = path[..length].to_vec();
    let passed_on = path.get(length).and_then(|name| {
        let mut imports = files.get(&module)?.1.imports.iter();
        let import = imports.find(|import| import.alias == *name)?;
        absolute(files, &module, &import.path)
    });
    match passed_on {
        Some(target) if depth < 8 && target != path => defining(files, &target, depth + 1),
        _ => module,
    }
}

/// The modules that `from` uses, directly or not.
fn reachable<'a>(
    edges: &'a BTreeMap<&Names, BTreeSet<Names>>,
    from: &'a Names,
) -> BTreeSet<&'a Names> {
    let mut seen = BTreeSet::new();
    let mut next = vec![from];
    while let Some(module) = next.pop() {
        next.extend(edges[module].iter().filter(|used| seen.insert(*used)));
    }
    seen
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::source::File;

    fn found(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let content = |(path, text): &(&str, &str)| {
            let file = File {
                path: path.into(),
                text: (*text).to_owned(),
            };
            Content::of(&file).expect("the source is valid")
        };
        let contents: Vec<Content> = files.iter().map(content).collect();
        let files = files.iter().map(|(path, _)| Path::new(path)).zip(&contents);
        cycles(Path::new("c"), &Vec::from_iter(files)).expect("the files are below `c`")
    }

    #[test]
    fn imports_are_resolved_through_re_exports() {
        let cycles = found(&[
            ("c/src/lib.rs", "mod a; mod b;"),
            ("c/src/a/mod.rs", "mod x; mod y; pub(crate) use x::X;"),
            ("c/src/a/x.rs", "use super::y::Y; fn f() { crate::b::g() }"),
            (
                "c/src/a/y.rs",
                "struct Y; #[cfg(test)] mod t { use super::super::x; }",
            ),
            ("c/src/b.rs", "use crate::a::X;"),
        ]);
        assert_eq!(cycles, [["c/src/a/x.rs", "c/src/b.rs"]]);
    }

    #[test]
    fn a_module_and_its_submodule_are_not_a_cycle() {
        let cycles = found(&[
            ("c/src/lib.rs", "mod a;"),
            ("c/src/a/mod.rs", "mod x; struct A; fn f() { x::g() }"),
            ("c/src/a/x.rs", "use super::A;"),
        ]);
        assert!(cycles.is_empty());
    }
}
