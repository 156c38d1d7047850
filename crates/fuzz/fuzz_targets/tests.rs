//! Reads any bytes as what a test framework prints: first as its list of tests, then as the output
//! of a process that runs them all.
#![no_main]

use std::collections::BTreeMap;
use std::path::Path;

use crashrate_adapters::{Context, Framework, Order, Output, Step, TestList, list};
use libfuzzer_sys::fuzz_target;

/// A command of each framework.
const COMMANDS: [(Framework, &str); 7] = [
    (Framework::Pytest, "pytest"),
    (Framework::Gtest, "./tests"),
    (Framework::Catch2, "./tests"),
    (Framework::Libtest, "./tests"),
    (Framework::Libtest, "cargo"),
    (Framework::Ctest, "ctest"),
    (Framework::Go, "./..."),
];

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, printed)) = bytes.split_first() else {
        return;
    };
    let (framework, command) = COMMANDS[usize::from(first) % COMMANDS.len()];
    let Some(tests) = listed(framework, command, printed) else {
        return;
    };
    for group in &tests.groups {
        let all: Vec<_> = group.tests.iter().collect();
        all.iter().for_each(|test| drop(group.isolated(test)));
        let _ = group.sequential(&all, Order::Given);
        let Some(mut reader) = group.reader(&all) else {
            continue;
        };
        // However the bytes are cut, the events are the same.
        let whole = reader.push(printed);
        let mut reader = group.reader(&all).expect("it was there before");
        let parts = printed.chunks(7).flat_map(|part| reader.push(part));
        assert_eq!(whole, parts.collect::<Vec<_>>());
    }
});

fn listed(framework: Framework, command: &str, printed: &[u8]) -> Option<TestList> {
    let env = BTreeMap::new();
    let context = Context {
        scratch: Path::new("/nowhere"),
        env: &env,
    };
    let mut step = list(framework, &[command.to_owned()], context).ok()?;
    loop {
        let listing = match step {
            Step::Run(listing) => listing,
            Step::Done(tests) => return Some(tests),
        };
        let output = Output {
            stdout: printed.to_vec(),
            exit: Some(0),
            ..Output::default()
        };
        let outputs = vec![output; listing.processes().len()];
        step = listing.outputs(outputs).ok()?;
    }
}
