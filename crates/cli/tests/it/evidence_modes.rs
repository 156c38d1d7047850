//! The evidence modes. None changes the outcome of an attempt, and each records what it should.

use std::fs;
use std::process::Command;

use crashrate_model::{Ended, EvidenceMode, Exit, Outcome};

use crate::c_programs::compile_c;
use crate::util::{Journal, Place, skip};

fn run(place: &Place, options: &[&str], command: &[&str]) -> Vec<Ended> {
    place.crashrate(&[&["run"], options, &["--"], command].concat());
    Journal::read(place.runs().last().unwrap()).ended
}

/// All evidence modes. Core dumps need a fresh directory for each attempt.
const MODES: [&[&str]; 3] = [
    &["--evidence=none"],
    &["--evidence=trace"],
    &["--evidence=core", "--fresh-directory"],
];

const FAULT_AND_EXIT: &str = r#"
#include <time.h>
static volatile int go;
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1e6 + t.tv_nsec / 1e3; }
static void *faults(void *x) { go = 1; *(volatile int *)8 = 1; return 0; }
int main(void) {
  pthread_t t; pthread_create(&t, 0, faults, 0); while (!go) ;
  double s = now(); while (now() - s < 5000) ; _exit(0); }
"#;

/// Regression: the tracer held the faulting thread while another thread ended the process cleanly.
#[test]
fn a_fault_that_an_exit_overtakes_counts() {
    let place = Place::new();
    let program = compile_c(&place, "s", FAULT_AND_EXIT).display().to_string();
    for mode in MODES {
        let ends = run(&place, &[mode, &["--rounds", "40"]].concat(), &[&program]);
        let crashed = ends
            .iter()
            .filter(|e| e.outcome == Outcome::Crashed)
            .count();
        assert_eq!(crashed, 40, "{mode:?} {:?}", ends[0]);
    }
}

const FAULT_AND_EXEC: &str = r#"
static volatile int go;
static void *faults(void *x) { go = 1; *(volatile int *)8 = 1; return 0; }
int main(int c, char **v) {
  if (c > 1) { usleep(2000); return 0; }
  pthread_t t; pthread_create(&t, 0, faults, 0); while (!go) ;
  usleep(3000); execl(v[0], v[0], "again", (char *)0); return 9; }
"#;

#[test]
fn a_fault_that_an_exec_overtakes_counts() {
    let place = Place::new();
    let program = compile_c(&place, "x", FAULT_AND_EXEC).display().to_string();
    for mode in MODES {
        let ends = run(&place, &[mode, &["--rounds", "20"]].concat(), &[&program]);
        let crashed = ends
            .iter()
            .filter(|e| e.outcome == Outcome::Crashed)
            .count();
        assert_eq!(crashed, 20, "{mode:?} {:?}", ends[0]);
    }
}

const EINTR: &str = r#"
#include <errno.h>
#include <sys/epoll.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/time.h>
static void child(void) { if (fork() == 0) { usleep(30000); _exit(0); } }
int main(int c, char **v) {
  struct epoll_event ev; struct timespec t = {0, 150000000}; sigset_t set; int r = 0;
  sigemptyset(&set); sigaddset(&set, SIGUSR2); sigprocmask(SIG_BLOCK, &set, 0);
  child(); if (epoll_wait(epoll_create1(0), &ev, 1, 150) < 0 && errno == EINTR) r |= 1;
  child(); if (sigtimedwait(&set, 0, &t) < 0 && errno == EINTR) r |= 2;
  int s = semget(IPC_PRIVATE, 1, 0600); struct sembuf down = {0, -1, 0};
  child(); if (semtimedop(s, &down, 1, &t) < 0 && errno == EINTR) r |= 4;
  semctl(s, 0, IPC_RMID);
  int p[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, p); struct timeval v1 = {0, 150000}; char b;
  setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &v1, sizeof v1);
  child(); if (recv(p[0], &b, 1, 0) < 0 && errno == EINTR) r |= 8;
  return r; }
"#;

