//! Ids that a shell, a path, a pattern, a table or a markup language could misread. Every report has
//! them whole, and every command takes them literally.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use quick_xml::XmlVersion;
use quick_xml::events::Event;
use serde_json::Value;

use crate::util::{Place, id, row};

const FAILS: &str = "a|b";
const IS_SKIPPED: &str = "<script>alert(1)</script>";
const CRASHES: &str = "it's \"quoted\" `id` $HOME \\";
const SEQUENCE: &str = "all | <script>alert(2)</script>";
const ROUNDS: usize = 2;

/// The crash ends the sequence, so it is the last.
fn ids() -> Vec<String> {
    let short = [
        "two  words ",
        "a/b",
        "a_b",
        "../up",
        "..",
        "[x]",
        "x",
        "Foo.Bar/1",
        "tests/t.py::T::test[cpu-3]",
        "\"",
        "'",
        FAILS,
        "`",
        IS_SKIPPED,
        "100%",
        "*",
        "🦀 ok",
        "בדיקה مرحبا",
        "-dash",
        "a -- b",
        "--seed",
        "--round=3",
    ];
    let long = ["1", "2"].map(|end| format!("{}{end}", "n".repeat(399)));
    let short = short.map(str::to_owned).into_iter();
    short.chain(long).chain([CRASHES.to_owned()]).collect()
}

/// Speaks the protocol; the arguments are the ids of the chapters that do not pass.
const STORY: &str = r#"
import json, os, signal, sys
fails, is_skipped, crashes = sys.argv[1:]
def say(kind, chapter):
    os.write(3, (json.dumps({"v": 1, "event": kind, "chapter": chapter}) + "\n").encode())
for chapter in [task["id"] for task in json.loads(sys.stdin.readline())["chapters"]]:
    say("chapter-started", chapter)
    if chapter == crashes:
        os.kill(os.getpid(), signal.SIGSEGV)
    say({fails: "chapter-failed", is_skipped: "chapter-skipped"}.get(chapter, "chapter-passed"), chapter)
"#;

/// A string or an array of strings; in TOML both are written as in JSON.
fn toml(value: impl serde::Serialize) -> String {
    serde_json::to_string(&value).unwrap()
}

fn chapter(id: &str, command: [&str; 3]) -> String {
    let (id, command) = (toml(id), toml(command));
    format!(
        "[[chapter]]\nid = {id}\nrounds = {ROUNDS}\ncommand = {command}\nexit_codes = {{ skipped = [77] }}\n"
    )
}

/// A suite with each chapter alone, and all of them in a sequence.
fn place() -> Place {
    let place = Place::new();
    place.write("story.py", STORY);
    let chapters = ids().into_iter().map(|id| {
        let script = match &*id {
            FAILS => "echo out; exit 1",
            IS_SKIPPED => "exit 77",
            CRASHES => "echo out; kill -SEGV $$",
            _ => "exit 0",
        };
        chapter(&id, ["sh", "-c", script])
    });
    let command = toml(["python3", "story.py", FAILS, IS_SKIPPED, CRASHES]);
    let (name, ids) = (toml(SEQUENCE), toml(ids()));
    let sequence = format!(
        "[[sequence]]\nid = {name}\nrounds = {ROUNDS}\nchapters = {ids}\ncommand = {command}\n"
    );
    place.suite(&(chapters.collect::<String>() + &sequence));
    place
}

/// A suite in which every chapter crashes, each with some output.
fn crashing() -> Place {
    let place = Place::new();
    let crash = [
        "sh",
        "-c",
        "echo \"$CRASHRATE_CHAPTER\" >> ran; echo out; kill -SEGV $$",
    ];
    place.suite(
        &ids()
            .iter()
            .map(|id| chapter(id, crash))
            .collect::<String>(),
    );
    place
}

fn report(place: &Place, format: &str) -> String {
    let report = ["report", "--format", format];
    place.crashrate(&report).expect(0).stdout
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

#[track_caller]
fn assert_all_once(found: Vec<String>) {
    assert_eq!(sorted(found), sorted(ids()));
}

/// The id in a line of a CSV report, without the quote that keeps spreadsheets from reading an id
/// such as `-dash` as a formula.
fn chapter_of(line: &Value) -> String {
    let id = line["chapter"].as_str().unwrap();
    let quoted = id.strip_prefix('\'').filter(|id| id.starts_with('-'));
    quoted.unwrap_or(id).to_owned()
}

/// The records of a CSV report, by the names of their columns.
fn records(text: &str) -> Vec<Value> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let records = reader.deserialize::<std::collections::BTreeMap<String, String>>();
    records
        .map(|record| serde_json::json!(record.unwrap()))
        .collect()
}

