//! The HTML pages in headless Chromium, at two widths, light and dark. `tests/browser/check.mjs`
//! says what it checks.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crashrate_model::{CrashRef, Ended, Exit, Outcome, Record, RunInfo, StopReason};
use serde_json::{Value, json};

use crate::c_programs::compile_c;
use crate::made_journal::{Made, alone};
use crate::pages::Pages;
use crate::util::{Place, id, pytest, skip, until};

fn script_named(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    folder.join(name)
}

/// Whether this machine has Node.js, Chromium and the packages of the script.
fn can_browse() -> bool {
    let runs = |program: &str| {
        let version = Command::new(program).arg("--version").output();
        version.is_ok_and(|done| done.status.success())
    };
    let missing = ["node", "chromium"].into_iter().find(|name| !runs(name));
    if let Some(name) = missing {
        skip(&format!("{name} is not installed"));
        return false;
    }
    let packages = script_named("node_modules");
    let installed = packages.join("playwright-core").exists() && packages.join("axe-core").exists();
    if !installed {
        skip("run `npm ci --prefix crates/cli/tests/browser`");
    }
    installed
}

impl Pages {
    /// The CPU time of the server so far, seconds. Linux only.
    pub(crate) fn cpu_secs(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.live.pid())).unwrap();
        // proc(5): behind the name in parentheses, utime and stime are fields 12 and 13.
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: f64 = ticks.map(|ticks| ticks.parse::<f64>().unwrap()).sum();
        ticks / 100.0
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// Checks a page, given as a URL or the path of a file.
#[track_caller]
fn check(place: &Place, page: impl AsRef<Path>, expect: &Value) {
    let expectations = place.write("expect.json", expect.to_string());
    let mut command = place.command_of("node", &[]);
    command
        .arg(script_named("check.mjs"))
        .arg(page.as_ref())
        .arg(expectations);
    let done = place.start(&mut command).wait().expect(0);
    let problems: Vec<String> = serde_json::from_str(&done.stdout).unwrap();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// What the page of the last run must show according to its journal and its JSON. Searches for the
/// chapter.
fn expected(place: &Place, chapter: &str) -> Value {
    let outcomes = place.json()["totals"]["outcomes"].clone();
    json!({
        "crashed": outcomes["crashed"].is_u64(),
        "tone": "bad",
        "grid": true,
        "filter": { "outcomes": outcomes, "chapter": chapter },
    })
}

/// The same, with the first attempts of all rounds.
fn expected_attempts(place: &Place, chapter: &str) -> Value {
    let mut expect = expected(place, chapter);
    let journal = place.journal();
    let first = journal.ended.iter().filter(|ended| ended.attempt == 1);
    let attempt = |ended: &Ended| {
        let unit = journal.name(ended.unit);
        json!({ "unit": unit, "round": ended.round, "outcome": ended.outcome })
    };
    expect["attempts"] = first.map(attempt).collect();
    expect
}

/// The page that a run has left in its folder. Checks its size.
fn page_of(place: &Place, most: u64) -> PathBuf {
    let page = place.run().join("report.html");
    let size = fs::metadata(&page).unwrap().len();
    assert!(size < most, "{size} bytes");
    page
}

/// Passes three chapters and dies in the fourth, in most rounds.
const SEQUENCE: &str = r#"
NI static void write_rows(int *to, int rows) { for (int i = 0; i < rows; i++) to[i] = i; END; }
NI static void layer_norm(int *to) { write_rows(to, 8); END; }
static void say(const char *event, const char *chapter) {
    dprintf(3, "{\"v\":1,\"event\":\"%s\",\"chapter\":\"%s\"}\n", event, chapter);
}
int main(void) {
    const char *chapters[] = {"thread-safety", "efficiency-ceiling", "batching-advantage", "correctness"};
    int round = atoi(getenv("CRASHRATE_ROUND"));
    for (int i = 0; i < 4; i++) {
        int rows[8];
        say("chapter-started", chapters[i]);
        layer_norm(i == 3 && round % 3 ? (int *)8 : rows);
        say("chapter-passed", chapters[i]);
    }
}
"#;

#[test]
fn a_sequence_that_dies_where_its_chapters_alone_do_not() {
    if !can_browse() {
        return;
    }
    let place = Place::new();
    let program = compile_c(&place, "story", &format!("#include <stdio.h>\n{SEQUENCE}"));
    let mut body = "[defaults]\nrounds = 8\n".to_owned();
    for (chapter, script) in [
        ("thread-safety", "true"),
        (
            "efficiency-ceiling",
            "[ $CRASHRATE_ROUND -ne 3 ] || { echo 'too slow' >&2; exit 1; }",
        ),
        ("batching-advantage", "true"),
        ("correctness", "true"),
    ] {
        let command = ["sh", "-c", script];
        let _ = write!(
            body,
            "[[chapter]]\nid = {chapter:?}\ncommand = {command:?}\n"
        );
    }
    let _ = write!(
        body,
        "[[sequence]]\nid = \"complete-story\"\ncommand = [{program:?}]\n\
         chapters = [\"thread-safety\", \"efficiency-ceiling\", \"batching-advantage\", \"correctness\"]\n"
    );
    place.suite(&body);
    place.crashrate(&["run", "suite.toml"]).expect(100);
    let expect = expected_attempts(&place, "batching-advantage");
    check(&place, page_of(&place, 400_000), &expect);
}

const PYTEST: &str = "import ctypes, pytest\n\n\
    @pytest.mark.parametrize('number', range(11))\n\
    def test_number(number):\n    assert number >= 0\n\n\
    def test_crashes():\n    ctypes.string_at(8)\n";

#[test]
fn tests_of_pytest_of_which_one_crashes() {
    let Some(python) = pytest().filter(|_| can_browse()) else {
        return;
    };
    let place = Place::new();
    place.write("test_twelve.py", PYTEST);
    let words = ["run", "--from", "pytest", "--rounds", "2", "--"];
    let pytest = [python.to_str().unwrap(), "-m", "pytest"];
    place.crashrate(&[&words[..], &pytest].concat()).expect(100);
    let expect = expected_attempts(&place, "test_crashes");
    check(&place, page_of(&place, 600_000), &expect);
}

#[test]
fn two_hundred_chapters_of_which_three_fail() {
    if !can_browse() {
        return;
    }
    let place = Place::new();
    let mut body = "[defaults]\nrounds = 2\n".to_owned();
    for chapter in 1..=200 {
        let script = match chapter {
            60 | 61 => "echo 'expected 1, got 2' >&2; exit 1",
            130 => "kill -SEGV $$",
            _ => "exit 0",
        };
        let command = ["sh", "-c", script];
        let _ = write!(
            body,
            "[[chapter]]\nid = \"chapter-{chapter}\"\ncommand = {command:?}\n"
        );
    }
    place.suite(&body);
    place
        .crashrate(&["run", "suite.toml", "--evidence=none"])
        .expect(100);
    let expect = expected_attempts(&place, "chapter-130");
    check(&place, page_of(&place, 600_000), &expect);
}

#[test]
fn a_hundred_thousand_rounds() {
    const ROUNDS: u32 = 100_000;
    if !can_browse() {
        return;
    }
    let place = Place::new();
    let mut made = Made::new(vec![alone("soak", "default", ROUNDS)]);
    for round in 1..=ROUNDS {
        if round % 997 != 0 {
            made.end(0, round, Outcome::Passed);
            continue;
        }
        made.start(0, round);
        made.records.push(Record::Ended(Box::new(Ended {
            secs: Some(1.0),
            exit: Some(Exit::Signal("SIGSEGV".into())),
            crash: Some(CrashRef {
                signature: "v1 | SIGSEGV | write_rows<layer_norm<main".into(),
                file: None,
            }),
            ..Ended::of(0, round, 1, Outcome::Crashed)
        })));
    }
    made.close(StopReason::Done);
    made.put(&place, 1);
    let html = place
        .crashrate(&["report", "1", "--format", "html"])
        .expect(0);
    assert!(html.stdout.len() < 1_000_000, "{}", html.stdout.len());
    let page = place.write("report.html", html.stdout);
    check(&place, page, &expected(&place, "soak"));
}

/// Ten runs. From the sixth on, a chapter crashes more often.
fn ten_runs() -> Place {
    let place = Place::new();
    for number in 1..=10 {
        let mut made = Made::of(RunInfo {
            units: vec![
                alone("steady", "default", 40),
                alone("worse", "default", 40),
            ],
            ..RunInfo::default()
        });
        for round in 1..=40 {
            let crashes = round % if number < 6 { 20 } else { 2 } == 0;
            made.end(0, round, Outcome::Passed);
            made.end(
                1,
                round,
                if crashes {
                    Outcome::Crashed
                } else {
                    Outcome::Passed
                },
            );
        }
        made.close(StopReason::Done);
        made.put(&place, number);
    }
    place
}

#[test]
fn a_history_of_ten_runs() {
    if !can_browse() {
        return;
    }
    let place = ten_runs();
    let html = place
        .crashrate(&["history", "made", "--format", "html"])
        .expect(0);
    let page = place.write("history.html", html.stdout);
    check(&place, page, &json!({}));
    let pages = Pages::of(&place);
    for path in ["/history/made", "/"] {
        check(&place, pages.url(path), &json!({ "sites": true }));
    }
}

#[test]
fn a_live_page_follows_its_run() {
    if !can_browse() {
        return;
    }
    let place = Place::new();
    let script = "[ $CRASHRATE_ROUND -ne 1 ] || kill -SEGV $$; \
        until [ -e go-$CRASHRATE_ROUND ]; do sleep 0.02; done";
    let command = ["sh", "-c", script];
    place.suite(&format!(
        "[[chapter]]\nid = \"x\"\nrounds = 4\ncommand = {command:?}\n"
    ));
    let pages = Pages::of(&place);
    let run = place.start(&mut place.command(&["run", "suite.toml", "--evidence=none"]));
    until("round 2 runs", || place.journal_so_far().started.len() == 2);
    let go = |round: u32| place.path().join(format!("go-{round}"));
    let mut expect = expected(&place, "x");
    expect["tone"] = "plain".into();
    expect["sites"] = true.into();
    let ended = "3 of 4 rounds passed";
    expect["live"] = json!({ "next": [go(2)], "last": [go(3), go(4)], "ended": ended });
    check(
        &place,
        pages.url(&format!("/runs/{}", id(&place.run()))),
        &expect,
    );
    run.wait().expect(100);
}

/// What the server and the browser use during 2,000 rounds of two minutes. Prints it: no time is
/// asserted.
#[test]
#[ignore = "takes two minutes: cargo xtask verify pages"]
fn a_live_page_for_two_minutes() {
    assert!(can_browse());
    let place = Place::new();
    let script = "sleep 0.055; [ $((CRASHRATE_ROUND % 25)) -ne 0 ] || kill -SEGV $$";
    let command = ["sh", "-c", script];
    place.suite(&format!(
        "[defaults]\nrounds = 1000\n[[chapter]]\nid = \"crashes\"\ncommand = {command:?}\n\
         [[chapter]]\nid = \"sleeps\"\ncommand = [\"sleep\", \"0.055\"]\n"
    ));
    let pages = Pages::of(&place);
    let run = place.start(&mut place.command(&["run", "suite.toml", "--evidence=none"]));
    until("the run has begun", || {
        !place.journal_so_far().started.is_empty()
    });
    let before = pages.cpu_secs();
    let begin = std::time::Instant::now();
    let mut command = place.command_of("node", &[]);
    let url = pages.url(&format!("/runs/{}", id(&place.run())));
    command.arg(script_named("soak.mjs")).arg(url);
    let watched = place.start(&mut command).wait().expect(0);
    let (secs, used) = (begin.elapsed().as_secs_f64(), pages.cpu_secs() - before);
    run.wait().expect(100);
    println!(
        "server: {used:.2} s of CPU time in {secs:.0} s: {:.2}% of a core",
        100.0 * used / secs
    );
    println!("browser: {}", watched.stdout.trim());
    let watched: Value = serde_json::from_str(&watched.stdout).unwrap();
    assert_eq!(watched["equal"], true);
}
