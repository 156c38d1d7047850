//! Set-up, build, demo, test and benchmark of crashrate: `cargo xtask --help`.
//!
//! | file | subject |
//! |---|---|
//! | `libtorch/` | which libtorch is used, and bringing one |
//! | `workspace.rs` | where things are |
//! | `cargo.rs` | calling cargo, with libtorch told |
//! | `demo.rs` | the demo |
//! | `tests.rs` | the tests and their total |
//! | `torture/` | a supervisor that is killed again and again |
//! | `bench/` | the benchmark beside bare loops and peers |
//! | `fuzz.rs` | the fuzz targets |
//! | `macos/` | the types of the macOS side |
//! | `verify.rs` | long simulations of the verdicts |
//! | `failure.rs` | how a failure is told |

/// `println!` without its panic: a reader that has gone away, as in `cargo xtask setup | head`, must not
/// break off the work.
macro_rules! say {
    ($($told:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stdout(), $($told)*);
    }};
}

mod bench;
mod cargo;
mod demo;
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

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Set-up, build, demo and test of crashrate.
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
    /// libtorch comes from the Python package index, through python3 and its pip, with the settings
    /// that pip has on this machine (index, proxy, certificates, cache). What is fetched is checked
    /// against checksums written into this program. A set-up that was broken off goes on with the
    /// next call.
    ///
    /// Have a PyTorch or libtorch 2.11.0 of your own? Set LIBTORCH to its folder (the one with
    /// `include` and `lib`), or LIBTORCH_USE_PYTORCH=1 for the PyTorch that python3 imports. The
    /// set-up then leaves it alone and fetches nothing.
    Setup {
        /// Make it anew, even if it is in place
        #[arg(long)]
        force: bool,
    },
    /// Set-up if needed, then every binary in release form under target/release
    Build,
    /// Build, then run the story suite in both modes on the CPU and say where its report is
    ///
    /// Ends with the exit code of `crashrate run`: 0 when everything passed, 100 when something did not.
    Demo,
    /// Build, then every test of the workspace in release form
    Test {
        /// Given on to `cargo test`, for example `-p crashrate-model`, or `-- a_part_of_a_name`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Kill the supervisor of a run of 200 rounds at random moments, and check that nothing is lost or left behind
    ///
    /// After each kill the run is gone on with (`--resume`). At the end every round must be in the journal and in the
    /// report exactly once, with its right end, and nothing of the run may be in the process table. Takes some minutes.
    Torture(torture::Arguments),
    /// Measure how fast rounds are: beside bare loops, and beside nextest, hyperfine and xargs where they are installed
    ///
    /// Prints tables, and writes them to `bench/speed.md` of the target directory. Takes some minutes, and wants a machine
    /// with nothing else to do. No figure makes it fail.
    Bench(bench::Arguments),
    /// Run the fuzz targets of crates/fuzz, each for 30 s
    ///
    /// What is found is kept in `fuzz/` of the target directory; an input that crashes a reader is named, and the exit
    /// code is then not 0.
    Fuzz(fuzz::Arguments),
    /// Simulate runs whose true answer is known, and check how often the verdicts are wrong
    ///
    /// Prints a table for each simulation. The exit code is not 0 if an error is significantly larger than what is stated
    /// for it. Takes some minutes; CI runs a small version as ordinary tests.
    Verify(verify::Arguments),
    /// Find names that were renamed: identifiers, files, keys and flags
    ///
    /// `xtask/names.toml` holds the old and new names, and the places where an old name is right. Prints `file:line: old
    /// -> new` for each one found; the exit code is then 1.
    Names(names::Arguments),
    /// Count source lines by crate; list long files, long functions and import cycles
    ///
    /// `xtask/size.toml` gives a reason for each that is accepted.
    Size(size::Arguments),
    /// Check the types of everything but the worker for macOS, on Linux
    ///
    /// For that, the standard library is checked for macOS from its source, by a compiler that comes from Debian's
    /// packages and is unpacked under the target directory. Where these packages are not to be had, that is said and
    /// nothing is checked.
    CheckMacos,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Setup { force } => setup(force),
        Task::Build => build(),
        Task::Demo => Workspace::find().and_then(|workspace| demo::run(&workspace)),
        Task::Test { arguments } => {
            Workspace::find().and_then(|workspace| tests::run(&workspace, &arguments))
        }
        Task::Torture(arguments) => {
            Workspace::find().and_then(|workspace| torture::run(&workspace, &arguments))
        }
        Task::Bench(arguments) => {
            Workspace::find().and_then(|workspace| bench::run(&workspace, &arguments))
        }
        Task::Fuzz(arguments) => {
            Workspace::find().and_then(|workspace| fuzz::run(&workspace, &arguments))
        }
        Task::Verify(arguments) => {
            Workspace::find().and_then(|workspace| verify::run(&workspace, &arguments))
        }
        Task::Names(arguments) => {
            Workspace::find().and_then(|workspace| names::run(&workspace, &arguments))
        }
        Task::Size(arguments) => {
            Workspace::find().and_then(|workspace| size::run(&workspace, &arguments))
        }
        Task::CheckMacos => Workspace::find().and_then(|workspace| macos::check(&workspace)),
    };
    done.unwrap_or_else(|error| failure::tell(&error))
}

fn setup(force: bool) -> anyhow::Result<ExitCode> {
    libtorch::provide(&Workspace::find()?, force)?;
    Ok(ExitCode::SUCCESS)
}

fn build() -> anyhow::Result<ExitCode> {
    cargo::build(&Workspace::find()?)?;
    Ok(ExitCode::SUCCESS)
}