/// The class and the name of each test case.
fn cases(xml: &str) -> Vec<(String, String)> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut cases = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return cases,
            Event::Start(tag) | Event::Empty(tag) if tag.name().as_ref() == b"testcase" => {
                let value = |name: &str| {
                    let attribute = tag.try_get_attribute(name).unwrap().unwrap();
                    let value = attribute.normalized_value(XmlVersion::Implicit1_0);
                    value.unwrap().into_owned()
                };
                cases.push((value("classname"), value("name")));
            }
            _ => {}
        }
    }
}

/// Checks that all rows of each table have the columns of its head.
#[track_caller]
fn assert_tables(markdown: &str) {
    let columns = |line: &str| {
        line.replace("\\\\", "")
            .replace("\\|", "")
            .matches('|')
            .count()
    };
    let mut of_table = None;
    for line in markdown.lines() {
        of_table = line.starts_with('|').then(|| {
            let expected = of_table.unwrap_or(columns(line));
            assert_eq!(columns(line), expected, "{line}\n{markdown}");
            expected
        });
    }
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let below = folders.iter().flat_map(|folder| self::files(folder));
    below.chain(files).collect()
}

#[test]
fn every_report_has_every_id_whole() {
    let place = place();
    place.crashrate(&["run", "suite.toml"]).expect(100);
    let json = place.json();
    for mode in ["isolated", "sequential"] {
        let rows = json["chapters"].as_array().unwrap().iter();
        let rows = rows.filter(|row| row["mode"] == mode);
        assert_all_once(
            rows.map(|row| row["chapter"].as_str().unwrap().into())
                .collect(),
        );
        for (id, outcome) in [
            (FAILS, "failed"),
            (IS_SKIPPED, "skipped"),
            (CRASHES, "crashed"),
            ("*", "passed"),
        ] {
            let mut rows = json["chapters"].as_array().unwrap().iter();
            let row = rows
                .find(|row| row["mode"] == mode && row["chapter"] == id)
                .unwrap();
            assert_eq!(row["outcomes"][outcome], ROUNDS, "{row:#}");
        }
    }
    assert_eq!(
        row(&json["sequences"], "sequence", SEQUENCE)["died_in"][CRASHES],
        ROUNDS,
        "{json:#}"
    );

    let lines = records(&report(&place, "csv"));
    assert_eq!(lines.len(), ROUNDS * (2 * ids().len() + 1));
    for mode in ["isolated", "sequential"] {
        let of_round =
            |line: &&Value| line["mode"] == mode && line["round"] == "2" && line["chapter"] != "";
        let found = lines.iter().filter(of_round);
        assert_all_once(found.map(chapter_of).collect());
    }

    let (isolated, others): (Vec<_>, Vec<_>) = cases(&report(&place, "junit"))
        .into_iter()
        .partition(|(class, _)| *class == format!("{}.isolated", place.name));
    assert_all_once(isolated.into_iter().map(|(_, name)| name).collect());
    assert_all_once(others.into_iter().map(|(_, name)| name).collect());
}

#[test]
fn markup_in_ids_has_no_effect() {
    let (mixed, crashing) = (place(), crashing());
    for place in [&mixed, &crashing] {
        place.crashrate(&["run", "suite.toml"]).expect(100);
        let (suite, suite_file) = (&*place.name, "suite.toml");
        let mut shown: Vec<_> = ["terminal", "markdown", "html"]
            .map(|format| (format, report(place, format)))
            .into();
        for format in ["terminal", "markdown", "html", "json"] {
            let history = ["history", suite, "--format", format];
            shown.push((format, place.crashrate(&history).expect(0).stdout));
        }
        for (format, text) in shown {
            match format {
                "markdown" => assert_tables(&text),
                "html" => assert!(!text.contains("<script>alert"), "{text}"),
                _ => {}
            }
        }
        let listed = place.crashrate(&["list", suite_file]).expect(0).stdout;
        for id in ids() {
            assert!(listed.contains(&id), "{id}: {listed}");
        }
    }
    for format in ["terminal", "markdown", "json"] {
        let compare = ["compare", "--format", format];
        let text = mixed.crashrate(&compare).expect(0).stdout;
        if format == "markdown" {
            assert_tables(&text);
        }
    }
}

