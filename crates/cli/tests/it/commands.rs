//! Plain commands and the options of `run`.

use crashrate_testkit::programs;
use serde_json::{Value, json};

use crate::util::{Done, Place, row};

/// A Python chapter that segfaults in every third round, and a shell chapter that exits with 3.
const SEGFAULT_AND_EXIT: &str = r#"
[defaults]
rounds = 9

[[chapter]]
id = "python"
command = ["python3", "-c", """
import ctypes, os
if int(os.environ["CRASHRATE_ROUND"]) % 3 == 2:
    ctypes.string_at(8)
"""]

[[chapter]]
id = "shell"
command = ["sh", "-c", "exit 3"]
"#;

const PASS_AND_FAIL: &str = r#"
[defaults]
rounds = 4

[[chapter]]
id = "yes"
command = ["true"]

[[chapter]]
id = "no"
command = ["false"]
"#;

fn outcomes(json: &Value, chapter: &str) -> Value {
    row(&json["chapters"], "chapter", chapter)["outcomes"].clone()
}

#[test]
fn a_python_segfault_and_a_shell_exit_are_counted() {
    let place = Place::new();
    place.suite(SEGFAULT_AND_EXIT);
    place.crashrate(&["run", "suite.toml"]).expect(100);

    let json = place.json();
    let python = row(&json["chapters"], "chapter", "python");
    assert_eq!(python["outcomes"], json!({"passed": 6, "crashed": 3}));
    assert_eq!(python["signals"], json!({"SIGSEGV": 3}));
    assert_eq!(python["first_attempt"], json!({"bad": 3, "n": 9}));
    let shell = row(&json["chapters"], "chapter", "shell");
    assert_eq!(shell["outcomes"], json!({"failed": 9}));
    assert_eq!(shell["first_attempt"], json!({"bad": 0, "n": 9}));
    assert_eq!(json["run"]["complete"], true);

    let journal = place.journal();
    for ended in &journal.ended {
        let crashed = ended.outcome.word() == "crashed";
        let due = journal.name(ended.unit) == "python" && ended.round % 3 == 2;
        assert_eq!(crashed, due, "{ended:?}");
    }
}

#[test]
fn a_crash_leaves_no_core_dump() {
    let place = Place::new();
    let program = &programs().misbehave;
    let segfault = format!("[[chapter]]\nid = \"x\"\ncommand = [{program:?}, \"segfault\"]\n");
    place.suite(&segfault);
    let run = ["run", "suite.toml", "--rounds", "1"];
    place.crashrate(&run).expect(100);
    for entry in std::fs::read_dir(place.path()).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(!name.to_string_lossy().contains("core"), "{name:?}");
    }
}

#[test]
fn a_command_without_a_suite() {
    let place = Place::new();
    let run = ["run", "--rounds", "20", "--", "/bin/true"];
    place.crashrate(&run).expect(0);
    let json = place.json();
    assert_eq!(outcomes(&json, "true"), json!({"passed": 20}));
    assert_eq!(json["run"]["suite"], "true");
}

#[test]
fn arguments_after_the_separator_go_to_the_command() {
    let place = Place::new();
    let script = r#"[ "$1 $2" = "--rounds a  b" ] || exit 9"#;
    let command = ["--", "sh", "-c", script, "sh", "--rounds", "a  b"];
    let args = [&["run", "--rounds", "2"], &command[..]].concat();
    place.crashrate(&args).expect(0);
}

#[test]
fn a_command_has_ten_rounds_by_default() {
    let place = Place::new();
    place.crashrate(&["run", "--", "true"]).expect(0);
    assert_eq!(outcomes(&place.json(), "true"), json!({"passed": 10}));
}

#[test]
fn report_only_ends_with_0() {
    let place = Place::new();
    place.suite(PASS_AND_FAIL);
    let run = ["run", "suite.toml", "--report-only"];
    place.crashrate(&run).expect(0);
    assert_eq!(outcomes(&place.json(), "no"), json!({"failed": 4}));
}

#[test]
fn jobs_change_only_the_order_of_results() {
    let place = Place::new();
    place.suite(PASS_AND_FAIL);
    let run = ["run", "suite.toml", "--jobs", "3", "--rounds", "9"];
    place.crashrate(&run).expect(100);
    let json = place.json();
    assert_eq!(outcomes(&json, "yes"), json!({"passed": 9}));
    assert_eq!(outcomes(&json, "no"), json!({"failed": 9}));
    assert_eq!(json["run"]["jobs"], 3);
}

#[test]
fn the_rounds_and_chapter_options_select_rounds_and_chapters() {
    let place = Place::new();
    place.suite(PASS_AND_FAIL);
    let run = ["run", "suite.toml", "--rounds", "2", "--chapter", "yes"];
    place.crashrate(&run).expect(0);
    let json = place.json();
    assert_eq!(outcomes(&json, "yes"), json!({"passed": 2}));
    assert_eq!(json["chapters"].as_array().unwrap().len(), 1);
}

#[test]
fn a_chapter_that_is_not_there_is_named() {
    let place = Place::new();
    place.suite(PASS_AND_FAIL);
    let run = ["run", "suite.toml", "--chapter", "maybe"];
    let Done { stderr, .. } = place.crashrate(&run).expect(96);
    assert_eq!(
        stderr,
        "error: unknown chapter `maybe`; expected one of `yes`, `no`\n"
    );
}

