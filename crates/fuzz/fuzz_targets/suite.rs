//! Reads any text as a suite: the result is a suite with a plan, or one error message.
#![no_main]

use std::path::Path;

use crashrate_adapters::TestList;
use crashrate_supervisor::plan::{Plan, Selection};
use crashrate_supervisor::suite::Suite;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Suite::parse(text, Path::new("/nowhere/suite.toml"), &|_| Ok(TestList::default())) {
        Ok(suite) => {
            if let Ok(plan) = Plan::new(suite, &Selection::default(), 7) {
                plan.fingerprint();
                plan.rounds().take(1000).for_each(drop);
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
