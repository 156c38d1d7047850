//! Source lines by crate, long files and functions, and cycles among the files of a crate.
//!
//! | file | subject |
//! |---|---|
//! | `lines.rs` | code, comments and functions of one file |
//! | `cycles.rs` | which file uses which |

mod cycles;
mod lines;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Deserialize;

use self::cycles::{Crate, Cycle};
use self::lines::Lines;
use crate::bench::table;
use crate::source::{self, File};
use crate::workspace::Workspace;

const LONG_FILE: usize = 400;
const LONG_FUNCTION: usize = 60;
const LONG_LINE: usize = 100;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Measure another checkout
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// Fail if something is too long, or a cycle exists, that `xtask/size.toml` does not list
    #[arg(long)]
    check: bool,
    /// Print each use inside the cycles
    #[arg(long)]
    uses: bool,
}

/// `xtask/size.toml`: what may be too long, or a cycle, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exceptions {
    file: BTreeMap<String, String>,
    function: BTreeMap<String, String>,
    cycle: BTreeMap<String, String>,
}

/// The kind of a Rust file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Source,
    Test,
    /// Benches, examples and build scripts.
    Other,
}

/// The numbers of a crate, in the order of `HEAD`.
type Totals = [usize; HEAD.len() - 1];

const HEAD: [&str; 8] = [
    "crate",
    "files",
    "under 100 lines",
    "code",
    "comments",
    "tests",
    "benches, examples",
    "lines over 100 columns",
];

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode> {
    let root = arguments.root.as_deref().unwrap_or(workspace.root());
    let path = workspace.root().join("xtask/size.toml");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let exceptions: Exceptions = toml::from_str(&text).context("xtask/size.toml")?;

    let mut crates: BTreeMap<PathBuf, Vec<File>> = BTreeMap::new();
    let files = source::files(root)?;
    let manifests: Vec<PathBuf> = (files.iter())
        .filter(|file| file.path.ends_with("Cargo.toml"))
        .filter_map(|file| file.path.parent().map(Path::to_owned))
        .filter(|folder| !folder.as_os_str().is_empty())
        .collect();
    for file in files.into_iter().filter(File::is_rust) {
        if let Some(folder) = manifests
            .iter()
            .find(|folder| file.path.starts_with(folder))
        {
            crates.entry(folder.clone()).or_default().push(file);
        }
    }

    let mut size = Size::default();
    for (folder, files) in crates {
        size.measure(&folder, &files)
            .with_context(|| folder.display().to_string())?;
    }
    say!("{}", size.table());
    let unlisted = size.list(&exceptions, arguments.uses);
    if unlisted > 0 {
        say!("{unlisted} without a reason in xtask/size.toml");
    }
    Ok(ExitCode::from(u8::from(arguments.check && unlisted > 0)))
}

#[derive(Default)]
struct Size {
    crates: Vec<(String, Totals)>,
    long_files: Vec<(String, usize)>,
    long_functions: Vec<(String, usize)>,
    cycles: Vec<Cycle>,
    /// Modules that use submodules that use them.
    mutual: Vec<String>,
}

impl Size {
    fn measure(&mut self, folder: &Path, files: &[File]) -> Result<()> {
        let mut measured = Vec::new();
        let mut test_modules = Vec::new();
        for file in files {
            let lines = Lines::of(file)?;
            test_modules.extend(lines.test_modules(&file.path));
            measured.push((file, lines));
        }
        let mut sum = Totals::default();
        let mut sources = Vec::new();
        for (file, lines) in &measured {
            let is_test_module = test_modules
                .iter()
                .any(|module| file.path.starts_with(module));
            let kind = match kind_of(folder, &file.path) {
                Kind::Source if is_test_module => Kind::Test,
                kind => kind,
            };
            add(&mut sum, &totals(kind, lines));
            if kind == Kind::Source {
                sources.push(*file);
                self.note_long(&file.path, lines);
            }
        }
        self.crates.push((folder.display().to_string(), sum));
        let uses = Crate::new(folder, &sources)?;
        self.cycles.extend(uses.cycles());
        self.mutual.extend(uses.mutual());
        Ok(())
    }

    fn note_long(&mut self, path: &Path, lines: &Lines) {
        let path = path.display().to_string();
        if lines.all > LONG_FILE {
            self.long_files.push((path.clone(), lines.all));
        }
        let long = lines
            .functions
            .iter()
            .filter(|(_, lines)| *lines > LONG_FUNCTION);
        let long = long.map(|(name, lines)| (format!("{path} {name}"), *lines));
        self.long_functions.extend(long);
    }

    fn table(&self) -> String {
        let row = |name: &str, totals: &Totals| {
            let number = |index: usize| table::thousands(&totals[index].to_string());
            std::array::from_fn(|column| match column {
                0 => name.to_owned(),
                _ => number(column - 1),
            })
        };
        let mut sum = Totals::default();
        let mut rows = vec![HEAD.map(str::to_owned)];
        for (name, totals) in &self.crates {
            add(&mut sum, totals);
            rows.push(row(name, totals));
        }
        rows.push(row("all", &sum));
        table::table(&rows)
    }

    /// Prints what is too long, and the cycles, with their reasons. Returns how many have none.
    fn list(&self, exceptions: &Exceptions, uses: bool) -> usize {
        let mut unlisted = 0;
        let mut reason = |reasons: &BTreeMap<String, String>, key: &str| {
            let reason = reasons.get(key);
            unlisted += usize::from(reason.is_none());
            reason.map_or("NO REASON GIVEN".to_owned(), Clone::clone)
        };
        say!(
            "Files over {LONG_FILE} lines (tests aside): {}",
            self.long_files.len()
        );
        for (path, lines) in &self.long_files {
            say!("- {path}: {lines}: {}", reason(&exceptions.file, path));
        }
        say!(
            "\nFunctions over {LONG_FUNCTION} lines: {}",
            self.long_functions.len()
        );
        for (function, lines) in &self.long_functions {
            say!(
                "- {function}: {lines}: {}",
                reason(&exceptions.function, function)
            );
        }
        say!("\nCycles among the files of a crate: {}", self.cycles.len());
        for cycle in &self.cycles {
            let listed = |file: &&String| exceptions.cycle.contains_key(*file);
            let key = cycle.files.iter().find(listed).unwrap_or(&cycle.files[0]);
            let files = cycle.files.join(" ");
            say!("- {files}: {}", reason(&exceptions.cycle, key));
            for line in cycle.uses.iter().filter(|_| uses) {
                say!("    {line}");
            }
        }
        say!(
            "\nModules whose submodules use them (one subject each): {}",
            self.mutual.len()
        );
        for path in &self.mutual {
            say!("- {path}");
        }
        unlisted
    }
}

fn kind_of(folder: &Path, path: &Path) -> Kind {
    let inside = path.strip_prefix(folder).unwrap_or(path);
    match inside.iter().next().and_then(|first| first.to_str()) {
        Some("src") => Kind::Source,
        Some("tests") => Kind::Test,
        _ => Kind::Other,
    }
}

fn totals(kind: Kind, lines: &Lines) -> Totals {
    let all = lines.code + lines.comments + lines.tests;
    match kind {
        Kind::Source => [
            1,
            usize::from(lines.all < 100),
            lines.code,
            lines.comments,
            lines.tests,
            0,
            lines.long,
        ],
        Kind::Test => [0, 0, 0, 0, all, 0, 0],
        Kind::Other => [0, 0, 0, 0, 0, all, 0],
    }
}

fn add(sum: &mut Totals, more: &Totals) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum += more;
    }
}
