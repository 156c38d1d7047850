//! `crashrate doctor`: checks of this machine.

mod self_test;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use crashrate_model::Level;
use crashrate_report::{doctor_json, doctor_terminal};
use crashrate_supervisor::doctor::examine;
use crashrate_supervisor::worker::{self, WORKER_VARIABLE};

use crate::environment::{GUARDIAN, this_program};
use crate::error::{Exit, Failure};
use crate::output::print;

#[derive(Args, Debug)]
#[command(after_help = "\
Ends with 100 if something prevents measuring or a row of the self-test is wrong, else with 0.

Examples:
  crashrate doctor
  crashrate doctor --self-test               a table for a bug report")]
pub(crate) struct DoctorArguments {
    /// Output format
    #[arg(long, value_enum, default_value_t = DoctorFormat::Terminal)]
    format: DoctorFormat,

    /// The worker program
    #[arg(long, value_name = "PATH")]
    worker: Option<PathBuf>,

    /// Run misbehaving programs in each evidence mode that is possible here, and compare the
    /// outcomes with the expected ones. Takes about half a minute
    #[arg(long, conflicts_with = "worker")]
    self_test: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DoctorFormat {
    Terminal,
    Json,
}

pub(crate) fn doctor(arguments: &DoctorArguments) -> Result<Exit, Failure> {
    let json = arguments.format == DoctorFormat::Json;
    if arguments.self_test {
        return self_test::self_test(json);
    }
    let (program, beside) = this_program()?;
    if arguments.worker.is_some() || std::env::var_os(WORKER_VARIABLE).is_some() {
        // A missing worker is a finding, except the one that the user named.
        worker::find(arguments.worker.as_deref(), &beside).map_err(Failure::usage)?;
    }
    let findings = examine(arguments.worker.as_deref(), &beside, (&program, GUARDIAN));
    print(&if json {
        doctor_json(&findings)
    } else {
        doctor_terminal(&findings)
    })?;
    let blocked = findings.iter().any(|f| f.level == Level::Blocker);
    Ok(if blocked {
        Exit::NotPassed
    } else {
        Exit::Passed
    })
}
