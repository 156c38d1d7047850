//! Set-up, build, demo and test of crashrate: `cargo xtask --help`.
//!
//! | file | subject |
//! |---|---|
//! | `libtorch/` | which libtorch is used, and bringing one |
//! | `workspace.rs` | where things are |
//! | `cargo.rs` | calling cargo, with libtorch told |
//! | `demo.rs` | the demo |
//! | `tests.rs` | the tests and their total |
//! | `failure.rs` | how a failure is told |

/// `println!` without its panic: a reader that has gone away, as in `cargo xtask setup | head`, must not
/// break off the work.
macro_rules! say {
    ($($told:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stdout(), $($told)*);
    }};
}

mod cargo;
mod demo;
mod failure;
mod libtorch;
mod tests;
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
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Setup { force } => setup(force),
        Task::Build => build(),
        Task::Demo => Workspace::find().and_then(|workspace| demo::run(&workspace)),
        Task::Test { arguments } => {
            Workspace::find().and_then(|workspace| tests::run(&workspace, &arguments))
        }
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
