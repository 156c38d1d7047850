//! `debug` runs a round again under gdb: with everything that the round had, until it crashes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crashrate_testkit::programs;
use nix::sys::signal::Signal;

use crate::c_programs::compile_c;
use crate::util::{Done, Place, skip, until};

fn has_gdb() -> bool {
    let has = Command::new("gdb").arg("--version").output();
    let has = has.is_ok_and(|done| done.status.success());
    if !has {
        skip("gdb is not installed");
    }
    has
}

fn debug(place: &Place, arguments: &[&str]) -> Done {
    place.crashrate(&[&["debug"], arguments].concat())
}

/// Appends arguments, directory, environment, limits and input to the file `seen`, then faults.
const TELLS: &str = r#"
#include <stdio.h>
#include <sys/resource.h>
extern char **environ;
NI void bug(volatile int *p) { *p = 1; }
int main(int argc, char **argv) {
  FILE *f = fopen(getenv("SEEN"), "w"); char line[4096]; struct rlimit r; size_t n;
  for (int i = 0; i < argc; i++) fprintf(f, "arg <%s>\n", argv[i]);
  for (char **e = environ; *e; e++) fprintf(f, "env <%s>\n", *e);
  fprintf(f, "in %s\n", getcwd(line, sizeof line));
  getrlimit(RLIMIT_FSIZE, &r); fprintf(f, "limit %lu\n", (unsigned long)r.rlim_cur);
  n = read(0, line, sizeof line); fprintf(f, "input <%.*s>\n", (int)n, line);
  fprintf(f, "events %zd\n", write(atoi(getenv("CRASHRATE_EVENTS_FD")), "\n", 1));
  fclose(f); bug((volatile int *)8); return 0; }
"#;

#[test]
fn the_process_has_all_that_it_had_in_the_run() {
    if !has_gdb() {
        return;
    }
    let place = Place::new();
    compile_c(&place, "tells", TELLS);
    fs::create_dir(place.path().join("else where")).unwrap();
    let seen = place.path().join("seen");
    place.suite(&format!(
        r#"
        [limits]
        file-size = "10MB"
        [[chapter]]
        id = "alone"
        rounds = 3
        command = ["./tells", "a b", "$HOME", "*", "it's \"\\\\\"", "", "größer"]
        env = {{ SEEN = {seen:?}, "a.b-c" = "x\ny $z" }}
        [[sequence]]
        id = "together"
        chapters = ["alone"]
        rounds = 3
        command = ["./tells", "all"]
        env = {{ SEEN = {seen:?} }}
        "#
    ));
    for (mode, name) in [("isolated", "alone"), ("sequential", "together")] {
        let only = [
            "run",
            "suite.toml",
            "--mode",
            mode,
            "--seed",
            "5",
            "--round",
            "2",
        ];
        place.crashrate(&only).expect(100);
        let lines = || -> BTreeSet<String> {
            let text = fs::read_to_string(&seen).unwrap();
            text.lines().map(str::to_owned).collect()
        };
        // The evidence round has overwritten what the counted round wrote, and has the same.
        let before = lines();
        fs::remove_file(&seen).unwrap();
        let done = debug(&place, &["latest:2"]).expect(0);
        assert_eq!(lines(), before, "{mode}");
        assert!(done.stdout.contains("#0"), "{}", done.stdout);
        assert!(done.stdout.contains("bug ("), "{}", done.stdout);
        assert!(
            done.stderr.contains(&format!("`{name}`")),
            "{}",
            done.stderr
        );
        assert!(
            done.stderr.contains("crashed in try 1 of 20"),
            "{}",
            done.stderr
        );
    }
    assert_eq!(place.runs().len(), 2, "nothing is recorded");
}

