//! The formats of a report: each has its documented shape, and all show the same numbers.

use std::collections::BTreeMap;

use crashrate_model::Outcome;
use crashrate_testkit::programs;
use serde_json::Value;

use crate::util::Place;

/// A run in both modes with crashes, failures, retries and measures.
fn story() -> Place {
    let place = Place::new();
    let misbehave = &programs().misbehave;
    place.worker_suite(
        &programs().sequence_runner,
        &format!(
            r#"
            [defaults]
            rounds = 4

            [[chapter]]
            id = "measures"
            worker = "act"
            params = {{ act = "measure", name = "speed", value = 0.5, unit = "1/s", label = "threads=8" }}

            [[chapter]]
            id = "crashes"
            worker = "act"
            params = {{ act = "segfault", when_round = [2, 3] }}

            [[chapter]]
            id = "fails"
            worker = "act"
            params = {{ act = "fail", when_round = [1, 4] }}

            [[chapter]]
            id = "command"
            rounds = 3
            retries = 1
            command = [{misbehave:?}, "crash-first-attempt"]

            [[sequence]]
            id = "story"
            rounds = 5
            chapters = ["measures", "crashes", "fails"]
            "#
        ),
    );
    place
        .crashrate(&["run", "suite.toml", "--seed", "5"])
        .expect(100);
    place
}

/// Checks that `value` has every key of `shape`, with the same type. An array may be empty, and
/// `null` allows any type.
fn assert_shape(at: &str, shape: &Value, value: &Value) {
    match (shape, value) {
        (Value::Object(shape), Value::Object(value)) => {
            for (key, shape) in shape {
                let found = value
                    .get(key)
                    .unwrap_or_else(|| panic!("{at}.{key} is missing"));
                assert_shape(&format!("{at}.{key}"), shape, found);
            }
        }
        (Value::Array(shape), Value::Array(values)) => {
            for value in values {
                assert_shape(&format!("{at}[]"), &shape[0], value);
            }
        }
        (Value::Null, _) => {}
        (Value::String(_), Value::String(_)) | (Value::Number(_), Value::Number(_)) => {}
        (Value::Bool(_), Value::Bool(_)) => {}
        _ => panic!("{at} is {value}"),
    }
}

/// The documented example, without the parts that differ between suites.
const SHAPE: &str = r#"
{"schema":1,
 "run":{"id":"...","number":1973,"suite":"story","seed":7,"device":"cpu","versions":{},"started":"...","finished":"...","complete":true,"fault":null},
 "sequences":[{"sequence":"complete-story","variant":"default","rounds":10,"bad":6,"first_attempt":{"bad":6,"n":10},"died_in":{"between":0,"exit":0},"order":["passed"]}],
 "chapters":[{"chapter":"batching-advantage","mode":"sequential","sequence":null,"variant":"default","rounds":10,"reached":10,
   "outcomes":{},"first_attempt":{"bad":6,"n":10},"after_retries":{"bad":6,"n":10},"signals":{},
   "measures":[{"name":"samples_per_second","label":"threads=8,batch=1","unit":"1/s","n":4,"min":0,"median":0,"max":0}]}]}
"#;

#[test]
fn json_has_the_normative_shape() {
    let place = story();
    let json = place.json();
    assert_shape("", &serde_json::from_str(SHAPE).unwrap(), &json);
    assert_eq!(json["schema"], 1);
    assert_eq!(json["run"]["seed"], 5);
    assert_eq!(json["run"]["number"], 1);
    let story = &json["sequences"][0];
    assert_eq!(
        story["order"],
        serde_json::json!(["failed", "crashed", "crashed", "failed", "passed"])
    );
    assert_eq!(story["bad"], 2);
    assert_eq!(story["died_in"]["crashes"], 2);
    let isolated = json["chapters"].as_array().unwrap().iter();
    for row in isolated.filter(|row| row["mode"] == "isolated") {
        assert_eq!(row["sequence"], Value::Null);
        assert_eq!(row["reached"], row["rounds"]);
    }
}

/// The counts under their column headings, by chapter and mode.
type Table = BTreeMap<(String, String), BTreeMap<String, u64>>;

fn from_json(json: &Value) -> Table {
    let mut table = Table::new();
    for row in json["chapters"].as_array().unwrap() {
        let mut numbers: BTreeMap<String, u64> = BTreeMap::new();
        for key in ["rounds", "reached"] {
            numbers.insert(key.into(), row[key].as_u64().unwrap());
        }
        for (outcome, n) in row["outcomes"].as_object().unwrap() {
            numbers.insert(outcome.clone(), n.as_u64().unwrap());
        }
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        table.insert((text("chapter"), text("mode")), numbers);
    }
    table
}

