//! The reader of recorded reports: any text is a record or one message, and a record has a report.
#![no_main]

use std::path::Path;

use crashrate_fuzz::report;
use crashrate_supervisor::baseline;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match baseline::parse(text, Path::new("record.toml"), "record.toml") {
        Ok(recorded) => report(recorded.records()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
