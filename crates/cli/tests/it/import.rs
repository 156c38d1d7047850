//! `crashrate import`: the shipped reports become runs, and unknown values are not invented.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crashrate_model::Record;
use crashrate_testkit::programs;
use serde_json::{Value, json};

use crate::util::{Done, Place, records, row};

/// The text of a shipped report.
pub(crate) fn recorded(number: u32) -> String {
    let file = format!("../../fixtures/recorded/n{number}.toml");
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// A place with the shipped reports imported.
fn imported() -> Place {
    let place = Place::new();
    for number in [1972, 1973, 1974] {
        place.write(&format!("n{number}.toml"), recorded(number));
    }
    let files = ["import", "n1972.toml", "n1973.toml", "n1974.toml"];
    place.crashrate(&files).expect(0);
    place
}

/// The standard output of a successful command as one line with single spaces.
fn said(place: &Place, args: &[&str]) -> String {
    let Done { stdout, .. } = place.crashrate(args).expect(0);
    stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn report(place: &Place, number: &str) -> Value {
    let args = ["report", number, "--format", "json"];
    serde_json::from_str(&place.crashrate(&args).expect(0).stdout).unwrap()
}

fn holds(text: &str, all: &[&str]) {
    for words in all {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn the_sequential_crash_is_a_run_like_any_other() {
    let place = imported();
    let markdown = place
        .crashrate(&["report", "1972", "--format", "markdown"])
        .expect(0)
        .stdout;
    let all = [
        "# verification · mps · ",
        "**Imported from n1972.toml, not measured by crashrate.**",
        "| date | 2025-12-22, took - |",
        "| complete-story |  | 6/10 (31-83%) | SIGSEGV 6 |",
        "order of complete-story: PCCCPCPCCP",
        "| batching-advantage | 1/3 (6.1-79%) | 6/10 (31-83%) |",
        "| encoder-layer | 0/5 (&lt;45%) |",
        "| ops | 468,418 |",
        "p = 0.53, +27 points",
        "The report claims \"use isolated tests\": not shown.",
    ];
    holds(&markdown, &all);
    // The report does not contain durations, a seed, or the order of its two passed rounds and one
    // crashed round.
    for unknown in [" 0 s", "| seed |", "| jobs |", "1 crashed: SIGSEGV (first"] {
        assert!(!markdown.contains(unknown), "{unknown}: {markdown}");
    }
    assert_eq!(
        fs::read_to_string(place.runs()[0].join("report.md")).unwrap(),
        markdown
    );

    let json = report(&place, "1972");
    let imported = json!({"file": "n1972.toml", "measured_by_crashrate": false});
    assert_eq!(json["run"]["imported"], imported);
    assert_eq!(json["run"]["seconds"], Value::Null);
    let story = row(&json["sequences"], "sequence", "complete-story");
    assert_eq!(story["first_attempt"], json!({"bad": 6, "n": 10}));
    assert_eq!(story["died_in"]["batching-advantage"], 6);
    let order = "PCCCPCPCCP".chars().map(|c| match c {
        'P' => "passed",
        _ => "crashed",
    });
    assert_eq!(story["order"], json!(order.collect::<Vec<_>>()));
    let chapters = json["chapters"].as_array().unwrap();
    let find = |chapter: &str, mode: &str| {
        let mut rows = chapters.iter();
        rows.find(|row| row["chapter"] == chapter && row["mode"] == mode)
            .unwrap()
    };
    let behind = find("correctness", "sequential");
    assert_eq!(behind["outcomes"], json!({"passed": 4, "unreached": 6}));
    let before = find("efficiency-ceiling", "sequential");
    assert_eq!(before["outcomes"], json!({"passed": 10}));
    let alone = find("batching-advantage", "isolated");
    assert_eq!(alone["outcomes"], json!({"passed": 2, "crashed": 1}));
    assert_eq!(alone["signals"], json!({"SIGSEGV": 1}));
    assert_eq!(alone["reasons"][0]["round"], Value::Null);
    assert_eq!(alone["seconds"], Value::Null);
    let operations = &find("matmul-soak", "isolated")["measures"][0];
    assert_eq!(operations["median"], 468_418.0);
}

#[test]
fn the_journal_has_ordinary_records() {
    let place = imported();
    let records = records(&place.runs()[0]);
    let ended = |r: &&Record| matches!(r, Record::Ended(e) if e.secs.is_none());
    assert_eq!(records.iter().filter(ended).count(), 22);
    assert!(matches!(records.last(), Some(Record::Closed(_))));
    let runs = said(&place, &["runs"]);
    holds(
        &runs,
        &["imported, complete 22 15/22 7/22 1972-verification-"],
    );
    let done = place.crashrate(&["run", "--resume", "1972"]).expect(96);
    assert!(
        done.stderr
            .contains("run.toml: the run was imported from n1972.toml"),
        "{}",
        done.stderr
    );
}

#[test]
fn a_claimed_improvement_is_not_shown() {
    let place = imported();
    let no_verdict = "too few rounds to tell (about 92 each would do for 90% v 99%); p = 0.82, -10 points \
                      (95%: -40..19)";
    let compared = said(&place, &["compare", "1973", "1974"]);
    let claim = "N=1974 claims \"an improvement from N=1973's 90 %\" of encoder-layer (isolated): not shown (p = 0.82).";
    holds(
        &compared,
        &[no_verdict, claim, "duration of matmul-soak differs"],
    );
    assert!(!compared.contains("jobs differs"), "{compared}");
    let report_of = said(&place, &["report", "1974", "--full"]);
    holds(&report_of, &[no_verdict, "90 %\": not shown."]);

    let within = said(&place, &["compare", "1972", "--by", "mode"]);
    holds(
        &within,
        &[
            "p = 0.53, +27 points (95%: -27..62)",
            "isolated 1/3 = 33.3%",
            "sequential 6/10 = 60%",
            "complete-story as a whole: isolated no complete block",
            "N=1972 claims \"use isolated tests\"",
        ],
    );
}

#[test]
fn findings_blockers_and_recommendations_are_carried_over() {
    let place = imported();
    let markdown = said(&place, &["report", "1973", "--format", "markdown"]);
    holds(
        &markdown,
        &[
            "- simple operations: stable",
            "| system integrity protection | blocker | enabled: a driver patch cannot be deployed |",
            "- Do not use the preloaded fix library v2.3 on PyTorch 2.9.1 and later",
            "| 1 | 618.3 | 1.00x | 100.0% |",
            "| 8 | 726.1 | 1.17x | 14.7% |",
            "| completed | 160 of 160 |",
            "## Compared with the previous run",
        ],
    );
    // The report gives nine of ten passed rounds but not their order.
    for unknown in ["order (", "first in round", "## Independence of rounds"] {
        assert!(!markdown.contains(unknown), "{unknown}: {markdown}");
    }
}

#[test]
fn a_number_is_imported_once() {
    let place = imported();
    let done = place.crashrate(&["import", "n1973.toml"]).expect(96);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    assert!(
        done.stderr.contains("there is a run N=1973 already: "),
        "{}",
        done.stderr
    );
    assert_eq!(place.runs().len(), 3);
    // Later runs have higher numbers.
    place.crashrate(&["run", "--", "true"]).expect(0);
    assert_eq!(report(&place, "latest")["run"]["number"], 1975);
}

const HEAD: &str = "[report]\nnumber = 7\nsuite = \"x\"\ndate = \"2025-12-22\"\ndevice = \"mps\"\n";
const A: &str = "[[chapter]]\nid = \"a\"\n";
const S: &str = "[[sequence]]\nid = \"s\"\nchapters = [\"a\"]\n";

#[test]
fn files_that_are_wrong() {
    let rounds = |of: &str, body: &str| format!("{HEAD}{A}{}rounds = [{{ {body} }}]\n", of);
    let of_a = |body: &str| rounds("", body);
    let of_s = |body: &str| rounds(S, body);
    let passed = of_a("outcome = \"passed\"");
    let cases = [
        ("empty", String::new()),
        ("no head", A.to_owned()),
        ("no rounds", format!("{HEAD}{A}")),
        ("syntax", format!("{HEAD}[[chapter]\n")),
        ("unknown key", of_a("outcome = \"passed\", secs = 1")),
        ("missing key", of_a("count = 1")),
        ("number", passed.replace("= 7", "= 0")),
        ("suite", passed.replace("\"x\"", "\"X y\"")),
        ("date", passed.replace("2025-12-22", "22 December 2025")),
        ("device", passed.replace("mps", "gpu")),
        ("id", passed.replace("\"a\"", "\"\"")),
        ("twice", format!("{passed}{A}")),
        ("outcome", of_a("outcome = \"segfault\"")),
        ("an outcome that is no end", of_a("outcome = \"unreached\"")),
        (
            "failed, and nothing said of bad",
            of_a("outcome = \"failed\""),
        ),
        ("count", of_a("outcome = \"passed\", count = 0")),
        (
            "a count out of bounds",
            of_a("outcome = \"passed\", count = 5_000_000_000"),
        ),
        ("seconds", of_a("outcome = \"passed\", seconds = -1.0")),
        (
            "signal of what passed",
            of_a("outcome = \"passed\", signal = \"SIGSEGV\""),
        ),
        (
            "died in, isolated",
            of_a("outcome = \"crashed\", died_in = \"a\""),
        ),
        (
            "measure",
            of_a("outcome = \"passed\", measures = [{ name = \"m\", value = nan }]"),
        ),
        (
            "chapter of a sequence",
            of_s("outcome = \"passed\"").replace("[\"a\"]", "[\"b\"]"),
        ),
        ("died nowhere", of_s("outcome = \"crashed\"")),
        (
            "died elsewhere",
            of_s("outcome = \"crashed\", died_in = \"b\""),
        ),
        (
            "failed sequence",
            of_s("outcome = \"failed\"").replace("device", "bad = [\"failed\"]\ndevice"),
        ),
        (
            "level",
            format!("{passed}[[finding]]\nname = \"f\"\nlevel = \"bad\"\nfound = \"x\"\n"),
        ),
        (
            "claim of nothing",
            format!("{passed}[[claim]]\ntext = \"t\"\nchapter = \"b\"\n"),
        ),
        (
            "claim of one mode",
            format!("{passed}[[claim]]\ntext = \"t\"\nchapter = \"a\"\n"),
        ),
        (
            "claim with a count",
            format!(
                "{passed}[[claim]]\ntext = \"t\"\nchapter = \"a\"\nbefore = {{ number = 6, bad = 2, rounds = 1 }}\n"
            ),
        ),
    ];
    let place = Place::new();
    let mut text = String::new();
    for (name, content) in cases {
        place.write("r.toml", content);
        let Done { stdout, stderr, .. } = place.crashrate(&["import", "r.toml"]).expect(96);
        assert!(
            stdout.is_empty() && place.runs().is_empty(),
            "{name}: {stdout}"
        );
        assert!(stderr.starts_with("error: r.toml:"), "{name}: {stderr}");
        let _ = writeln!(text, "{name}\n  {}", stderr.trim_end());
    }
    for file in [".", "nowhere.toml"] {
        let done = place.crashrate(&["import", file]).expect(96);
        let _ = writeln!(text, "{}", done.stderr.trim_end());
    }
    let filters = vec![(r"expected one of `.*", "expected one of [KEYS]")];
    insta::with_settings!({ filters => filters }, { insta::assert_snapshot!("recorded_files", text) });
}

/// Writes a suite like the shipped story. Its third chapter crashes in rounds 2 and 3, and its
/// baseline is report N=1972.
fn story(place: &Place) {
    place.write("recorded/n1972.toml", recorded(1972));
    let mut body = "[defaults]\nrounds = 5\n".to_owned();
    let names = [
        "thread-safety",
        "efficiency-ceiling",
        "batching-advantage",
        "correctness",
    ];
    for name in names {
        body += &format!("[[chapter]]\nid = \"{name}\"\nworker = \"act\"\n");
        if name == "batching-advantage" {
            body += "params = { act = \"segfault\", when_round = [2, 3] }\n";
        }
    }
    body += &format!("[[sequence]]\nid = \"complete-story\"\nchapters = {names:?}\n");
    place.worker_suite(&programs().sequence_runner, &body);
    let suite = fs::read_to_string(place.path().join("suite.toml")).unwrap();
    let named = suite.replacen("[suite]", "[suite]\nbaseline = \"recorded/n1972.toml\"", 1);
    place.write("suite.toml", named);
}

#[test]
fn a_run_is_compared_with_the_baseline_of_its_suite() {
    let place = Place::new();
    story(&place);
    let done = place.crashrate(&["run", "suite.toml"]).expect(100);
    // The journal contains the baseline, so its file is no longer needed.
    fs::remove_dir_all(place.path().join("recorded")).unwrap();
    let full = place.full();
    let shown: Vec<_> = full.split_whitespace().collect();
    let short =
        "Compared with report N=1972: crash rate of complete-story 6/10 (31-83%) there, 2/5";
    assert!(done.stdout.contains(short), "{}", done.stdout);
    let markdown = said(&place, &["report", "--format", "markdown"]);
    let all = [
        "Where does complete-story die? Here: batching-advantage 2 of 5 rounds; in report N=1972: batching-advantage \
         6 of 10 rounds.",
        "Does the sequence crash more than its isolated chapters, here? complete-story as a whole: isolated 2/5 = 40%",
        "Is the crash rate here that of report N=1972? No difference shown: complete-story as a whole: \
         N=1972 6/10 = 60%",
    ];
    holds(&shown.join(" "), &all);
    holds(&markdown, &all);
    holds(
        &markdown,
        &[
            "## Compared with the baseline",
            "| complete-story as a whole | 6/10 (31-83%) | 2/5 (12-77%) | 2/5 (12-77%) |",
            "| batching-advantage | 6/10 (31-83%); isolated 1/3 (6.1-79%) | 2/5 (12-77%) | 2/5 (12-77%) |",
        ],
    );
    let beside = &place.json()["baseline"];
    assert_eq!(
        (&beside["number"], &beside["file"]),
        (&json!(1972), &json!("recorded/n1972.toml"))
    );
    let whole = &beside["rows"][0];
    assert_eq!(
        whole["baseline_in_sequence"]["first_attempt"],
        json!({"bad": 6, "n": 10})
    );
    assert_eq!(
        whole["isolated"]["first_attempt"],
        json!({"bad": 2, "n": 5})
    );
    assert_eq!(whole["died_in"]["batching-advantage"], 2);
    assert_eq!(beside["machine"]["comparisons"][0]["differs"], false);
    // Resuming does not need the file either.
    let again = place.crashrate(&["run", "--resume", "latest"]).expect(100);
    holds(&again.stdout, &["Compared with report N=1972"]);
}

#[test]
fn an_invalid_baseline_is_an_error_of_the_suite() {
    let place = Place::new();
    story(&place);
    place.write("recorded/n1972.toml", "[report]\nnumber = \"x\"\n");
    let done = place.crashrate(&["run", "suite.toml"]).expect(96);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    holds(
        &done.stderr,
        &["suite.toml:2:12: suite.baseline: ", "n1972.toml:2:10: "],
    );
    fs::remove_dir_all(place.path().join("recorded")).unwrap();
    let done = place.crashrate(&["list", "suite.toml"]).expect(96);
    holds(&done.stderr, &["suite.baseline: ", "no such file"]);
}