#[test]
fn a_worker_reads_its_task_in_the_order_of_the_round() {
    if !has_gdb() {
        return;
    }
    let place = Place::new();
    place.worker_suite(
        &programs().sequence_runner,
        r#"
        [[chapter]]
        id = "first"
        worker = "act"
        params = { act = "pass" }
        modes = ["sequential"]
        [[chapter]]
        id = "dies"
        worker = "act"
        params = { act = "segfault" }
        modes = ["sequential"]
        [[sequence]]
        id = "story"
        chapters = ["first", "dies"]
        order = "shuffled"
        rounds = 2
        "#,
    );
    place.crashrate(&["run", "suite.toml"]).expect(100);
    let done = debug(&place, &["1:2", "--sequence", "story"]).expect(0);
    let end = "crashed in try 1 of 20, in chapter `dies`";
    assert!(done.stderr.contains(end), "{}", done.stderr);
}

#[test]
fn it_tries_until_the_crash() {
    if !has_gdb() {
        return;
    }
    let place = Place::new();
    let script = "echo x >> tries; [ $(($(wc -l < tries) % 3)) != 0 ] || kill -SEGV $$";
    let run = [
        "run",
        "--rounds",
        "3",
        "--evidence=none",
        "--",
        "sh",
        "-c",
        script,
    ];
    place.crashrate(&run).expect(100);
    let done = debug(&place, &["latest:3", "--tries", "2"]).expect(121);
    assert!(
        done.stderr.contains("try 1 of 2: exit code 0"),
        "{}",
        done.stderr
    );
    assert!(
        done.stderr.contains("no crash in 2 tries"),
        "{}",
        done.stderr
    );
    let done = debug(&place, &["latest:3"]).expect(0);
    assert!(
        done.stderr.contains("crashed in try 1 of 20"),
        "{}",
        done.stderr
    );
    let done = debug(&place, &["latest:1"]).expect(0);
    assert!(
        done.stderr.contains("crashed in try 3 of 20"),
        "{}",
        done.stderr
    );
}

/// Signals that the program handles are no crash, and a crash may be an exit code.
#[test]
fn it_stops_at_what_ends_the_program() {
    if !has_gdb() {
        return;
    }
    let place = Place::new();
    let handles = "#include <stdio.h>\nstatic sigjmp_buf back;\n\
        static void on(int s, siginfo_t *i, void *c) { siglongjmp(back, 1); }\n\
        NI void harmless(void) { *(volatile int *)8 = 1; }\n\
        NI void bug(void) { abort(); }\n\
        int main(int argc, char **argv) { handle(SIGSEGV, on, 0); signal(SIGPIPE, SIG_IGN);\n\
        raise(SIGPIPE); for (int i = 0; i < 3; i++) if (!sigsetjmp(back, 1)) harmless();\n\
        if (argc > 1) bug(); return 0; }";
    compile_c(&place, "handles", handles);
    let exits = "NI void leave(void) { exit(7); }\nint main(void) { leave(); return 0; }";
    compile_c(&place, "exits", exits);
    place.suite(
        "[defaults]\nrounds = 1\n\
         [[chapter]]\nid = \"survives\"\ncommand = [\"./handles\"]\n\
         [[chapter]]\nid = \"aborts\"\ncommand = [\"./handles\", \"x\"]\n\
         [[chapter]]\nid = \"exits\"\ncommand = [\"./exits\"]\nexit_codes = { crashed = [7] }\n",
    );
    place
        .crashrate(&["run", "suite.toml", "--evidence=none"])
        .expect(100);
    let survives = ["latest:1", "--chapter", "survives", "--tries", "1"];
    debug(&place, &survives).expect(121);
    for (chapter, function) in [("aborts", "bug ("), ("exits", "leave (")] {
        let done = debug(&place, &["latest:1", "--chapter", chapter]).expect(0);
        assert!(done.stdout.contains(function), "{chapter}: {}", done.stdout);
        assert!(!done.stdout.contains("#0  harmless"), "{}", done.stdout);
    }
}

#[test]
fn a_hang_ends_at_the_time_limit() {
    if !has_gdb() {
        return;
    }
    let place = Place::new();
    let limits = ["--timeout", "300ms", "--rounds", "1", "--evidence=none"];
    let command = ["--", "sleep", "1000"];
    place
        .crashrate(&[&["run"], &limits[..], &command].concat())
        .expect(100);
    let done = debug(&place, &["latest:1", "--tries", "1"]).expect(121);
    assert!(
        done.stderr.contains("within its time limit"),
        "{}",
        done.stderr
    );
}

