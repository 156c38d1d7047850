//! The test binaries of a Cargo project: `cargo test` and `cargo nextest`.
//!
//! Messages: <https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages>.
//! nextest: <https://nexte.st/docs/machine-readable/list/>, since 0.9.
//!
//! Binaries run as Cargo runs them: in the folder of their package, with its variables. Cargo also
//! extends the search path for dynamic libraries; a project that needs this sets the variable.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::error::ListError;
use crate::group::{Group, Test};
use crate::libtest::{self, Binary, LIBTEST};
use crate::listing::{Listing, Step, TestList};
use crate::process::{Invocation, Output};
use crate::words;

/// The options of `cargo test` whose value is the next word.
#[rustfmt::skip]
const TAKES_VALUE: &[&str] = &[
    "-p", "--package", "--exclude", "--bin", "--test", "--example", "--bench", "-F", "--features",
    "--target", "--target-dir", "--manifest-path", "--profile", "-j", "--jobs", "--color",
    "--message-format", "--config", "-Z", "-C", "--lockfile-path",
];

pub(crate) fn list(program: &str, arguments: &[String]) -> Result<Step, ListError> {
    let end = arguments.iter().position(|word| word == "--");
    let (own, harness) = arguments.split_at(end.unwrap_or(arguments.len()));
    let harness = harness.get(1..).unwrap_or_default();
    let is_command = |word: &String| ["test", "t", "nextest"].contains(&word.as_str());
    let at = own.iter().position(is_command);
    let Some(at) = at else {
        return Err(ListError::Command {
            framework: LIBTEST,
            problem: "expected `cargo test ...` or `cargo nextest run ...`".to_owned(),
        });
    };
    let cargo = Invocation::new([program]).with(own[..at].to_vec());
    let rest = &own[at + 1..];
    if own[at] == "nextest" {
        return Ok(list_nextest(&cargo, rest, harness));
    }
    let arguments = words::without(rest, &["--message-format"], true);
    if arguments.iter().any(|word| word == "--doc") {
        return Err(ListError::Command {
            framework: LIBTEST,
            problem: "documentation tests cannot be run one by one: leave out `--doc`".to_owned(),
        });
    }
    let arguments = words::without(&arguments, &["--no-run"], false);
    let arguments = words::separate(&arguments, TAKES_VALUE);
    let build = cargo.with(["test"]).with(arguments.options).with([
        "--no-run",
        "--message-format",
        "json-render-diagnostics",
    ]);
    let harness: Vec<String> = harness
        .iter()
        .chain(&arguments.positional)
        .cloned()
        .collect();
    Ok(Listing::one(build, move |process, output| {
        if output.exit != Some(0) {
            return Err(ListError::failed(LIBTEST, process, &output));
        }
        let mut binaries = binaries(&output, &harness);
        // Cargo prints them in the order in which they were built.
        binaries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(libtest::list_binaries(binaries))
    }))
}

/// A message of Cargo about something that it built.
#[derive(Deserialize)]
struct Artifact {
    package_id: String,
    manifest_path: PathBuf,
    target: Target,
    profile: Profile,
    executable: Option<String>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    name: String,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

fn binaries(output: &Output, harness: &[String]) -> Vec<Binary> {
    let text = output.text();
    // Lines of other kinds are messages without these fields.
    let artifacts = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
    let binaries = artifacts
        .filter(|artifact| artifact.profile.test)
        .filter_map(|artifact| {
            let folder = artifact.manifest_path.parent()?.to_owned();
            let (package, version) = package(&artifact.package_id);
            let kind = artifact.target.kind.first().map_or("lib", String::as_str);
            Some(Binary::new(
                Some(binary_id(&package, kind, &artifact.target.name)),
                program(artifact.executable?, folder, package, version),
                harness,
            ))
        });
    binaries.collect()
}

/// A test binary as Cargo runs it.
fn program(path: String, folder: PathBuf, package: String, version: String) -> Invocation {
    let manifest = folder.join("Cargo.toml");
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    let env = [
        ("CARGO_MANIFEST_DIR", text(&folder)),
        ("CARGO_MANIFEST_PATH", text(&manifest)),
        ("CARGO_PKG_NAME", package),
        ("CARGO_PKG_VERSION", version),
    ];
    Invocation {
        command: vec![path],
        env: env.map(|(name, value)| (name.to_owned(), value)).into(),
        directory: Some(folder),
        ..Invocation::default()
    }
}

/// The name and version in a package id: `path+file:///a/one#0.1.0`, `...#one@0.1.0`, and before
/// Cargo 1.77 `one 0.1.0 (path+file:///a/one)`.
fn package(id: &str) -> (String, String) {
    let (name, version) = match id.rsplit_once('#') {
        None => id.split_once(' ').map_or((id, ""), |(name, rest)| {
            (name, rest.split(' ').next().unwrap_or_default())
        }),
        Some((url, fragment)) => fragment.split_once('@').unwrap_or_else(|| {
            let path = url.split('?').next().unwrap_or(url);
            (path.rsplit('/').next().unwrap_or(path), fragment)
        }),
    };
    (name.to_owned(), version.to_owned())
}

/// The name that nextest gives a binary.
fn binary_id(package: &str, kind: &str, target: &str) -> String {
    match kind {
        "test" => format!("{package}::{target}"),
        "bin" | "example" | "bench" => format!("{package}::{kind}/{target}"),
        _ => package.to_owned(),
    }
}

/// The list of nextest.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct NextestList {
    rust_suites: BTreeMap<String, NextestBinary>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct NextestBinary {
    package_id: String,
    binary_id: String,
    binary_path: String,
    cwd: PathBuf,
    testcases: BTreeMap<String, NextestTest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct NextestTest {
    filter_match: FilterMatch,
}

#[derive(Deserialize)]
struct FilterMatch {
    status: String,
}

fn list_nextest(cargo: &Invocation, arguments: &[String], harness: &[String]) -> Step {
    let own = match arguments.split_first() {
        Some((command, rest)) if command == "run" || command == "r" || command == "list" => rest,
        _ => arguments,
    };
    let own = words::without(own, &["--message-format"], true);
    let mut list = cargo
        .with(["nextest", "list"])
        .with(own)
        .with(["--message-format", "json"]);
    if !harness.is_empty() {
        list = list.with(["--"]).with(harness.to_vec());
    }
    Listing::one(list, |process, output| {
        if output.exit != Some(0) {
            return Err(ListError::failed(LIBTEST, process, &output));
        }
        let list: NextestList = serde_json::from_slice(&output.stdout)
            .map_err(|error| ListError::unreadable(LIBTEST, process, error))?;
        let group = |binary: NextestBinary| {
            let (package, version) = package(&binary.package_id);
            let tests = binary.testcases.into_iter();
            let tests = tests.filter(|(_, test)| test.filter_match.status == "matches");
            Group {
                framework: LIBTEST,
                name: Some(binary.binary_id),
                program: program(binary.binary_path, binary.cwd, package, version),
                tests: tests.map(|(name, _)| Test::named(name)).collect(),
            }
        };
        let groups = list.rust_suites.into_values().map(group).collect();
        Ok(TestList::done(groups, Vec::new()))
    })
}
