//! `crashrate doctor`: what stands in the way of measuring here.

use std::path::Path;

use crashrate_model::Level;
use crashrate_report::{doctor_json, doctor_terminal};
use crashrate_supervisor::doctor::examine;

use crate::args::{DoctorArguments, DoctorFormat};
use crate::exit::{Exit, Failure};
use crate::inspect::print;

pub(crate) fn doctor(arguments: &DoctorArguments) -> Result<Exit, Failure> {
    let program = std::env::current_exe().unwrap_or_default();
    let beside = program.parent().unwrap_or(Path::new("."));
    let findings = examine(arguments.worker.as_deref(), beside);
    print(&match arguments.format {
        DoctorFormat::Terminal => doctor_terminal(&findings),
        DoctorFormat::Json => doctor_json(&findings),
    });
    let blocked = findings.iter().any(|f| f.level == Level::Blocker);
    Ok(if blocked {
        Exit::NotPassed
    } else {
        Exit::Passed
    })
}
