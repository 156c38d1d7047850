//! The JSON Schemas: an outside validator accepts what crashrate reads and writes, and refuses what
//! it refuses.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crashrate_testkit::programs;
use serde_json::{Value, json};

use crate::util::{Place, skip};
use crate::wrong;

const KINDS: [&str; 4] = ["suite", "report", "journal", "events"];

/// Validates documents; prints the first error of each wrong one by its name.
const VALIDATOR: &str = r#"
import json, sys
from jsonschema import Draft202012Validator
schema, documents = json.load(sys.stdin)
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
errors = {}
for name, document in documents:
    for error in validator.iter_errors(document):
        errors.setdefault(name, f"{list(error.absolute_path)}: {error.message[:300]}")
print(json.dumps(errors))
"#;

/// Structural mistakes of the catalogue in [`wrong`]. A schema cannot know the others: programs that
/// do not exist, ids that refer to nothing, durations.
const STRUCTURAL: &[&str] = &[
    "unknown key",
    "unknown section",
    "wrong type",
    "wrong type of rounds",
    "no id",
    "empty command",
    "empty sequence",
    "bad mode",
    "negative rounds",
    "no rounds",
    "too many rounds",
    "negative retries",
    "unknown fault",
    "no dose",
    "unknown key of the fault",
    "dose in words",
    "dose of another kind",
    "negative dose",
    "too many dose",
    "calibration without rounds",
    "unknown limit",
    "limit of nothing",
];

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn schema(kind: &str) -> String {
    Place::new().crashrate(&["schema", kind]).expect(0).stdout
}

