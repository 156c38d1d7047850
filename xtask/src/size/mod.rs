//! Source lines by crate, long files and functions, and cycles among the files of a crate.
//!
//! | file | subject |
//! |---|---|
//! | `file.rs` | what one file contains |
//! | `cycles.rs` | which file uses which |

mod cycles;
mod file;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Deserialize;

use self::cycles::cycles;
use self::file::Content;
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
}

/// `xtask/size.toml`: what may be too long, or a cycle, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reasons {
    file: BTreeMap<String, String>,
    function: BTreeMap<String, String>,
    cycle: BTreeMap<String, String>,
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
    let files = source::files(root)?;
    let mut size = Size::default();
    for manifest in files
        .iter()
        .filter(|file| file.path.ends_with("Cargo.toml"))
    {
        let folder = manifest.path.parent().unwrap_or(Path::new(""));
        if !folder.as_os_str().is_empty() {
            let is_own = |file: &&File| file.is_rust() && file.path.starts_with(folder);
            size.measure(folder, &Vec::from_iter(files.iter().filter(is_own)))?;
        }
    }
    say!("{}", size.table());
    let text = fs::read_to_string(workspace.root().join("xtask/size.toml"))?;
    let reasons = toml::from_str(&text).context("xtask/size.toml")?;
    let unlisted = size.list(&reasons);
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
    cycles: Vec<Vec<String>>,
}

impl Size {
    fn measure(&mut self, folder: &Path, files: &[&File]) -> Result<()> {
        let contents: Vec<Content> = (files.iter())
            .map(|file| Content::of(file))
            .collect::<Result<_>>()?;
        let test_modules: Vec<PathBuf> = (files.iter().zip(&contents))
            .flat_map(|(file, content)| content.test_modules(file))
            .collect();
        let mut sum = Totals::default();
        let mut sources = Vec::new();
        for (file, content) in files.iter().zip(&contents) {
            let path = file.path.as_path();
            let inside = path.strip_prefix(folder)?;
            let lines = content.code + content.comments + content.tests;
            if test_modules.iter().any(|module| path.starts_with(module))
                || inside.starts_with("tests")
            {
                sum[4] += lines;
            } else if !inside.starts_with("src") {
                sum[5] += lines;
            } else {
                add(&mut sum, &totals(content));
                sources.push((path, content));
                self.note_long(path, content);
            }
        }
        self.crates.push((folder.display().to_string(), sum));
        self.cycles.extend(cycles(folder, &sources)?);
        Ok(())
    }

    fn note_long(&mut self, path: &Path, content: &Content) {
        let path = path.display();
        if content.all > LONG_FILE {
            self.long_files.push((path.to_string(), content.all));
        }
        for (name, lines) in &content.functions {
            if *lines > LONG_FUNCTION {
                self.long_functions.push((format!("{path} {name}"), *lines));
            }
        }
    }

    fn table(&self) -> String {
        let row = |name: &str, totals: &Totals| {
            std::array::from_fn(|column| match column {
                0 => name.to_owned(),
                _ => table::thousands(&totals[column - 1].to_string()),
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
    fn list(&self, reasons: &Reasons) -> usize {
        let mut unlisted = 0;
        let mut reason = |reasons: &BTreeMap<String, String>, key: &str| {
            let reason = reasons.get(key);
            unlisted += usize::from(reason.is_none());
            reason.map_or("NO REASON GIVEN".to_owned(), Clone::clone)
        };
        let (files, functions) = (&self.long_files, &self.long_functions);
        say!(
            "Files over {LONG_FILE} lines (tests aside): {}",
            files.len()
        );
        for (path, lines) in files {
            say!("- {path}: {lines}: {}", reason(&reasons.file, path));
        }
        say!(
            "\nFunctions over {LONG_FUNCTION} lines: {}",
            functions.len()
        );
        for (function, lines) in functions {
            say!(
                "- {function}: {lines}: {}",
                reason(&reasons.function, function)
            );
        }
        say!("\nCycles among the files of a crate: {}", self.cycles.len());
        for files in &self.cycles {
            let listed = |file: &&String| reasons.cycle.contains_key(*file);
            let key = files.iter().find(listed).unwrap_or(&files[0]);
            say!("- {}: {}", files.join(" "), reason(&reasons.cycle, key));
        }
        unlisted
    }
}

/// The numbers of a source file.
fn totals(content: &Content) -> Totals {
    [
        1,
        usize::from(content.all < 100),
        content.code,
        content.comments,
        content.tests,
        0,
        content.long,
    ]
}

fn add(sum: &mut Totals, more: &Totals) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum += more;
    }
}
