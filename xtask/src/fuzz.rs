//! Builds the targets of `crates/fuzz` with the instrumentation of libFuzzer, and runs each for
//! some time.
//!
//! This needs only plain cargo: cargo-fuzz needs a nightly compiler for the address sanitizer, and
//! the readers have no unsafe code. `cargo fuzz run --fuzz-dir crates/fuzz TARGET` works, too.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::verify::choose;
use crate::workspace::{Workspace, call};

/// The targets, and further seeds beside their own corpus.
const TARGETS: [(&str, Option<&str>); 6] = [
    ("suite", Some("configs")),
    ("protocol", None),
    ("journal", None),
    ("tests", None),
    ("ips", Some("crates/postmortem/fixtures")),
    ("import", Some("fixtures/recorded")),
];

/// libFuzzer's instrumentation, with the flags of cargo-fuzz.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                     -Cllvm-args=-sanitizer-coverage-pc-table \
                     -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Seconds for each target
    #[arg(long, default_value_t = 30)]
    seconds: u32,
    /// Targets to run [default: all]
    targets: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let chosen = choose(TARGETS, |(name, _)| name, &arguments.targets)?;
    let home = workspace.target()?.join("fuzz");
    let binaries = build(workspace, &home)?;
    let mut failed = Vec::new();
    for (name, seeds) in chosen {
        say!("\n== {name} for {} s", arguments.seconds);
        let mut command = Command::new(binaries.join(name));
        for folder in ["corpus", "artifacts"].map(|folder| home.join(folder).join(name)) {
            fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
        command
            .arg(format!("-max_total_time={}", arguments.seconds))
            .arg(format!("-artifact_prefix={}/artifacts/{name}/", home.display()))
            // A slow input is a finding.
            .args(["-timeout=10", "-print_final_stats=1", "-verbosity=0", "-max_len=8192"])
            // New inputs go to the first folder; the others are only read.
            .arg(home.join("corpus").join(name))
            .arg(workspace.root().join("crates/fuzz/corpus").join(name))
            .args(seeds.map(|folder| workspace.root().join(folder)));
        let status = command
            .status()
            .with_context(|| format!("{name} could not be started"))?;
        if !status.success() {
            failed.push(name);
        }
    }
    ensure!(
        failed.is_empty(),
        "inputs were found that crash: {}\nwhat to do: run the target's program with the file \
         that is named above",
        failed.join(", ")
    );
    Ok(())
}

fn build(workspace: &Workspace, home: &Path) -> Result<PathBuf> {
    let triple = host()?;
    // With an explicit target, build scripts are not instrumented.
    let mut cargo = workspace.cargo(&["build", "--release", "--bins", "--target", &triple]);
    cargo.current_dir(workspace.root().join("crates/fuzz"));
    cargo.env("RUSTFLAGS", FLAGS).env("CARGO_TARGET_DIR", home);
    call(cargo, "cargo build of crates/fuzz")?;
    Ok(home.join(triple).join("release"))
}

fn host() -> Result<String> {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let output = rustc.args(["--print", "host-tuple"]).output();
    let host = String::from_utf8(output.context("rustc could not be started")?.stdout)?;
    Ok(host.trim().to_owned())
}
