use crashrate_adapters::{Framework, Group, Order, Test};

use super::*;

/// The tests of version 2; version 3 has two more.
const NAMES: [&str; 33] = [
    "adds",
    "is wrong",
    "comma, and \"quotes\"",
    "[brackets] at the start",
    "in [the] middle",
    "star*",
    "*star",
    "back\\slash",
    "back\\, comma",
    "ends with backslash\\",
    "#hash",
    "~tilde",
    "-dash",
    "exclude:this",
    "a < b && c > 'd'",
    "  blanks around  ",
    "\"quoted\"",
    "~ tilde ~",
    "- dash -",
    "~",
    "\\",
    "\"",
    ",",
    "Größe 😀",
    "a name that is longer than the eighty columns that the console reporter of the library \
     has, so that it is wrapped there",
    "of a type - int",
    "of a type - std::string",
    "prints XML",
    "throws",
    "may fail",
    "should fail",
    "planted crash",
    "behind the crash",
];

fn list_2(command: &str) -> TestList {
    // Version 2 takes the first process for a list in its own format.
    let first = printed("catch2/list-2.txt", 33);
    listed(
        Framework::Catch2,
        command,
        vec![vec![first, printed("catch2/list-2.txt", 33)]],
    )
}

fn list_3(command: &str) -> TestList {
    let second = Output {
        stderr: b"Unrecognised token: --list-test-names-only".to_vec(),
        exit: Some(1),
        ..Output::default()
    };
    listed(
        Framework::Catch2,
        command,
        vec![vec![printed("catch2/list-3.xml", 0), second]],
    )
}

fn names_3() -> Vec<&'static str> {
    let mut names = NAMES.to_vec();
    names.splice(31..31, ["is skipped", "may fail and is skipped"]);
    names
}

#[test]
fn both_versions_list_names_with_any_characters() {
    assert_eq!(ids(&list_2("./words")), NAMES);
    assert_eq!(ids(&list_3("./words")), names_3());
}

#[test]
fn a_program_without_catch2_is_an_error() {
    let other = || Output {
        stdout: b"Hello\n".to_vec(),
        exit: Some(0),
        ..Output::default()
    };
    let message = refused(Framework::Catch2, "./other", vec![vec![other(), other()]]);
    assert!(
        message.contains("`./other --list-test-names-only` failed"),
        "{message}"
    );
}

#[test]
fn a_run_has_a_verdict_for_each_test() {
    let failed = [
        "fail is wrong: /src/catch2/words_test.cc:20: CHECK\n1 + 1 == 3\n2 == 3",
        "fail throws: /src/catch2/words_test.cc:53:\nUnknown exception",
    ];
    let list = list_2("./words");
    let events_2 = events(&list.groups[0], &recorded("catch2/run-2.xml"));
    assert_eq!(not_passed(&events_2, &NAMES), failed);

    let list = list_3("./words");
    let events_3 = events(&list.groups[0], &recorded("catch2/run-3.xml"));
    let ends = not_passed(&events_3, &names_3());
    assert_eq!(ends[..2], failed);
    assert_eq!(
        ends[2..],
        ["skip is skipped: /src/catch2/words_test.cc:57:\nno such device"]
    );
}

#[test]
fn a_crash_leaves_its_test_open_although_the_library_reports_a_failure() {
    for (list, file) in [
        (list_2("./words"), "catch2/crash-2.xml"),
        (list_3("./words"), "catch2/crash-3.xml"),
    ] {
        let output = recorded(file);
        assert!(output.ends_with(b"</Catch>") || output.ends_with(b"</Catch2TestRun>"));
        let events = events(&list.groups[0], &output);
        assert_eq!(events.last().unwrap(), "start planted crash");
    }
}

#[test]
fn test_specs_are_quoted() {
    let list = list_2("./words");
    let group: &Group = &list.groups[0];
    let spec = |name: &str| group.isolated(named(group, name)).command.pop().unwrap();
    assert_eq!(spec("adds"), "\"adds\"");
    assert_eq!(
        spec("comma, and \"quotes\""),
        "\"comma\\, and \\\"quotes\\\"\""
    );
    assert_eq!(
        spec("[brackets] at the start"),
        "\"\\[brackets] at the start\""
    );
    assert_eq!(spec("back\\, comma"), "\"back\\\\\\, comma\"");
    assert_eq!(spec("~ tilde ~"), "\"~ tilde ~\"");
    assert_eq!(spec("exclude:this"), "\"*xclude:this\"");
}

#[test]
fn processes_run_what_was_chosen() {
    let list = list_3("./words [math] -r junit --order rand -x 3 --rng-seed 9");
    let group = &list.groups[0];
    let isolated = group.isolated(named(group, "adds"));
    assert_eq!(
        arguments(&isolated),
        "-x 3 --rng-seed 9 --reporter xml --order decl \"adds\""
    );
    let all: Vec<&Test> = group.tests.iter().collect();
    let sequence = |tests: &[&Test], order| group.sequential(tests, order).map(|p| arguments(&p));
    // The user's own spec chooses them all.
    let whole = sequence(&all, Order::Given).unwrap();
    assert_eq!(
        whole,
        "[math] -x 3 --rng-seed 9 --reporter xml --order decl"
    );
    let some = sequence(&all[..2], Order::Shuffled { seed: 6 }).unwrap();
    assert_eq!(
        some,
        "-x 3 --reporter xml \"adds\",\"is wrong\" --order rand --rng-seed 7"
    );
    assert!(sequence(&all, Order::Reversed).is_err());
}
