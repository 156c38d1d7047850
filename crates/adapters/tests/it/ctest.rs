use std::time::Duration;

use crashrate_adapters::{ExitMeaning, Framework, Group, Order};

use super::*;

fn tests() -> TestList {
    listed(
        Framework::Ctest,
        "build",
        vec![vec![printed("ctest/tests.json", 0)]],
    )
}

fn group<'a>(tests: &'a TestList, name: &str) -> (&'a Group, &'a Test) {
    tests
        .find(name)
        .unwrap_or_else(|| panic!("no test `{name}`"))
}

/// A list with one test that has these properties.
fn one(properties: &str) -> Output {
    let test = format!(r#"{{"name": "a", "command": ["./a"], "properties": [{properties}]}}"#);
    Output {
        stdout: format!(r#"{{"kind": "ctestInfo", "tests": [{test}]}}"#).into_bytes(),
        exit: Some(0),
        ..Output::default()
    }
}

#[test]
fn the_list_has_what_ctest_runs() {
    let tests = tests();
    // ctest counts 19 tests, and a disabled one that does not run.
    assert_eq!(tests.len(), 19);
    assert!(tests.find("disabled").is_none());
    group(&tests, "name with blanks, \"quotes\" and ü");
}

#[test]
fn properties_say_how_a_test_runs_and_what_its_exit_code_means() {
    let tests = tests();
    let meaning = |name: &str, code| group(&tests, name).1.exit_codes.meaning(code);
    assert_eq!(meaning("wrong", 3), ExitMeaning::Failed);
    assert_eq!(meaning("fails-as-it-should", 1), ExitMeaning::Passed);
    assert_eq!(meaning("passes-as-it-should-not", 0), ExitMeaning::Failed);
    assert_eq!(meaning("skipped", 77), ExitMeaning::Skipped);
    assert_eq!(
        group(&tests, "slow").1.timeout,
        Some(Duration::from_millis(500))
    );

    let (environment, test) = group(&tests, "environment");
    let process = environment.isolated(test);
    let expected = [("A", "1"), ("B", "x=y;z"), ("C", "c:d")];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(process.env, expected.into());
    assert!(process.unset.contains("D"));
    let directory = group(&tests, "directory").0.program.directory.as_deref();
    assert_eq!(directory, Some(Path::new("/build/cmake/else where")));
}

#[test]
fn properties_that_are_not_followed_are_notes() {
    let tests = tests();
    let notes = |name: &str| group(&tests, name).1.notes.as_slice();
    assert_eq!(
        notes("fixture-user"),
        ["needs the fixtures database, which crashrate does not set up"]
    );
    assert!(notes("plain-1").is_empty());
    assert!(notes("expression").is_empty());
    let rules = &group(&tests, "expression").1.exit_codes.output;
    assert!(!rules.required.is_empty());
}

#[test]
fn a_sequence_is_impossible() {
    let tests = tests();
    let (group, test) = group(&tests, "plain-1");
    let error = group.sequential(&[test], Order::Given).unwrap_err();
    let message = "ctest runs each test in a process of its own: use isolated mode";
    assert_eq!(error.to_string(), message);
    assert!(group.reader(&[test]).is_none());
}

#[test]
fn changes_of_the_environment_extend_it() {
    let changes = r#"{"name": "ENVIRONMENT_MODIFICATION", "value":
        ["DIRS=path_list_prepend:/a", "DIRS=path_list_append:/z", "NEW=string_append:x",
         "NEW=cmake_list_append:y", "GONE=set:1", "GONE=reset:"]}"#;
    let tests = listed(Framework::Ctest, "build", vec![vec![one(changes)]]);
    let env = &tests.groups[0].program.env;
    assert_eq!(env["DIRS"], "/a:/usr:/z");
    assert_eq!(env["NEW"], "x;y");
    assert!(!env.contains_key("GONE"));

    let unknown = r#"{"name": "ENVIRONMENT_MODIFICATION", "value": ["A=twist:b"]}"#;
    let message = refused(Framework::Ctest, "build", vec![vec![one(unknown)]]);
    let expected =
        "ctest: test `a` has the unknown operation `twist` in ENVIRONMENT_MODIFICATION `A=twist:b`";
    assert_eq!(message, expected);
}

#[test]
fn a_test_that_is_not_built_is_named() {
    let output = Output {
        stdout: br#"{"tests": [{"name": "not-built", "properties": []}]}"#.to_vec(),
        exit: Some(0),
        ..Output::default()
    };
    let message = refused(
        Framework::Ctest,
        "ctest --test-dir build",
        vec![vec![output]],
    );
    assert_eq!(
        message,
        "ctest: test `not-built` has no program: build the project first"
    );
}