fn is_count(head: &str) -> bool {
    matches!(head, "rounds" | "reached") || Outcome::from_word(head).is_some()
}

/// Reads the rows of a table: the counts of rounds, reached and outcomes, without zeros.
fn from_cells(mode: &str, heads: &[String], rows: &[Vec<String>]) -> Table {
    let rows = rows.iter().map(|cells| {
        let numbers = heads.iter().zip(cells).skip(1);
        let numbers = numbers.filter_map(|(head, cell)| {
            let number: u64 = cell.parse().ok()?;
            (number > 0 && is_count(head)).then(|| (head.clone(), number))
        });
        ((cells[0].clone(), mode.to_owned()), numbers.collect())
    });
    rows.collect()
}

/// The mode in a table's title: `isolated`, or `sequential: NAME`.
fn mode(title: &str) -> &str {
    title.trim().split(':').next().unwrap()
}

fn from_markdown(markdown: &str) -> Table {
    let (_, section) = markdown.split_once("## Chapters\n\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let cells = |line: &str| -> Vec<String> {
        let cells = line.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().replace('\\', "")).collect()
    };
    let pieces: Vec<_> = section.split("\n\n").collect();
    let tables = pieces.chunks_exact(2).map(|piece| {
        let lines: Vec<_> = piece[1].lines().filter(|line| !line.is_empty()).collect();
        let rows: Vec<_> = lines[2..].iter().map(|line| cells(line)).collect();
        from_cells(mode(piece[0]), &cells(lines[0]), &rows)
    });
    tables.flatten().collect()
}

fn from_terminal(terminal: &str) -> Table {
    let (_, section) = terminal.split_once("\nChapters\n").unwrap();
    let words = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let mut table = Table::new();
    for piece in section.split("\n\n") {
        let mut lines = piece.lines();
        let title = lines.next().unwrap();
        if !title.starts_with("  ") {
            break;
        }
        let mut lines = lines.skip_while(|line| !line.trim_start().starts_with("chapter "));
        let heads = words(lines.next().unwrap());
        // Cells after the counts may contain several words.
        let known = |head: &&String| is_count(head) || head.as_str() == "chapter";
        let counts = heads.iter().take_while(known).count();
        let rows: Vec<_> = lines.map(|line| words(line)[..counts].to_vec()).collect();
        table.extend(from_cells(mode(title), &heads[..counts], &rows));
    }
    table
}

#[test]
fn all_formats_show_the_same_counts() {
    let place = story();
    let expected = from_json(&place.json());
    assert_eq!(expected.len(), 7);
    let as_text = |format: &str| {
        let mut command = place.command(&["report", "--full", "--format", format]);
        // Wide enough for all columns.
        let live = place.start(command.env("COLUMNS", "150"));
        live.wait().expect(0).stdout
    };
    assert_eq!(from_markdown(&as_text("markdown")), expected);
    assert_eq!(from_terminal(&as_text("terminal")), expected);
}

#[test]
fn reports_say_where_a_sequence_died_and_what_was_measured() {
    let place = story();
    for format in ["markdown", "terminal"] {
        let text = place
            .crashrate(&["report", "--full", "--format", format])
            .expect(0)
            .stdout;
        for words in [
            "crashes 2",
            "FCCFP",
            "SIGSEGV",
            "failed as requested",
            "speed",
            "threads=8",
        ] {
            assert!(text.contains(words), "{words} in {text}");
        }
    }
}

#[test]
fn only_results_when_piped() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 3\ncommand = [\"false\"]\n");
    let done = place.crashrate(&["run", "suite.toml"]).expect(100);
    assert!(
        done.stdout
            .contains(" · run 1\n\nFAIL  x failed in 3 of 3 rounds"),
        "{}",
        done.stdout
    );
    let run = place.run();
    let run = run
        .strip_prefix(place.path().canonicalize().unwrap())
        .unwrap_or(&run);
    let page = format!("\nreport  {}\n", run.join("report.html").display());
    assert!(done.stdout.contains(&page), "{}", done.stdout);
    assert_eq!(done.stderr, "");
    assert!(!done.stdout.contains('\x1b'), "{:?}", done.stdout);
}

#[test]
fn plain_lines_in_ci() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 2\ncommand = [\"false\"]\n");
    let mut run = place.command(&["run", "suite.toml"]);
    let done = place.start(run.env("CI", "true")).wait().expect(100);
    let lines: Vec<_> = done.stderr.lines().collect();
    let expected = [
        "isolated x round 1: failed: exit code 1",
        "isolated x round 2: failed: exit code 1",
    ];
    assert_eq!(&lines[..2], expected);
    assert!(!done.stderr.contains('\x1b'), "{:?}", done.stderr);
}
