//! Reads any text as a recorded report: the result is a report that can be rendered, or one error
//! message.
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
