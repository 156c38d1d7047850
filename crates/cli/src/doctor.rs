//! `crashrate doctor`: what stands in the way of measuring here.

use std::path::Path;

use crashrate_model::Level;
use crashrate_report::{doctor_json, doctor_terminal};
use crashrate_supervisor::doctor::examine;
use crashrate_supervisor::worker::{self, WORKER_VARIABLE};

use crate::args::{DoctorArguments, DoctorFormat};
use crate::exit::{Exit, Failure};
use crate::guardian;
use crate::screen::print;
use crate::self_test;

pub(crate) fn doctor(arguments: &DoctorArguments) -> Result<Exit, Failure> {
    if arguments.self_test {
        return self_test::self_test(arguments.format);
    }
    let program = std::env::current_exe().unwrap_or_default();
    let beside = program.parent().unwrap_or(Path::new("."));
    let named = arguments.worker.is_some() || std::env::var_os(WORKER_VARIABLE).is_some();
    if named {
        // Without a worker much can be measured, but not with the one that is asked for.
        worker::find(arguments.worker.as_deref(), beside).map_err(Failure::usage)?;
    }
    let findings = examine(
        arguments.worker.as_deref(),
        beside,
        (&program, guardian::ARGUMENTS),
    );
    print(&match arguments.format {
        DoctorFormat::Terminal => doctor_terminal(&findings),
        DoctorFormat::Json => doctor_json(&findings),
    })?;
    let blocked = findings.iter().any(|f| f.level == Level::Blocker);
    Ok(if blocked {
        Exit::NotPassed
    } else {
        Exit::Passed
    })
}
