//! Reads any bytes as a macOS crash report: the result is a complete report or an error.
#![no_main]

use crashrate_postmortem::apple::Report;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(report) = Report::read(&String::from_utf8_lossy(bytes)) {
        report.is_of(report.pid, 0, 2_000_000_000);
        assert!(report.crash.signature.starts_with("v1 | "));
        assert!(serde_json::to_string(&report.crash).is_ok());
    }
});