/// The errors of documents by name; `None` without the validator.
fn errors(kind: &str, documents: &[(String, Value)]) -> Option<BTreeMap<String, String>> {
    let found = Command::new("python3")
        .args(["-c", "import jsonschema"])
        .output();
    if !found.is_ok_and(|output| output.status.success()) {
        skip("python3 with jsonschema is not installed");
        return None;
    }
    let place = Place::new();
    let schema: Value = serde_json::from_str(&schema(kind)).unwrap();
    let input = place.write("input.json", json!([schema, documents]).to_string());
    let output = Command::new("python3")
        .args(["-c", VALIDATOR])
        .stdin(fs::File::open(input).unwrap())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{kind}: {stderr}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn assert_valid(kind: &str, documents: &[(String, Value)]) {
    assert!(!documents.is_empty());
    let errors = errors(kind, documents).unwrap_or_default();
    assert!(errors.is_empty(), "{kind}: {errors:#?}");
}

/// After a change of the types: `crashrate schema KIND > fixtures/schema/KIND.json`.
#[test]
fn kept_schemas_are_current() {
    for kind in KINDS {
        let file = format!("fixtures/schema/{kind}.json");
        let kept = fs::read_to_string(project().join(&file)).unwrap_or_default();
        let is_current = kept == schema(kind);
        assert!(
            is_current,
            "{file} is stale: crashrate schema {kind} > {file}"
        );
    }
}

#[test]
fn suites_that_ship_are_valid_and_name_the_schema() {
    let mut suites = Vec::new();
    for entry in fs::read_dir(project().join("configs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            let text = fs::read_to_string(&path).unwrap();
            let first = "#:schema ../fixtures/schema/suite.json\n";
            assert!(text.starts_with(first), "{}", path.display());
            suites.push((path.display().to_string(), toml::from_str(&text).unwrap()));
        }
    }
    assert!(suites.len() >= 9, "{suites:?}");
    let readme = fs::read_to_string(project().join("configs/README.md")).unwrap();
    let blocks = readme.split("```toml\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    let whole = blocks.filter(|block| block.contains("[suite]"));
    suites.extend(whole.map(|block| (block.to_owned(), toml::from_str(block).unwrap())));
    assert_valid("suite", &suites);
}

#[test]
fn structurally_wrong_suites_are_refused() {
    let structural = |name: &str| STRUCTURAL.contains(&name);
    let of = |body: &str| toml::from_str::<Value>(&format!("[suite]\nname = \"x\"\n{body}"));
    let (wrong, right): (Vec<_>, Vec<_>) = wrong::CASES
        .iter()
        .filter_map(|(name, body)| Some(((*name).to_owned(), of(body).ok()?)))
        .partition(|(name, _)| structural(name));
    assert_eq!(wrong.len(), STRUCTURAL.len());
    let Some(errors) = errors("suite", &wrong) else {
        return;
    };
    for (name, _) in &wrong {
        assert!(errors.contains_key(name), "{name} is accepted");
    }
    assert_valid("suite", &right);
}

/// The JSON values in the snapshots of the reports' tests, where they are whole reports.
fn reports_of_tests() -> Vec<(String, Value)> {
    let folder = project().join("crates/report/tests/it/snapshots");
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let texts = paths.map(|path| (path.display().to_string(), fs::read_to_string(&path)));
    let reports = texts.filter_map(|(name, text)| {
        let text = text.unwrap();
        let (_, body) = text.split_once("\n---\n")?;
        let report: Value = serde_json::from_str(body).ok()?;
        report.get("chapters").is_some().then_some((name, report))
    });
    let reports: Vec<_> = reports.collect();
    assert!(reports.len() >= 3, "{reports:?}");
    reports
}

#[test]
fn reports_and_journals_are_valid() {
    let place = Place::new();
    let recorded = project().join("fixtures/recorded");
    for report in ["n1972.toml", "n1973.toml"] {
        let path = recorded.join(report);
        place
            .crashrate(&["import", path.to_str().unwrap()])
            .expect(0);
    }
    let body = r#"
[[chapter]]
id = "good"
worker = "act"
[[chapter]]
id = "dies"
command = ["sh", "-c", "test $CRASHRATE_ROUND = 1 || kill -SEGV $$"]
retries = 1
[[chapter]]
id = "slow"
command = ["sleep", "60"]
timeout = "200ms"
[[sequence]]
id = "all"
chapters = ["good"]
[[variant]]
id = "other"
env = { A = "1" }
[[gate]]
chapter = "dies"
require = "crashed < 50%"
[[recommendation]]
text = "Look at it."
when = "crashed > 0 in dies"
"#;
    place.worker_suite(&programs().sequence_runner, body);
    let done = place.crashrate(&["run", "suite.toml", "--rounds", "2"]);
    assert!(done.code() != 96, "{}", done.stderr);
    let commands = ["run", "--rounds", "2", "--", "sh", "-c", "exit 3"];
    place.crashrate(&commands).expect(100);
    let (mut reports, mut lines) = (reports_of_tests(), Vec::new());
    for folder in place.runs() {
        let name = folder.to_str().unwrap();
        let report = place.crashrate(&["report", name, "--format", "json"]);
        let report = serde_json::from_str(&report.expect(0).stdout).unwrap();
        reports.push((name.to_owned(), report));
        let journal = fs::read_to_string(folder.join("journal.jsonl")).unwrap();
        for (number, line) in journal.lines().enumerate() {
            let record = serde_json::from_str(line).unwrap();
            lines.push((format!("{name}:{}", number + 1), record));
        }
    }
    assert!(reports.len() >= 7 && lines.len() > 20);
    assert_valid("report", &reports);
    assert_valid("journal", &lines);
    let mut wrong = lines.swap_remove(0);
    wrong.1.as_object_mut().unwrap().remove("sum");
    let errors = errors("journal", std::slice::from_ref(&wrong));
    assert!(errors.is_none_or(|errors| errors.contains_key(&wrong.0)));
}

#[test]
fn events_are_valid() {
    let event = |event: Value| (event.to_string(), event);
    let right = [
        event(json!({"v": 1, "event": "hello", "device": "cpu"})),
        event(json!({"event": "chapter-started", "chapter": "a"})),
        event(json!({"v": 1, "event": "progress", "done": 1, "total": 2, "unit": "x"})),
        event(json!({"v": 1, "event": "measure", "name": "speed", "value": 1.5, "label": "a"})),
        event(json!({"v": 1, "event": "chapter-failed", "chapter": "a", "reason": "why"})),
        event(json!({"v": 1, "event": "chapter-skipped", "chapter": "a"})),
        event(json!({"v": 1, "event": "note", "text": "t"})),
    ];
    assert_valid("events", &right);
    let wrong = [
        event(json!({"v": 2, "event": "note", "text": "t"})),
        event(json!({"v": 1, "event": "chapter-passed"})),
        event(json!({"v": 1, "event": "measure", "name": "x", "value": null})),
        event(json!([])),
    ];
    if let Some(errors) = errors("events", &wrong) {
        assert_eq!(errors.len(), wrong.len(), "{errors:#?}");
    }
}
