#![doc = include_str!("../README.md")]
#![allow(missing_docs)]

/// `println!` without its panic when the reader has closed the pipe, as in `cargo xtask setup |
/// head`.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

mod bench;
mod failure;
mod fuzz;
mod libtorch;
mod macos;
mod names;
mod size;
mod source;
mod tests;
mod torture;
mod verify;
mod workspace;

use std::process::{Command, ExitCode};

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Set-up, build, demo, tests and measurements of crashrate
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Bring libtorch into target/libtorch; nothing system-wide is touched
    ///
    /// pip downloads libtorch from the Python package index, with its settings on this machine
    /// (index, proxy, certificates, cache), and verifies the hashes written into this program.
    /// After an interruption, run it again: it continues.
    ///
    /// To use your own PyTorch or libtorch 2.11.0, set LIBTORCH to its folder (the one with
    /// `include` and `lib`), or LIBTORCH_USE_PYTORCH=1 for the PyTorch that python3 imports.
    /// Nothing is downloaded then.
    Setup {
        /// Replace it even if it is complete
        #[arg(long)]
        force: bool,
    },
    /// Set up libtorch if needed, then build every binary in release form under target/release
    Build,
    /// Build, then run the story suite in both modes on the CPU
    ///
    /// The exit code is that of `crashrate run`: 0 if everything passed, 100 if something did not.
    Demo,
    /// Build, then run every test of the workspace in release form
    ///
    /// Example: cargo xtask test -p crashrate-model
    Test {
        /// Arguments of `cargo test`, such as `-p crashrate-model` or `-- part_of_a_name`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Kill the supervisor of a run of 200 rounds at random moments; check that nothing is lost or
    /// left behind
    ///
    /// `--resume` continues the run after each kill. At the end, the journal and the report must
    /// hold every round exactly once with its right outcome, and no process of the run may be
    /// left. Takes some minutes.
    Torture(torture::Arguments),
    /// Measure rounds a second, compared with bare loops, nextest, hyperfine and xargs
    ///
    /// Prints tables and writes them to `bench/speed.md` of the target directory. Takes some
    /// minutes; the machine should be idle. The exit code does not depend on the figures.
    ///
    /// Example: cargo xtask bench --only failing --against ../other/target/release/crashrate
    Bench(bench::Arguments),
    /// Run the fuzz targets of crates/fuzz, each for 30 s
    ///
    /// Inputs that crash a reader are named and make the exit code non-zero. `fuzz/` of the target
    /// directory keeps all inputs.
    Fuzz(fuzz::Arguments),
    /// Simulate runs whose true answer is known; check how often the verdicts are wrong
    ///
    /// Prints a table for each simulation. The exit code is non-zero if an error rate is
    /// significantly above the stated one. Takes some minutes; CI runs small versions as
    /// ordinary tests.
    Verify(verify::Arguments),
    /// Find names that were renamed: identifiers, files, keys and flags
    ///
    /// `xtask/names.toml` holds the old and new names, and the places where an old name is right.
    /// Prints `file:line: old -> new` for each one found; the exit code is then 1.
    Names,
    /// Count source lines by crate; list long files, long functions and import cycles
    ///
    /// `xtask/size.toml` gives the reason for each one that is accepted.
    Size(size::Arguments),
    /// Type-check everything but the worker for macOS, on Linux
    ///
    /// A compiler from Debian's packages, unpacked under the target directory, checks the standard
    /// library for macOS from its source. Without these packages, the command says so and
    /// checks nothing.
    CheckMacos,
}

fn main() -> ExitCode {
    let task = Arguments::parse().task;
    let done = Workspace::find().and_then(|workspace| run(task, &workspace));
    done.unwrap_or_else(|error| failure::report(&error))
}

fn run(task: Task, workspace: &Workspace) -> anyhow::Result<ExitCode> {
    match task {
        Task::Demo => return demo(workspace),
        Task::Test { arguments } => return tests::run(workspace, &arguments),
        Task::Names => return names::run(workspace),
        Task::Size(arguments) => return size::run(workspace, &arguments),
        Task::Setup { force } => libtorch::provide(&workspace.libtorch(), force).map(drop),
        Task::Build => workspace.build().map(drop),
        Task::Torture(arguments) => torture::run(workspace, &arguments),
        Task::Bench(arguments) => bench::run(workspace, &arguments),
        Task::Fuzz(arguments) => fuzz::run(workspace, &arguments),
        Task::Verify(arguments) => verify::run(workspace, &arguments),
        Task::CheckMacos => macos::check(workspace),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Runs the story suite. `crashrate` itself prints the path of the report.
fn demo(workspace: &Workspace) -> anyhow::Result<ExitCode> {
    const ARGUMENTS: &str = "run configs/story.toml --mode both --rounds 3 --device cpu";
    workspace.build()?;
    say!("\n$ crashrate {ARGUMENTS}\n");
    let status = Command::new(workspace.binaries()?.join("crashrate"))
        .current_dir(workspace.root())
        .args(ARGUMENTS.split(' '))
        .status()
        .context("crashrate could not be started")?;
    Ok(failure::code_of(status))
}
