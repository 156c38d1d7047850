use crashrate_adapters::{Framework, Group, Order, SequenceError, Test};

use super::*;

const NAMES: [&str; 17] = [
    "Math.Add",
    "Math.Wrong",
    "Math.Skipped",
    "Math.PrintsWithoutNewline",
    "Math.PrintsWithoutNewlineAndFails",
    "Typed/0.Default",
    "Typed/0.OnlyInt",
    "Typed/1.Default",
    "Typed/1.OnlyInt",
    "Planted.Crash",
    "Planted.Behind",
    "Some/Text.Short/0",
    "Some/Text.Short/1",
    "Some/Text.Short/2",
    "Some/Text.Short/3",
    "Named.Even/value2",
    "Named.Even/value3",
];

fn group(command: &str) -> Group {
    let steps = vec![vec![printed("gtest/list.txt", 0)]];
    listed(Framework::Gtest, command, steps).groups.remove(0)
}

fn made(names: impl IntoIterator<Item = String>) -> Group {
    let mut group = group("./math_test");
    let test = |name: String| Test {
        id: name.clone(),
        name,
        ..Test::default()
    };
    group.tests = names.into_iter().map(test).collect();
    group
}

#[test]
fn the_list_has_what_the_program_runs() {
    let tests = listed(
        Framework::Gtest,
        "./math_test",
        vec![vec![printed("gtest/list.txt", 0)]],
    );
    assert_eq!(ids(&tests), NAMES);
    // `Running 17 tests from 6 test suites.`
    let run = String::from_utf8(recorded("gtest/run.txt")).unwrap();
    assert!(run.contains(&format!("Running {} tests", tests.len())));
}

#[test]
fn disabled_tests_are_listed_if_they_run() {
    let all = group("./math_test --gtest_also_run_disabled_tests");
    assert_eq!(all.tests.len(), 19);
    named(&all, "DISABLED_All.One");
    assert_eq!(
        group("./math_test --gtest_also_run_disabled_tests=0")
            .tests
            .len(),
        17
    );
}

#[test]
fn a_run_has_a_verdict_for_each_test() {
    let ends = not_passed(
        &events(&group("./math_test"), &recorded("gtest/run.txt")),
        &NAMES,
    );
    let reason = [
        "/src/gtest/math_test.cc:12: Failure",
        "Expected equality of these values:",
        "  1 + 1",
        "    Which is: 2",
        "  3",
        "sums are off",
        "/src/gtest/math_test.cc:13: Failure",
        "Failed",
        "[  FAILED  ] Math.Add is only printed here",
    ]
    .join("\n");
    assert_eq!(ends[0], format!("fail Math.Wrong: {reason}"));
    assert_eq!(
        ends[1],
        "skip Math.Skipped: /src/gtest/math_test.cc:15: Skipped\nno such device"
    );
    let names: Vec<&str> = ends
        .iter()
        .map(|end| end.split(": ").next().unwrap())
        .collect();
    let expected = [
        "fail Math.Wrong",
        "skip Math.Skipped",
        "fail Math.PrintsWithoutNewlineAndFails",
        "fail Typed/1.OnlyInt",
        "fail Some/Text.Short/2",
        "fail Some/Text.Short/3",
        "fail Named.Even/value3",
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_crash_leaves_its_test_open() {
    let events = events(&group("./math_test"), &recorded("gtest/crash.txt"));
    assert_eq!(events.last().unwrap(), "start Planted.Crash");
    assert_eq!(events.len(), 2 * 9 + 1);
}

#[test]
fn processes_run_what_was_chosen() {
    let group = group("./math_test --gtest_repeat=3 --gtest_brief=1 --verbose");
    let always = "--verbose --gtest_color=no --gtest_print_time=1";
    let isolated = group.isolated(named(&group, "Some/Text.Short/1"));
    assert_eq!(
        arguments(&isolated),
        format!("{always} --gtest_filter=Some/Text.Short/1")
    );
    assert!(isolated.unset.contains("GTEST_BRIEF"));

    let all: Vec<&Test> = group.tests.iter().collect();
    let sequence = |tests: &[&Test], order| group.sequential(tests, order).map(|p| arguments(&p));
    let shuffled = sequence(&all, Order::Shuffled { seed: 99_999 }).unwrap();
    assert_eq!(
        shuffled,
        format!("{always} --gtest_shuffle=1 --gtest_random_seed=1")
    );
    let some = sequence(&all[..2], Order::Given).unwrap();
    let filter = "--gtest_filter=Math.Add:Math.Wrong";
    assert_eq!(some, format!("{always} {filter} --gtest_shuffle=0"));
    let most = sequence(&all[1..], Order::Given).unwrap();
    assert_eq!(
        most,
        format!("{always} --gtest_filter=*-Math.Add --gtest_shuffle=0")
    );
    let suite = sequence(&all[..5], Order::Given).unwrap();
    assert_eq!(
        suite,
        format!("{always} --gtest_filter=Math.* --gtest_shuffle=0")
    );
    let reversed = sequence(&all, Order::Reversed).unwrap_err();
    let message = "gtest cannot run tests in reversed order: use `given` or `shuffled`";
    assert_eq!(reversed.to_string(), message);
}

#[test]
fn a_filter_of_the_user_is_never_widened() {
    let group = group("./math_test --gtest_filter=Math.*");
    let tests: Vec<&Test> = group.tests.iter().skip(1).collect();
    let process = group.sequential(&tests, Order::Given).unwrap();
    assert!(
        arguments(&process).contains("--gtest_filter=Math.Wrong:"),
        "{process}"
    );
    assert!(
        !arguments(&process).contains("--gtest_filter=*-"),
        "{process}"
    );
}

#[test]
fn names_that_a_filter_cannot_escape_become_wildcards() {
    let group = made(["Made.a*b:c-d".to_owned()]);
    let process = group.isolated(&group.tests[0]);
    assert_eq!(
        process.command.last().unwrap(),
        "--gtest_filter=Made.a?b?c?d"
    );
}

#[test]
fn too_many_names_are_an_error_that_gives_the_limit() {
    let group = made((0..20_000).map(|number| format!("Suite{number}.Test")));
    let half: Vec<&Test> = group.tests.iter().step_by(2).collect();
    let error = group.sequential(&half, Order::Given).unwrap_err();
    assert!(matches!(
        error,
        SequenceError::TooLong {
            tests: 10_000,
            limit: 131_071,
            ..
        }
    ));
    let all: Vec<&Test> = group.tests.iter().collect();
    group.sequential(&all, Order::Given).unwrap();
    group.sequential(&all[1..], Order::Given).unwrap();
}

#[test]
fn a_program_that_fails_is_an_error_with_its_words() {
    let output = Output {
        stderr: b"./math_test: error while loading shared libraries: libx.so\n".to_vec(),
        exit: Some(127),
        ..Output::default()
    };
    let message = refused(Framework::Gtest, "./math_test", vec![vec![output]]);
    let expected = "gtest: `./math_test --gtest_list_tests` failed with exit code 127\n    \
                    ./math_test: error while loading shared libraries: libx.so";
    assert_eq!(message, expected);
}
