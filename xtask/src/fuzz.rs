//! Fuzzing: the targets of `crates/fuzz`, built with the instrumentation that libFuzzer needs, each run for a while.
//!
//! Plain cargo is enough: what cargo-fuzz does besides this is for a nightly compiler and the address sanitizer, and the
//! readers have no unsafe code. `cargo fuzz run --fuzz-dir crates/fuzz TARGET` works, too.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::cargo::call;
use crate::workspace::Workspace;

/// The targets, and what else than their own corpus they begin with.
const TARGETS: [(&str, &[&str]); 5] = [
    ("suite", &["configs"]),
    ("protocol", &[]),
    ("journal", &[]),
    ("ips", &["crates/postmortem/fixtures"]),
    ("import", &["fixtures/recorded"]),
];

/// The instrumentation of libFuzzer, as cargo-fuzz has it.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// What to do.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How long each target runs, seconds
    #[arg(long, default_value_t = 30)]
    seconds: u32,
    /// The targets; all if none is named
    targets: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode> {
    for name in &arguments.targets {
        let names = TARGETS.map(|(name, _)| name);
        let all = names.join(", ");
        ensure!(
            names.contains(&name.as_str()),
            "there is no target `{name}`; the targets: {all}"
        );
    }
    let home = workspace.target()?.join("fuzz");
    let binaries = build(workspace, &home)?;
    let mut failed = Vec::new();
    for (name, seeds) in TARGETS {
        if !arguments.targets.is_empty() && !arguments.targets.iter().any(|asked| asked == name) {
            continue;
        }
        let target = Target {
            name,
            seeds,
            program: binaries.join(name),
        };
        if !target.run(workspace, &home, arguments.seconds)? {
            failed.push(name);
        }
    }
    let what = "what to do: give the file that is named above to the target's program, and mend what it shows";
    ensure!(
        failed.is_empty(),
        "inputs that should not were found for: {}\n{what}",
        failed.join(", ")
    );
    Ok(ExitCode::SUCCESS)
}

fn build(workspace: &Workspace, home: &Path) -> Result<PathBuf> {
    let triple = host()?;
    let mut cargo = workspace.cargo();
    // A target of its own even though it is this machine: build scripts then go without the instrumentation.
    cargo.current_dir(workspace.root().join("crates/fuzz"));
    cargo.args(["build", "--release", "--bins", "--target", &triple]);
    cargo.env("RUSTFLAGS", FLAGS).env("CARGO_TARGET_DIR", home);
    call(cargo, "cargo build of crates/fuzz")?;
    Ok(home.join(triple).join("release"))
}

fn host() -> Result<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let told = Command::new(rustc)
        .arg("-vV")
        .output()
        .context("rustc could not be started")?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .context("rustc does not say what it compiles for")
}

struct Target<'a> {
    name: &'a str,
    seeds: &'a [&'a str],
    program: PathBuf,
}

impl Target<'_> {
    /// Whether nothing was found.
    fn run(&self, workspace: &Workspace, home: &Path, seconds: u32) -> Result<bool> {
        let (found, artifacts) = (home.join("corpus").join(self.name), home.join("artifacts"));
        for folder in [&found, &artifacts] {
            fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        say!("\n== {} for {seconds} s", self.name);
        let mut command = Command::new(&self.program);
        command
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!(
                "-artifact_prefix={}/{}-",
                artifacts.display(),
                self.name
            ))
            // An input that takes so long is one that should not.
            .args([
                "-timeout=10",
                "-print_final_stats=1",
                "-verbosity=0",
                "-max_len=8192",
            ])
            // What is new goes to the first folder; the others are only read.
            .arg(&found)
            .arg(workspace.root().join("crates/fuzz/corpus").join(self.name));
        command.args(
            self.seeds
                .iter()
                .map(|folder| workspace.root().join(folder)),
        );
        let begun = Instant::now();
        let status = command.status();
        let Ok(status) = status else {
            bail!("{} could not be started", self.program.display());
        };
        say!(
            "{}: {status} after {:.0} s",
            self.name,
            begun.elapsed().as_secs_f64()
        );
        Ok(status.success())
    }
}
