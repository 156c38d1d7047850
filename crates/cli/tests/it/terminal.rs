//! Output to a terminal: one that stops reading delays nothing, and no printed text controls it.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::util::{Done, Journal, Place};

/// A script that runs a program on a new terminal. Arguments: whether the terminal is read, the
/// times of SIGINT and of SIGTERM in seconds (`2,3;4`), then the program.
const ON_A_TERMINAL: &str = r#"
import os, pty, select, signal, sys, time
reads, moments = sys.argv[1] == "reads", sys.argv[2]
interrupts, _, terminates = moments.partition(";")
due = [(float(t), signal.SIGINT) for t in interrupts.split(",") if t]
due += [(float(t), signal.SIGTERM) for t in terminates.split(",") if t]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[3], sys.argv[3:])
begun, ended = time.time(), None
while True:
    if reads and select.select([terminal], [], [], 0.02)[0]:
        try:
            os.write(1, os.read(terminal, 65536))
            continue
        except OSError:
            reads = False
    if ended is None:
        done, status = os.waitpid(pid, os.WNOHANG)
        ended = status if done else None
    elif not reads:
        break
    for moment in [d for d in due if time.time() - begun > d[0]]:
        due.remove(moment)
        if ended is None:
            os.kill(pid, moment[1])
    time.sleep(0.01)
sys.exit(os.WEXITSTATUS(ended) if os.WIFEXITED(ended) else 200 + os.WTERMSIG(ended))
"#;

const STALLED: &str = "stalled";
const READS: &str = "reads";

fn on_a_terminal(place: &Place, reads: &str, moments: &str, args: &[&str]) -> Done {
    let script = place.write("on_a_terminal.py", ON_A_TERMINAL);
    let program = place.command(args);
    let mut command = Command::new("python3");
    command.arg(&script).args([reads, moments]);
    command.arg(program.get_program()).args(args);
    command.envs(program.get_envs().filter_map(|(k, v)| Some((k, v?))));
    command.env("TERM", "xterm").current_dir(place.path());
    place.start(&mut command).wait()
}

/// Writes a suite that prints a lot for every round, and returns the arguments to run it.
fn noisy(place: &Place, rounds: &str) -> Vec<String> {
    let id = "x".repeat(90);
    place.suite(&format!(
        "[[chapter]]\nid = \"{id}\"\ncommand = [\"false\"]\n"
    ));
    ["run", "suite.toml", "--rounds", rounds]
        .map(str::to_owned)
        .to_vec()
}

fn strs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

#[test]
fn a_terminal_that_stops_reading_delays_no_round() {
    let place = Place::new();
    // 400 notes are far more than a terminal buffers.
    let run = noisy(&place, "400");
    let done = on_a_terminal(&place, STALLED, "", &strs(&run)).expect(100);
    assert_eq!(done.stdout, "");
    let journal = Journal::read(&place.run());
    assert_eq!((journal.ended.len(), journal.closed.len()), (400, 1));
    let report = fs::read_to_string(place.run().join("report.md")).unwrap();
    assert!(report.contains("400"), "{report}");
}

#[test]
fn signals_end_a_run_on_a_stalled_terminal() {
    for moments in ["4,4.5", ";4"] {
        let place = Place::new();
        let run = noisy(&place, "1000000");
        let begun = Instant::now();
        let done = on_a_terminal(&place, STALLED, moments, &strs(&run));
        assert_eq!(done.code(), 106, "{moments}: {}", done.stderr);
        assert!(begun.elapsed() < Duration::from_secs(40), "{moments}");
        assert_eq!(Journal::read(&place.run()).closed.len(), 1, "{moments}");
    }
}