/// The kernel wakes a traced process even for signals that it ignores. Its system calls must not
/// fail with EINTR.
#[test]
fn calls_are_not_interrupted_by_ignored_signals() {
    let place = Place::new();
    let program = compile_c(&place, "e", EINTR).display().to_string();
    for mode in MODES {
        for ended in run(&place, &[mode, &["--rounds", "2"]].concat(), &[&program]) {
            assert_eq!(ended.outcome, Outcome::Passed, "{mode:?} {ended:?}");
        }
    }
}

/// A signal that the program handles still interrupts its calls.
#[test]
fn calls_are_interrupted_by_handled_signals() {
    let place = Place::new();
    let source = r#"
        #include <errno.h>
        #include <sys/epoll.h>
        static void on(int s) {}
        int main(void) { struct epoll_event ev; signal(SIGCHLD, on); siginterrupt(SIGCHLD, 1);
          if (fork() == 0) { usleep(30000); _exit(0); }
          return epoll_wait(epoll_create1(0), &ev, 1, 5000) < 0 && errno == EINTR ? 0 : 9; }"#;
    let program = compile_c(&place, "h", source).display().to_string();
    for mode in MODES {
        let ends = run(&place, &[mode, &["--rounds", "2"]].concat(), &[&program]);
        assert!(
            ends.iter().all(|e| e.outcome == Outcome::Passed),
            "{mode:?} {ends:?}"
        );
    }
}

/// A process can have only one tracer. A program that uses ptrace is run again without crashrate's.
#[test]
fn programs_that_trace_are_not_traced() {
    let place = Place::new();
    let source = "#include <sys/ptrace.h>\nint main(void) { return ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 ? 7 : 0; }";
    let program = compile_c(&place, "t", source).display().to_string();
    for ended in run(&place, &["--evidence=trace", "--rounds", "3"], &[&program]) {
        assert_eq!(ended.outcome, Outcome::Passed, "{ended:?}");
        assert_eq!(ended.evidence, Some(EvidenceMode::None), "{ended:?}");
        let note = ended.notes.iter().find(|n| n.contains("uses ptrace"));
        assert!(
            note.is_some_and(|n| n.contains("--evidence none")),
            "{ended:?}"
        );
        assert!(
            !ended.apart,
            "all attempts of the unit used the same evidence mode"
        );
    }
    let rate = place.json()["chapters"][0]["first_attempt"].clone();
    assert_eq!(rate, serde_json::json!({"bad": 0, "n": 3}));
}

/// The kernel does not let a fault kill a traced init process of a PID namespace. Without a
/// countermeasure the fault would repeat until the time limit.
#[test]
fn the_first_process_of_a_namespace_dies_of_its_fault() {
    let namespace = ["--fork", "--pid", "--mount-proc"];
    if !Command::new("unshare")
        .args(namespace)
        .arg("true")
        .status()
        .is_ok_and(|s| s.success())
    {
        return skip("`unshare --pid` is not allowed here");
    }
    let place = Place::new();
    let source = "int main(void) { *(volatile int *)8 = 1; return 0; }";
    let program = compile_c(&place, "init", source).display().to_string();
    let command = [&["unshare"], &namespace[..], &[&*program]].concat();
    for mode in MODES {
        let ends = run(
            &place,
            &[mode, &["--rounds", "2", "--timeout", "15s"]].concat(),
            &command,
        );
        for ended in ends {
            assert_ne!(ended.outcome, Outcome::TimedOut, "{mode:?} {ended:?}");
            assert_ne!(ended.outcome, Outcome::Passed, "{mode:?} {ended:?}");
        }
    }
}

