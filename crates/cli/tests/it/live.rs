//! What a user or a program can see of a run while it lasts: records, the progress, and what runs
//! now.

use std::fs;

use crashrate_testkit::processes::processes_with_argument;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::util::{Live, Place, id, until};

/// Passes chapters, and waits in the second one for a file `go`.
const SEQUENCE: &str = r#"
import json, os, sys, time
def say(**event):
    line = json.dumps({"v": 1, **event}) + "\n"
    os.write(int(os.environ["CRASHRATE_EVENTS_FD"]), line.encode())
for chapter in json.loads(sys.stdin.readline())["chapters"]:
    say(event="chapter-started", chapter=chapter["id"])
    while chapter["id"] == "second" and not os.path.exists("go"):
        time.sleep(0.02)
    say(event="chapter-passed", chapter=chapter["id"])
"#;

fn sequence(place: &Place) {
    place.write("sequence.py", SEQUENCE);
    place.suite(
        r#"
[defaults]
rounds = 2

[[chapter]]
id = "first"
modes = ["sequential"]
command = ["true"]

[[chapter]]
id = "second"
modes = ["sequential"]
command = ["true"]

[[sequence]]
id = "all"
chapters = ["first", "second"]
command = ["python3", "sequence.py"]
"#,
    );
}

/// Asks what runs until the answer contains `text`, and returns the answers.
fn ask(live: &Live, text: &str) -> String {
    until(&format!("the answer contains {text:?}"), || {
        live.signal(Signal::SIGUSR1);
        live.stderr().contains(text)
    });
    live.stderr()
}

#[test]
fn a_signal_prints_what_runs_now() {
    let place = Place::new();
    sequence(&place);
    let live = place.start(&mut place.command(&["run", "suite.toml"]));
    until("the run has started", || {
        !place.journal_so_far().started.is_empty()
    });
    let answer = ask(&live, "sequential all round 1, in second, for ");
    let line = answer
        .lines()
        .find(|line| line.contains("in second"))
        .unwrap();
    let pid = line.rsplit_once(", pid ").unwrap().1;
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let arguments = String::from_utf8_lossy(&arguments).into_owned();
    if cfg!(target_os = "linux") {
        assert!(arguments.contains("sequence.py"), "{line}: {arguments}");
    }
    assert!(answer.contains("0 of 2 rounds\n"), "{answer}");

    // `pkill -USR1 crashrate` also reaches the guardian.
    let guardians = || processes_with_argument(&id(&place.run()));
    let before = guardians();
    assert_eq!(before.len(), 1);
    for pid in &before {
        kill(Pid::from_raw(*pid as i32), Signal::SIGUSR1).unwrap();
    }
    ask(&live, "in second");
    assert_eq!(guardians(), before);

    place.write("go", "");
    let done = live.wait().expect(0);
    assert!(
        done.stdout.contains("2 of 2 rounds passed."),
        "{}",
        done.stdout
    );
}

#[test]
fn the_answer_names_attempts_and_counts_rounds_before_a_resume() {
    let place = Place::new();
    // The first two rounds fail once and pass at once; the third waits for a file.
    place.suite(
        "[defaults]\nretries = 1\nrounds = 3\n[[chapter]]\nid = \"a\"\ncommand = [\"sh\", \"-c\", \
         \"test $CRASHRATE_ROUND != 3 && exit 1; until [ -e go ]; do sleep 0.05; done\"]\n",
    );
    let live = place.start(&mut place.command(&["run", "suite.toml"]));
    ask_when_opened(&place, &live, 1, "isolated a round 3, for ");
    let answer = live.stderr();
    assert!(answer.contains("2 of 3 rounds, 2 failed, "), "{answer}");
    assert!(answer.contains(" left\n"), "{answer}");
    live.signal(Signal::SIGTERM);
    live.wait().expect(106);

    let live = place.start(&mut place.command(&["run", "--resume", "latest"]));
    ask_when_opened(&place, &live, 2, "isolated a round 3, for ");
    let answer = live.stderr();
    // The rate is of this supervisor's rounds.
    assert!(
        answer.contains("2 of 3 rounds, 2 failed, about "),
        "{answer}"
    );
    place.write("go", "");
    live.wait().expect(100);
}

/// Asks when this supervisor of the run has started an attempt. Earlier, the signal could end the
/// program.
fn ask_when_opened(place: &Place, live: &Live, supervisor: usize, text: &str) {
    until("the run was opened", || {
        let journal = place.journal_so_far();
        journal.opened.len() == supervisor && !journal.started.is_empty()
    });
    ask(live, text);
}

