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

/// Something that needs a reason.
struct Finding {
    text: String,
    /// A reason may be given for any of them.
    keys: Vec<String>,
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
    let manifests = files
        .iter()
        .filter(|file| file.path.ends_with("Cargo.toml"));
    for folder in manifests.filter_map(|file| file.path.parent()) {
        // The manifest of the workspace has no sources.
        if folder != Path::new("") {
            let is_own = |file: &&File| file.is_rust() && file.path.starts_with(folder);
            size.measure(folder, &Vec::from_iter(files.iter().filter(is_own)))?;
        }
    }
    say!("{}", size.table().trim_end());

    let text = fs::read_to_string(workspace.root().join("xtask/size.toml"))?;
    let reasons: Reasons = toml::from_str(&text).context("xtask/size.toml")?;
    let files = format!("Files over {LONG_FILE} lines (tests aside)");
    let functions = format!("Functions over {LONG_FUNCTION} lines");
    let unlisted = list(&files, &size.files, &reasons.file)
        + list(&functions, &size.functions, &reasons.function)
        + list(
            "Cycles among the files of a crate",
            &size.cycles,
            &reasons.cycle,
        );
    if unlisted > 0 {
        say!("{unlisted} without a reason in xtask/size.toml");
    }
    Ok(ExitCode::from(u8::from(arguments.check && unlisted > 0)))
}

/// Prints findings with their reasons. Returns how many have none.
fn list(title: &str, findings: &[Finding], reasons: &BTreeMap<String, String>) -> usize {
    say!("\n{title}: {}", findings.len());
    let mut unlisted = 0;
    for Finding { text, keys } in findings {
        let reason = keys.iter().find_map(|key| reasons.get(key));
        unlisted += usize::from(reason.is_none());
        say!(
            "- {text}: {}",
            reason.map_or("NO REASON GIVEN", String::as_str)
        );
    }
    let is_needed = |key: &String| findings.iter().any(|finding| finding.keys.contains(key));
    for key in reasons.keys().filter(|key| !is_needed(key)) {
        say!("warning: unused reason: {key}");
    }
    unlisted
}

#[derive(Default)]
struct Size {
    crates: Vec<(String, Totals)>,
    files: Vec<Finding>,
    functions: Vec<Finding>,
    cycles: Vec<Finding>,
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
            let is_test_module = test_modules.iter().any(|module| path.starts_with(module));
            let lines = content.code + content.comments + content.tests;
            if is_test_module || inside.starts_with("tests") {
                sum[4] += lines;
            } else if !inside.starts_with("src") {
                sum[5] += lines;
            } else {
                add(&mut sum, &totals(content));
                sources.push((path, content));
                self.note_long(&path.display().to_string(), content);
            }
        }
        self.crates.push((folder.display().to_string(), sum));
        self.cycles
            .extend(cycles(folder, &sources)?.into_iter().map(|files| Finding {
                text: files.join(" "),
                keys: files,
            }));
        Ok(())
    }

    fn note_long(&mut self, path: &str, content: &Content) {
        if content.all > LONG_FILE {
            self.files.push(Finding::long(path.to_owned(), content.all));
        }
        for (name, lines) in &content.functions {
            if *lines > LONG_FUNCTION {
                self.functions
                    .push(Finding::long(format!("{path} {name}"), *lines));
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
}

impl Finding {
    fn long(key: String, lines: usize) -> Self {
        Finding {
            text: format!("{key}: {lines}"),
            keys: vec![key],
        }
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