#[test]
fn one_signal_ends_a_report_that_nobody_reads() {
    let place = Place::new();
    // The report files are written before the report is printed. Printing waits for the reader of a
    // pipe without a time limit.
    let script = r#"
import glob, subprocess, sys, time, signal
run = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
while not glob.glob("runs/*/report.html"):
    time.sleep(0.05)
time.sleep(3)
assert run.poll() is None, "it does not wait for the pipe"
run.send_signal(signal.SIGTERM)
sys.exit(run.wait(60))
"#;
    let mut suite = String::new();
    for chapter in 0..400 {
        suite += &format!(
            "[[chapter]]\nid = \"chapter-{chapter:080}\"\nrounds = 1\ncommand = [\"false\"]\n"
        );
    }
    place.suite(&suite);
    let program = place.command(&["run", "suite.toml", "--full"]);
    let mut command = Command::new("python3");
    command.args(["-c", script]).arg(program.get_program());
    command.args(program.get_args()).current_dir(place.path());
    command.envs(program.get_envs().filter_map(|(k, v)| Some((k, v?))));
    place.start(&mut command).wait().expect(106);
    assert_eq!(Journal::read(&place.run()).ended.len(), 400);
    assert!(place.run().join("report.html").is_file());
}

#[test]
fn signals_end_the_server() {
    for moments in ["4", ";4"] {
        let place = Place::new();
        fs::create_dir(place.runs_dir()).unwrap();
        let serve = ["serve", "--bind", "127.0.0.1:0"];
        on_a_terminal(&place, STALLED, moments, &serve).expect(0);
    }
}

#[test]
fn an_open_connection_does_not_keep_the_server_running() {
    let place = Place::new();
    fs::create_dir(place.runs_dir()).unwrap();
    let script = r#"
import subprocess, sys, socket, signal
server = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
address = server.stdout.readline().decode().split("http://")[1].strip().rstrip("/")
host, port = address.split(":")
connection = socket.create_connection((host, int(port)))
connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
assert connection.recv(100).startswith(b"HTTP/1.1 200")
server.send_signal(signal.SIGINT)
sys.exit(server.wait(10))
"#;
    let program = place.command(&["serve", "--bind", "127.0.0.1:0"]);
    let mut command = Command::new("python3");
    command.args(["-c", script]).arg(program.get_program());
    command.args(program.get_args()).current_dir(place.path());
    command.envs(program.get_envs().filter_map(|(k, v)| Some((k, v?))));
    place.start(&mut command).wait().expect(0);
}

#[test]
fn the_progress_display_shows_the_run_and_is_cleared() {
    let place = Place::new();
    let script = "sleep 0.3; exit $((CRASHRATE_ROUND == 2))";
    let run = ["run", "--rounds", "3", "--", "sh", "-c", script];
    let done = on_a_terminal(&place, READS, "", &run).expect(100);
    assert!(
        done.stdout.contains("isolated sh round 1"),
        "{}",
        done.stdout
    );
    assert!(done.stdout.contains(" of 3 rounds"), "{}", done.stdout);
    assert!(
        done.stdout.contains(" rounds/min, about "),
        "{}",
        done.stdout
    );
    let failed = "isolated sh round 2: failed: exit code 1";
    assert!(done.stdout.contains(failed), "{}", done.stdout);
    // The progress display is cleared before the report begins.
    let cleared = done.stdout.rfind("\x1b[J").unwrap();
    assert!(!done.stdout[cleared..].contains("#]"), "{}", done.stdout);
    assert!(done.stdout[cleared..].contains("report.html"));
}