#[test]
fn the_records_of_a_run_go_to_standard_output_while_it_lasts() {
    let place = Place::new();
    sequence(&place);
    let json = ["run", "suite.toml", "--message-format", "json"];
    let live = place.start(&mut place.command(&json));
    until("the start of a round is there", || {
        live.stdout().contains("{\"rec\":\"started\"")
    });
    assert!(!live.stdout().contains("\"rec\":\"ended\""));
    live.signal(Signal::SIGTERM);
    let first = live.wait().expect(106);
    let journal = place.run().join("journal.jsonl");
    assert_eq!(first.stdout, fs::read_to_string(&journal).unwrap());
    assert!(first.stderr.contains("0 of 2 rounds"), "{}", first.stderr);
    assert!(first.stderr.contains("report.html"), "{}", first.stderr);

    // A resumed run prints what it adds.
    place.write("go", "");
    let resume = [
        "run",
        "--resume",
        "latest",
        "--message-format",
        "json",
        "-q",
    ];
    let second = place.crashrate(&resume);
    let whole = fs::read_to_string(&journal).unwrap();
    assert_eq!(first.stdout + &second.stdout, whole);
    assert!(second.stdout.ends_with('\n') && second.stdout.contains("\"rec\":\"closed\""));
    assert!(
        second
            .stderr
            .contains("2 of 2 rounds passed; 1 run again, "),
        "{}",
        second.stderr
    );
    assert!(!second.stderr.contains("report.html"), "{}", second.stderr);
}

#[test]
fn a_reader_of_records_that_stops_reading_ends_no_run() {
    let place = Place::new();
    let program = place.command(&[]);
    let script = "\"$0\" run -n 40 --message-format json -- false | head -n 1";
    let mut shell = place.command_of("bash", &["-o", "pipefail", "-c", script]);
    let done = place.start(shell.arg(program.get_program())).wait();
    assert_eq!(
        (done.code(), done.stdout.lines().count()),
        (100, 1),
        "{}",
        done.stderr
    );
    assert_eq!(place.journal().ended.len(), 40);
}

#[test]
fn on_github_nothing_but_records_goes_to_standard_output() {
    let place = Place::new();
    let summary = place.write("summary.md", "");
    let crash = ["--", "sh", "-c", "kill -SEGV $$"];
    let run = ["run", "-n", "1", "--message-format", "json"];
    let mut run = place.command(&[&run[..], &crash].concat());
    let done = place
        .start(run.env("GITHUB_STEP_SUMMARY", &summary))
        .wait()
        .expect(100);
    assert!(
        done.stdout
            .lines()
            .all(|line| line.starts_with("{\"rec\":")),
        "{}",
        done.stdout
    );
    assert!(done.stderr.contains("\n::error "), "{}", done.stderr);
    assert!(done.stderr.contains("::stop-commands::"), "{}", done.stderr);
    assert!(!fs::read_to_string(&summary).unwrap().is_empty());
}

#[test]
fn a_pipe_gets_a_line_every_30_seconds() {
    let place = Place::new();
    let script = "sleep 1; [ $CRASHRATE_ROUND -lt 20 ] || kill -SEGV $$";
    let run = [
        "run",
        "-n",
        "32",
        "--evidence",
        "none",
        "--",
        "sh",
        "-c",
        script,
    ];
    let done = place.crashrate(&run).expect(100);
    let lines: Vec<_> = done.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let words: Vec<_> = lines[0].split(", ").collect();
    assert!(words[0].ends_with(" of 32 rounds"), "{lines:?}");
    assert!(words[1].ends_with(" crashed"), "{lines:?}");
    assert!(words[2].ends_with(" rounds/min"), "{lines:?}");
    assert!(
        words[3].starts_with("about ") && words[3].ends_with(" left"),
        "{lines:?}"
    );
}

#[test]
fn the_tests_of_a_framework_have_an_estimate_after_their_first_round() {
    let place = Place::new();
    let program = place.program(
        "tests",
        "#!/bin/sh\ncase \"$*\" in\n*--gtest_list_tests*) printf 'Math.\\n  Add\\n  Subtract\\n';;\n\
         *) sleep 0.2; echo '[       OK ] Math.Add (200 ms)';;\nesac\n",
    );
    let from = ["--from", "gtest", "--mode", "isolated", "--"];
    let estimate = |rounds, quiet: &[&str]| {
        let args = [
            &["run", "-n", rounds],
            quiet,
            &from[..],
            &[program.to_str().unwrap()],
        ]
        .concat();
        let done = place.crashrate(&args);
        assert!([0, 100].contains(&done.code()), "{}", done.stderr);
        done.stderr
    };
    let text = estimate("3", &[]);
    let line = text.lines().find(|line| line.starts_with("round 1 took "));
    let line = line.unwrap_or_else(|| panic!("{text}"));
    assert!(
        line.contains(" s; about ") && line.ends_with(" s for 3 rounds"),
        "{line}"
    );
    assert_eq!(text.matches("took").count(), 1, "{text}");
    assert_eq!(estimate("3", &["-q"]), "");
    assert!(!estimate("1", &[]).contains("took"));
}
