//! Reads any bytes as a journal: the result is a report that can be rendered, or one error message.
#![no_main]

use std::path::Path;

use crashrate_fuzz::report;
use crashrate_model::Lines;
use crashrate_supervisor::journal::read_from;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Add valid checksums. Without them, the reader would stop at the first line.
    let (mut lines, mut journal) = (Lines::default(), Vec::new());
    for line in bytes.split(|&b| b == b'\n') {
        lines.write_json(line, &mut journal);
    }
    let records = read_from(journal.as_slice(), Path::new("journal.jsonl"));
    let records: Result<Vec<_>, _> = records.collect();
    match records {
        Ok(records) => report(records.into_iter()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