#[test]
fn a_core_dump_is_read_and_deleted() {
    let place = Place::new();
    let source = "NI void bug(volatile int *p) { *p = 1; }\nint main(void) { bug((volatile int *)8); return 0; }";
    let program = compile_c(&place, "dies", source).display().to_string();
    place.write("core", "precious");
    let options = ["--evidence=core", "--fresh-directory", "--rounds", "3"];
    for ended in run(&place, &options, &[&program]) {
        let crash = ended.crash.as_ref().unwrap_or_else(|| panic!("{ended:?}"));
        assert_eq!(crash.signature, "v1 | SEGV_NULL | dies!bug");
    }
    let run_folder = place.runs().pop().unwrap();
    assert!(!run_folder.join("cores").exists());
    assert!(!run_folder.join("work").exists());
    run(
        &place,
        &[&options[..], &["--core-dumps"]].concat(),
        &[&program],
    );
    let kept = fs::read_dir(place.runs().pop().unwrap().join("cores")).unwrap();
    let kept: Vec<_> = kept.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(kept.len(), 1, "one of the signature: {kept:?}");
    assert!(fs::metadata(&kept[0]).is_ok_and(|core| core.len() > 10_000));
    let shown = place.crashrate(&["crashes", "latest", "1"]).expect(0);
    let line = format!("core: {}\n", kept[0].display());
    assert!(shown.stdout.contains(&line), "{}", shown.stdout);
    assert_eq!(fs::read(place.path().join("core")).unwrap(), b"precious");
}

/// Without a fresh directory a dump would be a file named `core` in a directory of the user.
#[test]
fn core_dumps_that_could_overwrite_a_file_are_refused() {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    let place = Place::new();
    let done = place.crashrate(&["run", "--evidence=core", "--rounds", "1", "--", "true"]);
    if pattern.starts_with('/') || pattern.contains("%p") {
        return skip(&format!(
            "dumps with the pattern {pattern} overwrite no file"
        ));
    }
    let done = done.expect(96);
    assert!(
        done.stderr
            .starts_with("error: --evidence core: core dumps "),
        "{}",
        done.stderr
    );
    assert!(place.runs().is_empty(), "no run was started");
    let both = place
        .crashrate(&["run", "--evidence=none", "--core-dumps", "--", "true"])
        .expect(96);
    assert!(
        both.stderr.contains("--core-dumps needs"),
        "{}",
        both.stderr
    );
}

#[test]
fn a_hard_limit_that_forbids_core_dumps_is_said() {
    let place = Place::new();
    let script = "ulimit -H -c 0; exec \"$0\" run --core-dumps --rounds 1 -- true";
    let arguments = ["-c", script, env!("CARGO_BIN_EXE_crashrate")];
    let mut command = place.command_of("bash", &arguments);
    let done = place.start(&mut command).wait().expect(0);
    let says = "--core-dumps: none is kept: the hard limit on core dumps is 0 (ulimit -H -c)";
    assert!(done.stderr.contains(says), "{}", done.stderr);
}

/// Repeats crashed rounds with a tracer until one crashes again; no rate counts the repetitions.
#[test]
fn evidence_rounds_repeat_a_crash_and_count_nowhere() {
    let place = Place::new();
    let source = "NI void bug(volatile int *p) { *p = 1; }\nint main(void) {\n\
        if (atoi(getenv(\"CRASHRATE_ROUND\")) % 4 == 0) bug((volatile int *)8); return 0; }";
    let program = compile_c(&place, "dies", source).display().to_string();
    place
        .crashrate(&["run", "--rounds", "8", "--", &program])
        .expect(100);
    let journal = place.journal();
    assert!(
        journal
            .ended
            .iter()
            .all(|e| e.crash.is_none() && e.evidence.is_none())
    );
    assert_eq!(journal.evidence.len(), 1);
    let round = &journal.evidence[0];
    assert_eq!((round.round, round.outcome), (4, Outcome::Crashed));
    let json = place.json();
    assert_eq!(
        json["chapters"][0]["first_attempt"],
        serde_json::json!({"bad": 2, "n": 8})
    );
    assert_eq!(json["crashes"][0]["count"], 0);
    assert_eq!(json["crashes"][0]["signature"], "v1 | SEGV_NULL | dies!bug");
    // Resuming has nothing left to do and repeats no evidence round.
    place.crashrate(&["run", "--resume", "latest"]).expect(100);
    assert_eq!(
        Journal::read(place.runs().last().unwrap()).evidence.len(),
        1
    );
}

