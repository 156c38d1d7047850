use crashrate_adapters::{Framework, Group, Order, Test, crash_mark};

use super::*;

const NAMES: [&str; 14] = [
    "TestAdd",
    "TestWrong",
    "TestSkipped",
    "TestSub",
    "TestSubWrong",
    "TestParallelA",
    "TestParallelB",
    "TestPrints",
    "TestPrintsWrong",
    "TestGröße",
    "TestPlanted",
    "TestBehind",
    "FuzzAdd",
    "ExamplePrint",
];

fn packages(command: &str) -> TestList {
    let inner = Output {
        stdout: b"TestAdd\nTestDirectory\n".to_vec(),
        exit: Some(0),
        ..Output::default()
    };
    let built = || Output {
        exit: Some(0),
        ..Output::default()
    };
    let steps = vec![
        vec![printed("go/packages.txt", 0)],
        vec![built(), built()],
        vec![printed("go/list.txt", 0), inner],
    ];
    listed(Framework::Go, command, steps)
}

fn group(command: &str) -> Group {
    listed(
        Framework::Go,
        command,
        vec![vec![printed("go/list.txt", 0)]],
    )
    .groups
    .remove(0)
}

#[test]
fn packages_with_tests_are_built_and_listed() {
    let tests = packages("go test ./...");
    let mut expected: Vec<String> = NAMES
        .iter()
        .map(|name| format!("example.org/words {name}"))
        .collect();
    let inner = ["TestAdd", "TestDirectory"];
    expected.extend(inner.map(|name| format!("example.org/words/inner {name}")));
    assert_eq!(ids(&tests), expected);
    let program = &tests.groups[1].program;
    assert_eq!(program.command, ["/scratch/1-inner.test"]);
    assert_eq!(
        program.directory.as_deref(),
        Some(Path::new("/src/go/inner"))
    );
}

#[test]
fn a_package_that_does_not_build_is_an_error() {
    let broken = || Output {
        stderr: b"./words_test.go:3:1: syntax error\n".to_vec(),
        exit: Some(2),
        ..Output::default()
    };
    let steps = vec![
        vec![printed("go/packages.txt", 0)],
        vec![broken(), broken()],
    ];
    let message = refused(Framework::Go, "./...", steps);
    let expected = "go: `go test -c -o /scratch/0-words.test example.org/words` failed with exit \
                    code 2\n    ./words_test.go:3:1: syntax error";
    assert_eq!(message, expected);
}

#[test]
fn a_run_has_a_verdict_for_each_test() {
    let group = group("./words.test");
    let events = events(&group, &recorded("go/run.txt"));
    let parallel: Vec<&String> = events
        .iter()
        .filter(|event| event.contains("Parallel"))
        .collect();
    let expected = [
        "start TestParallelA",
        "pause TestParallelA",
        "start TestParallelB",
        "pause TestParallelB",
        "start TestParallelA",
        "pass TestParallelA",
        "start TestParallelB",
        "pass TestParallelB",
    ];
    assert_eq!(parallel, expected);
    let others: Vec<String> = events
        .iter()
        .filter(|event| !event.contains("Parallel"))
        .cloned()
        .collect();
    let names: Vec<&str> = NAMES
        .iter()
        .filter(|name| !name.contains("Parallel"))
        .copied()
        .collect();
    let ends = [
        "fail TestWrong: words_test.go:16: --- PASS: TestAdd (0.00s)\nwords_test.go:17: 1 + 1 = 3",
        "skip TestSkipped: words_test.go:20: no such device",
        "fail TestSubWrong: words_test.go:34: no",
        "fail TestPrintsWrong: ",
    ];
    assert_eq!(not_passed(&others, &names), ends);
}

#[test]
fn a_panic_leaves_its_test_open_although_go_reports_a_failure() {
    let group = group("./words.test");
    let panic = String::from_utf8(recorded("go/panic.txt")).unwrap();
    assert!(panic.ends_with("--- FAIL: TestPlanted (0.00s)\n"));
    for file in ["go/panic.txt", "go/panic-elsewhere.txt"] {
        let events = events(&group, &recorded(file));
        assert_eq!(events.last().unwrap(), "start TestPlanted", "{file}");
    }
    let mark = crash_mark(Some(Framework::Go), 2, &recorded("go/panic.stderr.txt"));
    let line = mark.and_then(|mark| mark.line);
    assert!(line.is_some_and(|line| line.starts_with("panic: ")));
}

#[test]
fn processes_run_what_was_chosen() {
    let tests = packages("go test -race ./... -run Test.*/a -short -args -x y");
    let group = &tests.groups[0];
    let always = "-test.v=true -test.count=1 -test.parallel=1 -test.paniconexit0";
    let isolated = group.isolated(named(group, "TestSub"));
    let expected = format!("{always} -test.shuffle=off -test.run=^(TestSub)$/a -test.short -x y");
    assert_eq!(arguments(&isolated), expected);

    let all: Vec<&Test> = group.tests.iter().collect();
    let sequence = |tests: &[&Test], order| group.sequential(tests, order).map(|p| arguments(&p));
    let whole = sequence(&all, Order::Shuffled { seed: 7 }).unwrap();
    let expected = format!("{always} -test.shuffle=7 -test.run=Test.*/a -test.short -x y");
    assert_eq!(whole, expected);
    let some = sequence(&all[..2], Order::Given).unwrap();
    assert!(
        some.contains(" -test.run=^(TestAdd|TestWrong)$/a "),
        "{some}"
    );
    assert!(sequence(&all, Order::Reversed).is_err());
}