#[test]
fn other_debuggers_come_before_the_command() {
    let place = Place::new();
    let prefix = place.program(
        "record it",
        "#!/bin/sh\necho \"before $CRASHRATE_ROUND $1\"; shift; exec \"$@\"\n",
    );
    let script = "[ $CRASHRATE_ROUND = 1 ] || kill -SEGV $$";
    let run = [
        "run",
        "--rounds",
        "2",
        "--evidence=none",
        "--",
        "sh",
        "-c",
        script,
    ];
    place.crashrate(&run).expect(100);
    let debugger = format!("'{}' 'its option'", prefix.display());
    for (round, code) in [("latest:1", 121), ("latest:2", 0)] {
        let done = debug(&place, &[round, "--debugger", &debugger, "--tries", "1"]);
        let done = done.expect(code);
        let said = format!("before {} its option", &round[7..]);
        assert!(done.stdout.contains(&said), "{}", done.stdout);
    }
}

/// Runs its arguments on a terminal and quits at the first prompt of gdb.
const AT_THE_PROMPT: &str = r#"
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
said, quit = b"", False
while True:
    try:
        said += os.read(terminal, 65536)
    except OSError:
        break
    if b"(gdb) " in said and not quit:
        os.write(terminal, b"print 6 * 7\nquit\n")
        quit = True
os.write(1, said)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

#[test]
fn a_terminal_gets_the_prompt() {
    if !has_gdb() {
        return;
    }
    let place = Place::new();
    let run = ["run", "--rounds", "1", "--", "sh", "-c", "kill -SEGV $$"];
    place.crashrate(&run).expect(100);
    let program = env!("CARGO_BIN_EXE_crashrate");
    let arguments = ["-c", AT_THE_PROMPT, program, "debug", "latest:1"];
    let mut command = place.command_of("python3", &arguments);
    let done = place.start(command.env("TERM", "dumb")).wait().expect(0);
    assert!(done.stdout.contains("$1 = 42"), "{}", done.stdout);
    assert!(done.stdout.contains("crashed in try 1"), "{}", done.stdout);
}

#[test]
fn a_signal_ends_the_debugger_and_its_program() {
    if !has_gdb() {
        return;
    }
    let place = Place::new();
    let script = "[ -z \"$WAITS\" ] || { echo $$ > pid; exec sleep 1000; }";
    let run = ["run", "--rounds", "1", "--", "sh", "-c", script];
    place.crashrate(&run).expect(0);
    let mut command = place.command(&["debug", "latest:1"]);
    let live = place.start(command.env("WAITS", "1"));
    let pid = place.path().join("pid");
    until("the program waits", || {
        fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n'))
    });
    live.signal(Signal::SIGINT);
    live.wait().expect(106);
    let pid = fs::read_to_string(&pid).unwrap();
    let process = Path::new("/proc").join(pid.trim());
    until("the program is gone", || !process.exists());
}

#[test]
fn a_round_must_be_named_clearly() {
    let place = Place::new();
    place.suite(
        "[defaults]\nrounds = 2\n\
         [[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n\
         [[chapter]]\nid = \"b\"\ncommand = [\"true\"]\n",
    );
    place.crashrate(&["run", "suite.toml"]).expect(0);
    let other = ["--debugger", "env"];
    for (arguments, says) in [
        (
            &["latest:1"][..],
            "for chapter `a`, chapter `b`; choose one with --chapter",
        ),
        (&["latest:3"], "the run has no round 3"),
        (
            &["latest:1", "--chapter", "c"],
            "chapter `a`, chapter `b`, and not for",
        ),
        (
            &["latest:1", "--sequence", "a"],
            "and not for what was chosen",
        ),
        (&["latest"], "RUN:ROUND"),
        (&["9:1"], "there is no run `9`"),
    ] {
        let done = debug(&place, &[arguments, &other].concat()).expect(96);
        assert!(done.stderr.contains(says), "{arguments:?}: {}", done.stderr);
    }
    let done = debug(&place, &["latest:1", "--debugger", "no-such-debugger"]).expect(96);
    assert!(
        done.stderr.contains("no program `no-such-debugger`"),
        "{}",
        done.stderr
    );
}