#[test]
fn children_have_no_terminal_unless_they_ask_for_one() {
    let place = Place::new();
    place.suite(
        r#"
        [defaults]
        rounds = 1
        [[chapter]]
        id = "without"
        command = ["sh", "-c", "! true < /dev/tty"]
        [[chapter]]
        id = "with"
        pty = true
        command = ["sh", "-c", "test -t 0 && test -t 1 && test -t 2 && true < /dev/tty && stty sane && echo out && echo err >&2; exit 3"]
        "#,
    );
    place.crashrate(&["run", "suite.toml"]).expect(100);
    let journal = place.journal();
    assert_eq!(journal.only_end_of("without").outcome, Outcome::Passed);
    let with = journal.only_end_of("with");
    assert_eq!(with.exit, Some(Exit::Code(3)), "{with:?}");
    let output = place.run().join(with.output.as_ref().unwrap());
    let text = fs::read_to_string(output).unwrap();
    assert!(text.contains("out") && text.contains("err"), "{text}");
}

#[test]
fn a_timeout_reports_that_the_child_was_stopped() {
    let place = Place::new();
    for mode in MODES {
        let options = [mode, &["--rounds", "1", "--timeout", "3s"]].concat();
        let ends = run(&place, &options, &["sh", "-c", "kill -STOP $$"]);
        assert_eq!(ends[0].outcome, Outcome::TimedOut);
        let reason = ends[0].reason.as_deref().unwrap();
        assert!(
            reason.ends_with("it was stopped by SIGSTOP"),
            "{mode:?} {reason}"
        );
    }
}

#[test]
fn real_time_signals_keep_their_number() {
    let place = Place::new();
    for mode in MODES {
        let ends = run(
            &place,
            &[mode, &["--rounds", "1"]].concat(),
            &["sh", "-c", "kill -s RTMIN+3 $$; sleep 5"],
        );
        assert_eq!(
            ends[0].exit,
            Some(Exit::Signal("SIGRTMIN+3".into())),
            "{:?}",
            ends[0]
        );
    }
}

/// Regression: an inherited `MAKEFLAGS` names the job server of an outer make by descriptor number.
/// A make in the child found the events descriptor under that number and used it.
#[test]
fn an_inherited_make_job_server_does_not_use_the_events_descriptor() {
    let place = Place::new();
    let script = "echo \"[$MAKEFLAGS]\"; exit 3";
    let mut command = place.command(&["run", "--rounds", "1", "--", "sh", "-c", script]);
    command.env("MAKEFLAGS", " -j4 --jobserver-auth=3,4");
    place.start(&mut command).wait().expect(100);
    let journal = place.journal();
    let output = journal.ended[0].output.clone().unwrap();
    let text = fs::read_to_string(place.run().join(output)).unwrap();
    assert!(text.contains("[]"), "{text}");
}

/// A shell may have background processes when it replaces itself with crashrate. They become
/// children of crashrate, which must leave them alone.
#[test]
fn inherited_children_are_left_alone() {
    let place = Place::new();
    let script = "sleep 41.5 & echo $! > pid; exec 1> >(cat > log); exec \"$0\" run --full --rounds 2 -- sh -c 'exit 1'";
    let mut bash = Command::new("bash");
    bash.args(["-c", script, env!("CARGO_BIN_EXE_crashrate")])
        .env("CRASHRATE_RUNS_DIR", place.runs_dir())
        .current_dir(place.path());
    place.start(&mut bash).wait();
    let pid = fs::read_to_string(place.path().join("pid")).unwrap();
    let alive = Command::new("kill").arg(pid.trim()).status().unwrap();
    assert!(alive.success(), "the shell's background process was killed");
    assert!(place.journal().ended.iter().all(|e| e.notes.is_empty()));
    crate::util::until("the log is written", || {
        fs::read_to_string(place.path().join("log")).is_ok_and(|log| log.contains("sh (isolated)"))
    });
}
