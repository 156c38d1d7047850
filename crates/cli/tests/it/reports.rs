//! The formats of a report: each has its documented shape, and all show the same numbers.

use std::collections::BTreeMap;

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

/// Bad and failed first attempts of those that count, by chapter: isolated, and in sequence.
type Table = BTreeMap<String, [Option<[String; 2]>; 2]>;

fn from_json(json: &Value) -> Table {
    let mut table = Table::new();
    for row in json["chapters"].as_array().unwrap() {
        let n = &row["first_attempt"]["n"];
        let failed = row["outcomes"]["failed"].as_u64().unwrap_or(0);
        let shares = [
            format!("{}/{n}", row["first_attempt"]["bad"]),
            format!("{failed}/{n}"),
        ];
        let mode = usize::from(row["mode"] == "sequential");
        let chapter = row["chapter"].as_str().unwrap().to_owned();
        table.entry(chapter).or_default()[mode] = Some(shares);
    }
    table
}

/// The first words of the cells: isolated and in sequence, first the crash rates, then failures.
fn from_cells(cells: &[&str]) -> [Option<[String; 2]>; 2] {
    let share = |place: usize| cells[place].split(' ').next().unwrap().to_owned();
    let mode = |place: usize| {
        let shares = [share(place), share(place + 2)];
        (!shares[0].is_empty()).then_some(shares)
    };
    [mode(1), mode(2)]
}

fn from_markdown(markdown: &str) -> Table {
    let (_, section) = markdown.split_once("## Rates\n\n").unwrap();
    let (section, _) = section.split_once("\n\n").unwrap();
    let rows = section.lines().skip(2).map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        (cells[0].to_owned(), from_cells(&cells))
    });
    rows.filter(|(name, _)| name != "story").collect()
}

fn from_terminal(terminal: &str) -> Table {
    let (_, section) = terminal.split_once("\nRates\n").unwrap();
    let (section, _) = section.split_once("\n\n").unwrap();
    let mut lines = section.lines();
    // Columns begin where the heads of the modes do.
    let heads = lines.find(|line| line.contains("chapter or")).unwrap();
    let begins = ["chapter or", "isolated", "in sequence", "details"].map(|head| {
        let found: Vec<usize> = heads.match_indices(head).map(|(place, _)| place).collect();
        found
    });
    let mut begins = begins.concat();
    begins.sort_unstable();
    let rows = lines.map(|line| {
        let cell = |(place, begin): (usize, &usize)| {
            let end = begins.get(place + 1).copied().unwrap_or(line.len());
            line.get(*begin..end.min(line.len())).unwrap_or("").trim()
        };
        let cells: Vec<_> = begins.iter().enumerate().map(cell).collect();
        (cells[0].to_owned(), from_cells(&cells))
    });
    rows.filter(|(name, _)| name != "story").collect()
}

#[test]
fn all_formats_show_the_same_counts() {
    let place = story();
    let expected = from_json(&place.json());
    assert_eq!(expected.len(), 4);
    let as_text = |format: &str| {
        let mut command = place.command(&["report", "--full", "--format", format]);
        // Wide enough for all columns.
        let live = place.start(command.env("COLUMNS", "260"));
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
            "2/5 (12-77%)",
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