#[test]
fn files_of_attempts_are_distinct_and_stay_in_the_run_folder() {
    let place = crashing();
    place.crashrate(&["run", "suite.toml"]).expect(100);
    let run = place.run();
    let mut outputs = HashSet::new();
    for line in records(&report(&place, "csv")) {
        let path = run.join(line["output"].as_str().unwrap());
        let whole = path.canonicalize().unwrap();
        assert!(whole.starts_with(run.canonicalize().unwrap()), "{line:#}");
        assert!(outputs.insert(whole), "{line:#}");
    }
    assert_eq!(outputs.len(), ROUNDS * ids().len());
    // Whatever is written lies in the run folder, or beside the suite, where the test writes it.
    let expected = |path: &PathBuf| {
        let name = id(path);
        path.starts_with(&run)
            || name.starts_with(".std")
            || ["ran", "suite.toml"].contains(&&*name)
    };
    let others: Vec<_> = files(place.path())
        .into_iter()
        .filter(|path| !expected(path))
        .collect();
    assert!(
        others
            .iter()
            .all(|path| path.parent() == Some(&place.runs_dir())),
        "{others:?}"
    );
    assert_eq!(
        fs::read_dir(place.runs_dir())
            .unwrap()
            .filter(|e| e.as_ref().unwrap().path().is_dir())
            .count(),
        1
    );
}

/// The chapters that ran since the last call.
fn ran(place: &Place) -> Vec<String> {
    let path = place.path().join("ran");
    let text = fs::read_to_string(&path).unwrap();
    fs::remove_file(path).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Without traces, which repeat attempts, each chosen chapter runs once a round.
#[test]
fn an_id_chooses_exactly_its_chapter() {
    let place = crashing();
    for id in ids() {
        let equals = format!("--chapter={id}");
        let separate = ["--chapter", &id];
        let chosen = match id.starts_with('-') {
            true => &[&*equals][..],
            false => &separate,
        };
        let run = ["run", "suite.toml", "--evidence", "none"];
        place.crashrate(&[&run, chosen].concat()).expect(100);
        assert_eq!(ran(&place), vec![id.clone(); ROUNDS]);
        let json = place.json();
        assert_eq!(json["chapters"].as_array().unwrap().len(), 1);
        assert_eq!(json["chapters"][0]["chapter"], *id);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_shell_repeats_the_crash_of_a_chapter() {
    let place = crashing();
    let program = Path::new(env!("CARGO_BIN_EXE_crashrate"));
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", program.parent().unwrap().display());
    for id in ids() {
        let chapter = format!("--chapter={id}");
        place
            .crashrate(&["run", "suite.toml", &chapter])
            .expect(100);
        let repeat = place.json()["crashes"][0]["repeat"].clone();
        let repeat = repeat.as_str().unwrap();
        for (shown, before) in [
            (&["crashes"][..], "again: "),
            (&["report", "--full"], "again:\n  "),
        ] {
            let text = place.crashrate(shown).expect(0).stdout;
            let expected = format!("{before}{repeat}\n");
            assert!(text.contains(&expected), "{expected}: {text}");
        }
        ran(&place);
        let mut shell = place.command_of("bash", &["-c", repeat]);
        place.start(shell.env("PATH", &path)).wait().expect(100);
        assert!(ran(&place).iter().all(|chapter| *chapter == id));
        let json = place.json();
        assert_eq!(json["run"]["only_round"], 1, "{repeat}");
        assert_eq!(json["totals"]["planned"], 1, "{repeat}");
        assert_eq!(json["chapters"][0]["chapter"], *id);
    }
}

#[test]
fn a_finished_run_is_resumed() {
    let place = place();
    place.crashrate(&["run", "suite.toml"]).expect(100);
    let before = records(&report(&place, "csv"));
    place.crashrate(&["run", "--resume", "latest"]).expect(100);
    assert_eq!(records(&report(&place, "csv")), before);
}
