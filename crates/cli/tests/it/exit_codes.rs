//! Exit codes that mean more than failure, and tests that skip themselves.

use serde_json::{Value, json};

use crate::util::{Done, Place};

fn row<'a>(report: &'a Value, id: &str) -> &'a Value {
    let chapters = report["chapters"].as_array().unwrap();
    let row = chapters.iter().find(|chapter| chapter["chapter"] == id);
    row.unwrap_or_else(|| panic!("no chapter {id}"))
}

#[test]
fn declared_codes_mean_a_crash_or_a_skipped_test() {
    let place = Place::new();
    place.suite(
        r#"
        [defaults]
        rounds = 2
        [[chapter]]
        id = "crashes"
        command = ["sh", "-c", "exit 139"]
        exit_codes = { crashed = [134, 139], skipped = [77] }
        [[chapter]]
        id = "skips"
        command = ["sh", "-c", "exit 77"]
        exit_codes = { crashed = [134, 139], skipped = [77] }
        [[chapter]]
        id = "fails"
        command = ["sh", "-c", "exit 77"]
        "#,
    );
    let Done { stdout, .. } = place.crashrate(&["run", "suite.toml"]).expect(100);
    assert!(
        stdout.contains("crashes: 2 crashed: exit code 139"),
        "{stdout}"
    );
    let report = place.json();
    assert_eq!(row(&report, "crashes")["outcomes"], json!({"crashed": 2}));
    assert_eq!(
        row(&report, "crashes")["first_attempt"],
        json!({"bad": 2, "n": 2})
    );
    // An exit code is no signal.
    assert_eq!(row(&report, "crashes")["signals"], json!({}));
    assert_eq!(row(&report, "skips")["outcomes"], json!({"skipped": 2}));
    assert_eq!(
        row(&report, "skips")["first_attempt"],
        json!({"bad": 0, "n": 0})
    );
    assert_eq!(row(&report, "fails")["outcomes"], json!({"failed": 2}));
}

#[test]
fn skipped_rounds_are_complete_and_no_failure() {
    let place = Place::new();
    place.suite(
        r#"
        [[chapter]]
        id = "passes"
        rounds = 2
        command = ["true"]
        [[chapter]]
        id = "skips"
        rounds = 3
        command = ["sh", "-c", """
            printf '{"event":"chapter-skipped","chapter":"skips","reason":"no GPU"}\n' >&$CRASHRATE_EVENTS_FD
        """]
        "#,
    );
    let Done { stdout, .. } = place.crashrate(&["run", "suite.toml"]).expect(0);
    assert!(
        stdout.contains("PASS  2 of 2 rounds passed; 3 skipped."),
        "{stdout}"
    );
    let report = place.json();
    assert_eq!(report["run"]["complete"], true);
    assert_eq!(row(&report, "skips")["outcomes"], json!({"skipped": 3}));
    assert!(place.full().contains("no GPU"));
    // Nothing is left to do.
    place.crashrate(&["run", "--resume", "latest"]).expect(0);
    assert_eq!(place.journal().started.len(), 5);
}

#[test]
fn a_suite_of_skipped_rounds_says_so() {
    let place = Place::new();
    let skips = "exit_codes = { skipped = [5] }\ncommand = [\"sh\", \"-c\", \"exit 5\"]\n";
    place.suite(&format!("[[chapter]]\nid = \"x\"\nrounds = 4\n{skips}"));
    let Done { stdout, .. } = place.crashrate(&["run", "suite.toml"]).expect(0);
    assert!(stdout.contains("All 4 rounds were skipped."), "{stdout}");
}

/// The exit code alone is a failure; the sanitizer's own line makes it a crash.
#[test]
fn a_sanitizers_exit_code_is_a_crash_beside_its_line() {
    let place = Place::new();
    place.suite(
        r#"
        [defaults]
        rounds = 1
        [[chapter]]
        id = "asan"
        command = ["sh", "-c", "echo '==7==ERROR: AddressSanitizer: heap-use-after-free' >&2; exit 1"]
        [[chapter]]
        id = "tsan"
        command = ["sh", "-c", "echo 'WARNING: ThreadSanitizer: data race (pid=7)' >&2; exit 66"]
        [[chapter]]
        id = "other-code"
        command = ["sh", "-c", "echo '==7==ERROR: AddressSanitizer: heap-use-after-free' >&2; exit 3"]
        [[chapter]]
        id = "mentions-it"
        command = ["sh", "-c", "echo 'expected ERROR: AddressSanitizer' >&2; exit 1"]
        "#,
    );
    place.crashrate(&["run", "suite.toml"]).expect(100);
    let report = place.json();
    for (id, outcome) in [
        ("asan", "crashed"),
        ("tsan", "crashed"),
        ("other-code", "failed"),
        ("mentions-it", "failed"),
    ] {
        assert_eq!(row(&report, id)["outcomes"], json!({outcome: 1}), "{id}");
    }
}

#[test]
fn impossible_codes_are_refused() {
    for (codes, problem) in [
        ("{ crashed = [0] }", "must be from 1 to 255, not 0"),
        ("{ skipped = [256] }", "must be from 1 to 255, not 256"),
        (
            "{ crashed = [3], skipped = [3] }",
            "3 means both crashed and skipped",
        ),
        (
            "{ crash = [3] }",
            "unknown key `crash`; did you mean `crashed`?",
        ),
    ] {
        let place = Place::new();
        let chapter = "[[chapter]]\nid = \"x\"\ncommand = [\"true\"]\n";
        place.suite(&format!("{chapter}exit_codes = {codes}\n"));
        let Done { stderr, .. } = place.crashrate(&["run", "suite.toml"]).expect(96);
        assert!(stderr.contains(problem), "{stderr}");
    }
}
