use crashrate_adapters::{Framework, Order};

use super::*;

fn list_of(command: &str) -> TestList {
    listed(
        Framework::Pytest,
        command,
        vec![vec![printed("pytest/list.txt", 0)]],
    )
}

fn ended(exit: i32, stdout: &str, stderr: &str) -> Output {
    Output {
        stdout: stdout.as_bytes().to_vec(),
        stderr: stderr.as_bytes().to_vec(),
        exit: Some(exit),
    }
}

#[test]
fn the_list_has_what_pytest_collects() {
    let tests = list_of("tests");
    // `18 tests collected`
    let listed = String::from_utf8(recorded("pytest/list.txt")).unwrap();
    assert!(listed.contains(&format!("{} tests collected", tests.len())));
    for name in [
        "a b",
        "x::y",
        "[1]",
        "\\xfc\\U0001f600",
        "line\\nbreak",
        "",
        "-k",
        "a/b",
        "\"q\"",
    ] {
        let id = format!("test_words.py::test_text[{name}]");
        assert!(ids(&tests).contains(&id.as_str()), "{id}");
    }
}

#[test]
fn the_words_stay_and_the_plugin_is_added() {
    let plugin = "-p crashrate.pytest_plugin";
    for (command, expected) in [
        ("tests -x", format!("python3 -m pytest {plugin} tests -x")),
        ("pytest -k a", format!("pytest {plugin} -k a")),
        (
            "/v/bin/python3 -m pytest tests",
            format!("/v/bin/python3 -m pytest {plugin} tests"),
        ),
    ] {
        let tests = list_of(command);
        let group = &tests.groups[0];
        let test = &group.tests[0];
        let isolated = group.isolated(test);
        assert_eq!(isolated.to_string(), expected);
        assert_eq!(isolated.env["CRASHRATE_PYTEST_TEST"], test.name);
        let sequence = group.sequential(&[test], Order::Reversed).unwrap();
        assert_eq!(sequence.to_string(), expected);
        assert!(sequence.env.is_empty());
        assert!(group.reader(&[test]).is_none());
    }
}

#[test]
fn marks_become_rates() {
    let lines = r#"
crashrate-test: "a.py::a"
crashrate-gate: {"id": "a.py::a", "below": 0.01}
crashrate-test: "a.py::b"
"#;
    let tests = listed(Framework::Pytest, "tests", vec![vec![ended(0, lines, "")]]);
    let below: Vec<Option<f64>> = tests.groups[0]
        .tests
        .iter()
        .map(|test| test.below)
        .collect();
    assert_eq!(below, [Some(0.01), None]);
}

#[test]
fn exit_codes_of_pytest_are_told_apart() {
    let empty = listed(
        Framework::Pytest,
        "tests",
        vec![vec![ended(5, "no tests ran\n", "")]],
    );
    assert!(empty.is_empty());
    let refused = |output| refused(Framework::Pytest, "tests", vec![vec![output]]);

    let broken = refused(ended(2, "ERROR test_a.py - SyntaxError\n", "a warning\n"));
    assert!(broken.ends_with("failed with exit code 2\n    ERROR test_a.py - SyntaxError"));
    let usage = refused(ended(4, "", "ERROR: file or directory not found: tests\n"));
    assert!(usage.ends_with("exit code 4\n    ERROR: file or directory not found: tests"));
    let missing = refused(ended(
        1,
        "",
        "ModuleNotFoundError: No module named 'crashrate'\n",
    ));
    let expected = "from = \"pytest\": this Python has no crashrate plugin: install it with `pip \
                    install crashrate` into the environment of `python3`";
    assert_eq!(missing, expected);
}