/// The first character that a terminal may act on. Colours and the cursor movements of the progress
/// display are allowed.
fn acts(text: &str) -> Option<char> {
    let (mut rest, mut plain) = (text, String::new());
    while let Some(at) = rest.find("\x1b[") {
        plain += &rest[..at];
        let parameters = &rest[at + 2..];
        let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';');
        let end = end.unwrap_or(parameters.len());
        match parameters[end..].chars().next() {
            Some('m' | 'A') => rest = &parameters[end + 1..],
            Some('J') if end == 0 => rest = &parameters[1..],
            _ => return Some('\x1b'),
        }
    }
    plain += rest;
    let bidi = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    (plain.chars()).find(|&c| bidi(c) || c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

const EVIL: &str = "\x1b]0;owned\x07\x1b[2J\u{9b}2J\u{202e}\u{2066}evil\n";

#[track_caller]
fn harmless(done: &Done) {
    for text in [&done.stdout, &done.stderr] {
        assert_eq!(acts(text), None, "{text:?}");
    }
}

#[test]
fn names_in_errors_do_not_act_on_the_terminal() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"a\"\nrounds = 1\ncommand = [\"true\"]\n");
    place.crashrate(&["run", "suite.toml"]).expect(0);
    let wrong_suite = format!(
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n[\"{}\"]\n",
        EVIL.escape_unicode()
    );
    place.write(
        "wrong.toml",
        wrong_suite.replace("\\u{", "\\u").replace('}', ""),
    );
    place.write(&format!("{}.toml", EVIL.trim_end()), "[[[");
    let evil_file = format!("{}.toml", EVIL.trim_end());
    for args in [
        &["run", EVIL][..],
        &["run", &evil_file],
        &["run", "wrong.toml"],
        &["list", EVIL],
        &["run", "suite.toml", "--chapter", EVIL],
        &["run", "suite.toml", "--variant", EVIL],
        &["run", "suite.toml", "--device", EVIL],
        &["run", "suite.toml", "--worker", EVIL],
        &["run", "--resume", EVIL],
        &["run", "--", EVIL],
        &["report", EVIL],
        &["compare", EVIL, "1"],
        &["crashes", "1", EVIL],
        &["history", EVIL],
        &["import", EVIL],
        &["serve", EVIL],
        &["doctor", "--worker", EVIL],
        &["plan", EVIL],
        &["help", EVIL],
        &["--runs-dir", EVIL, "runs"],
        &["--runs-dir", EVIL, "report"],
        &[EVIL],
    ] {
        let done = place.crashrate(args);
        harmless(&done);
        assert!(!(done.stdout + &done.stderr).is_empty(), "{args:?}");
    }
    // A name with a line break cannot forge another error line.
    let done = place.crashrate(&["report", "x\nerror: forged"]).expect(96);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
}

#[test]
fn the_text_of_children_does_not_act_on_the_terminal() {
    let place = Place::new();
    let child = format!(
        r#"
import json, os, signal
evil = {EVIL:?}.replace("\\u{{", "\\u")
def say(**event):
    os.write(3, (json.dumps({{"v": 1, **event}}) + "\n").encode())
say(event="hello", device=evil, versions={{evil: evil}})
say(event="progress", done=1, total=2, unit=evil)
say(event="note", text=evil)
say(event="measure", name=evil, value=1, unit=evil, label=evil)
for out in (1, 2):
    os.write(out, evil.encode())
import time; time.sleep(0.3)
if os.environ["CRASHRATE_ROUND"] == "2":
    os.kill(os.getpid(), signal.SIGSEGV)
say(event="chapter-failed", chapter="a", reason=evil)
"#
    );
    // Python has no `\u{...}`.
    let child = child.replace("\\u{7}", "\\x07").replace("\\u{1b}", "\\x1b");
    let child = child
        .replace("\\u{9b}", "\\x9b")
        .replace("\\u{202e}", "\\u202e");
    place.write("child.py", child.replace("\\u{2066}", "\\u2066"));
    place.suite("[[chapter]]\nid = \"a\"\nrounds = 2\ncommand = [\"python3\", \"child.py\"]\n");
    let run = on_a_terminal(&place, READS, "", &["run", "suite.toml"]).expect(100);
    harmless(&run);
    for args in [
        &["report"][..],
        &["report", "--format", "markdown"],
        &["report", "--format", "csv"],
        &["report", "--format", "json"],
        &["crashes"],
        &["crashes", "latest", "1"],
        &["runs"],
        &["history", &place.name],
    ] {
        harmless(&on_a_terminal(&place, READS, "", args));
    }
}

#[test]
fn a_program_with_a_harmful_name() {
    let place = Place::new();
    let name = EVIL.trim_end();
    let program = place.program(name, "#!/bin/sh\nkill -SEGV $$\n");
    assert!(Path::new(&program).as_os_str().as_bytes().contains(&0x1b));
    let path = format!("./{name}");
    let done = place.crashrate(&["run", "--rounds", "1", "--", &path]);
    harmless(&done);
    for args in [
        &["crashes"][..],
        &["runs"],
        &["report"],
        &["crashes", "latest", "1"],
    ] {
        harmless(&place.crashrate(args));
    }
}
