use crashrate_adapters::{Framework, Group, Order, Test};

use super::*;

const NAMES: [&str; 8] = [
    "tests::adds",
    "tests::größe",
    "tests::panics",
    "tests::panics_otherwise",
    "tests::prints_without_newline",
    "tests::wrong",
    "then_planted::crash",
    "then_planted::crash_no_more",
];

/// The ids that both `cargo test` and nextest give to the packages `one` and `two`.
const WORKSPACE: [&str; 4] = [
    "one::outside directory",
    "two library",
    "two::bin/other other_program",
    "two::bin/two program",
];

fn lists() -> [Output; 2] {
    [
        printed("libtest/list.txt", 0),
        printed("libtest/ignored.txt", 0),
    ]
}

fn group(command: &str) -> Group {
    listed(Framework::Libtest, command, vec![lists().into()])
        .groups
        .remove(0)
}

fn stdout(text: &str) -> Output {
    Output {
        stdout: text.as_bytes().to_vec(),
        exit: Some(0),
        ..Output::default()
    }
}

#[test]
fn ignored_tests_are_left_out_unless_they_run() {
    let names = |command: &str| -> Vec<String> {
        let tests = group(command).tests.into_iter();
        tests.map(|test| test.id).collect()
    };
    assert_eq!(names("./one"), NAMES);
    assert_eq!(names("./one --include-ignored").len(), 10);
}

#[test]
fn cargo_test_lists_every_binary() {
    let one = ["tests", "then_planted"];
    let binaries = vec![
        lists().into(),
        vec![stdout("directory: test\n"), stdout("")],
        // `plain` has no tests, and `plain::own_harness` is no list.
        vec![stdout(""), stdout("")],
        vec![stdout("not a list\n"), stdout("not a list\n")],
        vec![stdout("library: test\n"), stdout("")],
        vec![stdout("other_program: test\n"), stdout("")],
        vec![stdout("program: test\n"), stdout("")],
    ];
    let steps = vec![
        vec![printed("libtest/messages.jsonl", 0)],
        binaries.into_iter().flatten().collect(),
    ];
    let tests = listed(Framework::Libtest, "cargo test --workspace", steps);
    let ids = ids(&tests);
    assert!(
        ids[..8]
            .iter()
            .all(|id| one.iter().any(|of| id.starts_with(&format!("one {of}"))))
    );
    assert_eq!(ids[8..], WORKSPACE);
    let note = "left out `plain::own_harness`: it does not list its tests (`harness = false`?)";
    assert_eq!(tests.notes, [note]);

    let outside = &tests.groups[1].program;
    assert_eq!(
        outside.directory.as_deref(),
        Some(Path::new("/src/libtest/one"))
    );
    assert_eq!(outside.env["CARGO_PKG_NAME"], "one");
    assert_eq!(outside.env["CARGO_PKG_VERSION"], "0.1.0");
    assert_eq!(outside.env["CARGO_MANIFEST_DIR"], "/src/libtest/one");
}

#[test]
fn nextest_lists_the_same() {
    let steps = vec![vec![printed("libtest/nextest.json", 0)]];
    let tests = listed(Framework::Libtest, "cargo nextest run", steps);
    let ids = ids(&tests);
    let one: Vec<String> = NAMES.iter().map(|name| format!("one {name}")).collect();
    assert_eq!(ids[..8], one);
    assert_eq!(ids[8..], WORKSPACE);
    let outside = &tests.groups[1].program;
    assert_eq!(
        outside.directory.as_deref(),
        Some(Path::new("/src/libtest/one"))
    );
    assert_eq!(outside.env["CARGO_PKG_VERSION"], "0.1.0");
}

#[test]
fn the_words_of_cargo_go_to_the_build_or_to_the_binaries() {
    let first = |command: &str| {
        let env = BTreeMap::new();
        let scratch = Path::new("/scratch");
        let context = Context { scratch, env: &env };
        match list(Framework::Libtest, &words(command), context).unwrap() {
            Step::Run(listing) => listing,
            Step::Done(_) => panic!("nothing to run"),
        }
    };
    let build = first("cargo +nightly test -p one wrong --release -- --nocapture --test-threads 4");
    let process = &build.processes()[0];
    assert_eq!(
        arguments(process),
        "+nightly test -p one --release --no-run --message-format json-render-diagnostics"
    );
    let Step::Run(ask) = build
        .outputs(vec![printed("libtest/messages.jsonl", 0)])
        .unwrap()
    else {
        panic!("the binaries are not asked");
    };
    let process = &ask.processes()[0];
    assert_eq!(
        arguments(process),
        "--nocapture wrong --list --format terse"
    );

    let nextest = first("cargo nextest run -p one -- wrong");
    let expected = "nextest list -p one --message-format json -- wrong";
    assert_eq!(arguments(&nextest.processes()[0]), expected);

    let message = refused(Framework::Libtest, "cargo build", vec![]);
    let expected = "from = \"libtest\": expected `cargo test ...` or `cargo nextest run ...`";
    assert_eq!(message, expected);
    let message = refused(Framework::Libtest, "cargo test --doc", vec![]);
    assert!(message.contains("leave out `--doc`"), "{message}");
}

#[test]
fn a_run_has_a_verdict_for_each_test() {
    let failed = ["fail tests::panics_otherwise: ", "fail tests::wrong: "];
    let group = group("./one");
    for file in ["libtest/run.txt", "libtest/nocapture.txt"] {
        assert_eq!(
            not_passed(&events(&group, &recorded(file)), &NAMES),
            failed,
            "{file}"
        );
    }
}

#[test]
fn an_ignored_test_that_was_asked_for_is_skipped() {
    let group = group("./one --include-ignored");
    let events = events(&group, &recorded("libtest/run.txt"));
    assert!(events.contains(&"skip tests::ignored: no such device".to_owned()));
    assert!(events.contains(&"skip tests::ignored_without_reason: ".to_owned()));
}

#[test]
fn a_crash_leaves_its_test_open() {
    let group = group("./one");
    for (file, before) in [("libtest/crash.txt", 1), ("libtest/crash-nocapture.txt", 6)] {
        let events = events(&group, &recorded(file));
        assert_eq!(
            events.last().unwrap(),
            "start then_planted::crash",
            "{file}"
        );
        assert_eq!(events.len(), 2 * before + 1, "{file}");
    }
}

#[test]
fn processes_run_what_was_chosen() {
    let group = group("./one wrong --nocapture --test-threads 8");
    let test = named(&group, "tests::wrong");
    let always = "--nocapture --test-threads=1 --color=never --exact";
    assert_eq!(
        arguments(&group.isolated(test)),
        format!("{always} tests::wrong")
    );
    let tests = [named(&group, "tests::adds"), test];
    let process = group.sequential(&tests, Order::Given).unwrap();
    assert_eq!(
        arguments(&process),
        format!("{always} tests::adds tests::wrong")
    );
    let error = group
        .sequential(&tests, Order::Shuffled { seed: 1 })
        .unwrap_err();
    let message = "libtest cannot run tests in shuffled order: it runs them by name: use `given`";
    assert_eq!(error.to_string(), message);
    let none: Vec<&Test> = Vec::new();
    assert!(
        group
            .reader(&none)
            .unwrap()
            .push(b"test tests::wrong ... ok\n")
            .is_empty()
    );
}