#[test]
fn the_mode_option_selects_units() {
    let place = Place::new();
    let sequence = r#"
        [defaults]
        rounds = 2
        [[chapter]]
        id = "a"
        worker = "act"
        [[chapter]]
        id = "b"
        command = ["true"]
        [[sequence]]
        id = "s"
        chapters = ["a"]
    "#;
    place.worker_suite(&programs().sequence_runner, sequence);
    let rows = |mode: &str| {
        place
            .crashrate(&["run", "suite.toml", "--mode", mode])
            .expect(0);
        let json = place.json();
        let chapters = json["chapters"].as_array().unwrap().iter();
        let chapters: Vec<_> = chapters
            .map(|row| json!([row["chapter"], row["mode"], row["rounds"]]))
            .collect();
        (json!(chapters), json["sequences"].as_array().unwrap().len())
    };
    let isolated = [json!(["a", "isolated", 2]), json!(["b", "isolated", 2])];
    let sequential = [json!(["a", "sequential", 2])];
    assert_eq!(rows("isolated"), (json!(isolated), 0));
    assert_eq!(rows("sequential"), (json!(sequential), 1));
    assert_eq!(
        rows("both"),
        (json!([&isolated[..], &sequential].concat()), 1)
    );
}

#[test]
fn a_mode_without_units_is_nothing_to_run() {
    let place = Place::new();
    place.suite(PASS_AND_FAIL);
    let run = ["run", "suite.toml", "--mode", "sequential"];
    let Done { stderr, .. } = place.crashrate(&run).expect(4);
    assert_eq!(
        stderr,
        "error: nothing to run: the suite has no [[sequence]] for sequential mode\n"
    );
    assert!(place.runs().is_empty());
}

/// Runs five chapters with a seed and returns the unit of each `started` record in order.
fn order(seed: &str) -> Vec<u32> {
    let place = Place::new();
    let chapters: String = ["a", "b", "c", "d", "e"]
        .map(|id| format!("[[chapter]]\nid = \"{id}\"\ncommand = [\"true\"]\n"))
        .concat();
    place.suite(&chapters);
    let run = ["run", "suite.toml", "--seed", seed, "--rounds", "4"];
    place.crashrate(&run).expect(0);
    assert_eq!(
        place.json()["run"]["seed"],
        json!(seed.parse::<u64>().unwrap())
    );
    let started = place.journal().started;
    assert!(
        started.is_sorted_by_key(|s| s.round),
        "blocks start in order"
    );
    started.iter().map(|s| s.unit).collect()
}

#[test]
fn the_seed_decides_the_order() {
    assert_eq!(order("7"), order("7"));
    assert_ne!(order("7"), order("8"));
}

#[test]
fn the_timeout_option_overrides_the_suite() {
    let place = Place::new();
    let program = &programs().misbehave;
    place.suite(&format!(
        "[[chapter]]\nid = \"x\"\ntimeout = \"10m\"\ncommand = [{program:?}, \"hang\"]\n"
    ));
    let run = [
        "run",
        "suite.toml",
        "--rounds",
        "1",
        "--timeout",
        "300ms",
        "--full",
    ];
    let done = place.crashrate(&run).expect(100);
    let json = place.json();
    assert_eq!(outcomes(&json, "x"), json!({"timed-out": 1}));
    let reason = "killed after its time limit of 300ms";
    assert!(
        done.stdout
            .contains("FAIL  x timed out in 1 of 1 round (95%: "),
        "{}",
        done.stdout
    );
    assert!(place.full().contains(reason), "{}", place.full());
}

#[test]
fn retries_never_change_the_first_attempt_rate() {
    let place = Place::new();
    let program = &programs().misbehave;
    place.suite(&format!(
        "[[chapter]]\nid = \"x\"\ncommand = [{program:?}, \"crash-first-attempt\"]\n"
    ));
    let run = ["run", "suite.toml", "--rounds", "6", "--retries", "2"];
    place.crashrate(&run).expect(0);
    let json = place.json();
    let row = row(&json["chapters"], "chapter", "x");
    assert_eq!(row["outcomes"], json!({"passed": 3, "crashed": 3}));
    assert_eq!(row["first_attempt"], json!({"bad": 3, "n": 6}));
    assert_eq!(row["after_retries"], json!({"bad": 0, "n": 6}));
    assert_eq!(row["flaky_rounds"], json!([2, 4, 6]));
    assert_eq!(json["totals"]["attempts"], 9);
}

#[test]
fn failures_end_a_run_early() {
    for (option, failed) in [(&["--fail-fast"][..], 1), (&["--max-failures", "3"], 3)] {
        let place = Place::new();
        place.suite(PASS_AND_FAIL);
        let run = [&["run", "suite.toml", "--chapter", "no"], option].concat();
        place.crashrate(&run).expect(106);
        let json = place.json();
        assert_eq!(outcomes(&json, "no"), json!({"failed": failed}));
        assert_eq!(json["run"]["stopped"], "max-failures");
    }
}

#[test]
fn time_ends_a_run_early() {
    let place = Place::new();
    let run = ["run", "--rounds", "4000000000", "--for", "2s", "--", "true"];
    place.crashrate(&run).expect(106);
    let json = place.json();
    assert_eq!(json["run"]["stopped"], "time-budget");
    assert_eq!(json["totals"]["planned"], 4_000_000_000_u32);
    let outcomes = json["totals"]["outcomes"].as_object().unwrap();
    assert_eq!(outcomes.keys().collect::<Vec<_>>(), ["passed"]);
}
