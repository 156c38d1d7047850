//! `crashrate crashes --import FILE`: a macOS crash report, on any platform.

use std::error::Error;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crashrate_postmortem::Crash;
use crashrate_postmortem::apple::Report;

use crate::error::Failure;

const MAX_SIZE: u64 = 32 << 20;
const WHAT_TO_DO: &str =
    "give an .ips or .crash file; macOS keeps them in Library/Logs/DiagnosticReports";

/// The crash in a report, described like a crash of a run.
pub(super) fn show(path: &Path, describe: fn(&mut String, &Crash)) -> Result<String, Failure> {
    let shown = path.display();
    let report =
        read(path).map_err(|why| Failure::usage(format!("{shown}: {why}; {WHAT_TO_DO}")))?;
    let crash = &report.crash;
    let known = |text: &str| match text {
        "" => "unknown".to_owned(),
        text => text.to_owned(),
    };
    let mut text = format!(
        "{}\nclass {}, program {}, process {}, time {}\n",
        crash.signature,
        crash.class,
        known(&report.process),
        crash.pid,
        known(&report.captured)
    );
    describe(&mut text, crash);
    text += &format!("\nfile: {shown}\n");
    Ok(text)
}

/// Refuses pipes and devices: reading from one may never end.
fn read(path: &Path) -> Result<Report, Box<dyn Error>> {
    if !fs::metadata(path)?.is_file() {
        return Err("not a regular file".into());
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_SIZE + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_SIZE {
        return Err(format!("larger than {} MiB", MAX_SIZE >> 20).into());
    }
    Ok(Report::read(&String::from_utf8_lossy(&bytes))?)
}
