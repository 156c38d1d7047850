//! The journal reader, and the report of what it reads: a journal is a report or one message.
#![no_main]

use std::path::Path;

use crashrate_fuzz::report;
use crashrate_supervisor::journal::read_from;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let records = read_from(bytes, Path::new("journal.jsonl"));
    let records: Result<Vec<_>, _> = records.collect();
    match records {
        Ok(records) => report(records.into_iter()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
