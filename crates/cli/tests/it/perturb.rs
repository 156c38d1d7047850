//! `--perturb`: what is done is on record, creates no failure by itself, and leaves nothing behind.

use std::fs;
use std::os::unix::process::CommandExt;

use crashrate_model::{Ended, EvidenceMode, Outcome, StopReason};
use crashrate_testkit::racy::{Linking, Racy};
use nix::sys::signal::{Signal, killpg};
use serde_json::{Value, json};

use crate::c_programs::compile_c;
use crate::util::{Journal, Place, assert_nothing_left, id, until};

/// Everything that a tracer does, and the settings of memory.
const ALL: &str = "ambush+stops+delays+malloc";

fn run(place: &Place, options: &[&str], command: &[&str]) -> Journal {
    place.crashrate(&[&["run"], options, &["--"], command].concat());
    Journal::read(place.runs().last().unwrap())
}

fn units(journal: &Journal) -> Vec<Value> {
    let run = &journal.opened[0].run;
    let units = run
        .units
        .iter()
        .map(|unit| serde_json::to_value(unit).unwrap());
    units.collect()
}

fn assert_passed(ends: &[Ended], count: usize) {
    assert_eq!(ends.len(), count);
    for ended in ends {
        assert_eq!(ended.outcome, Outcome::Passed, "{ended:?}");
    }
}

#[test]
fn perturbations_are_part_of_the_variant() {
    let place = Place::new();
    let options = ["--rounds=2", "--perturb=none", "--perturb", "malloc+stops"];
    let journal = run(&place, &options, &["true"]);
    let described = |unit: &Value| (unit["variant"].clone(), unit["perturb"].clone());
    assert_eq!(
        units(&journal).iter().map(described).collect::<Vec<_>>(),
        [
            (json!("default"), Value::Null),
            (json!("default+stops+malloc"), json!("stops+malloc"))
        ]
    );
    let identities = &journal.opened[0].run.identities;
    assert_ne!(identities[0], identities[1]);
    for ended in &journal.ended {
        let traced = (ended.unit == 1).then_some(EvidenceMode::Trace);
        assert_eq!((ended.evidence, ended.unperturbed), (traced, false));
    }
    let rates = place.json()["chapters"].clone();
    assert_eq!(rates[1]["variant"], "default+stops+malloc");
    assert_eq!(rates[1]["first_attempt"], json!({"bad": 0, "n": 2}));
    assert_eq!(rates[0]["first_attempt"], json!({"bad": 0, "n": 2}));
}

#[test]
fn a_variant_of_a_suite_may_perturb() {
    let place = Place::new();
    let body = |perturb: &str| {
        format!(
            "[[chapter]]\nid = \"c\"\nrounds = 1\ncommand = [\"true\"]\n\
             [[variant]]\nid = \"hard\"\nperturb = {perturb:?}\n"
        )
    };
    place.suite(&body("malloc"));
    let options = [
        "run",
        "suite.toml",
        "--variant",
        "hard",
        "--perturb",
        "stops",
    ];
    place.crashrate(&options).expect(0);
    assert_eq!(units(&place.journal())[0]["variant"], "hard+stops+malloc");
    place.suite(&body("maloc"));
    let done = place.crashrate(&options).expect(96);
    let expected = "suite.toml:10:11: variant.perturb: unknown perturbation `maloc`; did you mean \
                    `malloc`?";
    assert!(done.stderr.contains(expected), "{}", done.stderr);
}

#[test]
fn impossible_perturbations_are_refused() {
    let place = Place::new();
    for (options, problem) in [
        (&["--perturb=stop"][..], "did you mean `stops`?"),
        (&["--perturb=none+stops"], "`none` cannot be combined"),
        (
            &["--perturb=stops", "--spawn=fork"],
            "--perturb stops: only executed processes are perturbed; leave out --spawn",
        ),
        (
            &["--perturb=stops", "--places=1"],
            "--places: only an ambush uses places; add --perturb ambush",
        ),
        (&["--perturb=ambush", "--places=7"], "there is no run `7`"),
    ] {
        let done = place.crashrate(&[&["run"], options, &["--", "true"]].concat());
        let done = done.expect(96);
        assert!(done.stderr.contains(problem), "{}", done.stderr);
    }
}

#[test]
fn memory_settings_follow_from_the_seed() {
    let place = Place::new();
    let script = "echo $GLIBC_TUNABLES $MALLOC_PERTURB_ >> settings";
    let settings = |seed: &str| {
        let _ = fs::remove_file(place.path().join("settings"));
        let options = [
            "run",
            "--perturb=malloc",
            "--rounds=5",
            seed,
            "--",
            "sh",
            "-c",
            script,
        ];
        let mut run = place.command(&options);
        run.env("GLIBC_TUNABLES", "glibc.malloc.arena_max=1");
        place.start(&mut run).wait().expect(0);
        fs::read_to_string(place.path().join("settings")).unwrap()
    };
    let seven = settings("--seed=7");
    assert_eq!(seven, settings("--seed=7"));
    assert_ne!(seven, settings("--seed=8"));
    for line in seven.lines() {
        let (_, fill) = line.split_once(' ').unwrap();
        let own = format!("glibc.malloc.perturb={fill}:glibc.malloc.tcache_count=0");
        assert_eq!(line, format!("glibc.malloc.arena_max=1:{own} {fill}"));
    }
}

#[test]
fn a_crowd_shares_one_core() {
    let place = Place::new();
    let script = "grep Cpus_allowed_list /proc/self/status >> cores";
    let journal = run(
        &place,
        &["--perturb=crowd", "--rounds=8"],
        &["sh", "-c", script],
    );
    assert_passed(&journal.ended, 8);
    assert_eq!(journal.opened[0].run.jobs, 4);
    let cores = fs::read_to_string(place.path().join("cores")).unwrap();
    let first = cores.lines().next().unwrap();
    let list = first.split_whitespace().nth(1).unwrap();
    assert!(list.parse::<u32>().is_ok(), "{list}");
    assert!(cores.lines().all(|line| line == first), "{cores}");
    let options = ["--perturb=crowd", "--rounds=2", "--jobs=1"];
    run(&place, &options, &["true"]);
    assert_eq!(Journal::read(&place.runs()[1]).opened[0].run.jobs, 1);
}

/// A failure of one of these would be made by the perturbation.
#[test]
fn fixed_programs_pass_whatever_is_done_to_them() {
    let place = Place::new();
    for racy in Racy::ALL {
        for linking in [Linking::Dynamic, Linking::Static] {
            let program = racy.program(linking).display().to_string();
            let options = ["--rounds=4", "--perturb", ALL];
            let journal = run(&place, &options, &[&program, "fixed"]);
            assert_passed(&journal.ended, 4);
        }
    }
}

const CHILDREN: &str = r#"
#include <spawn.h>
#include <stdio.h>
#include <errno.h>
extern char **environ;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
NI void work(void) { for (int i = 0; i < 20; i++) {
    pthread_mutex_lock(&lock); free(malloc(100 + i)); pthread_mutex_unlock(&lock); } }
static volatile int stop;
static void *works(void *x) { while (!stop) { work(); usleep(100); } return 0; }
/* The lock of a forked child may be that of a thread which it does not have. */
static void child(void) { pthread_mutex_init(&lock, 0); work(); }
static int bad(int pid) { int s;
    while (waitpid(pid, &s, 0) < 0) if (errno != EINTR) return 1;
    return s != 0; }
static void *joined(void *x) { work(); return 0; }
int main(int c, char **v) {
    if (c > 1) { work(); return 0; }
    pthread_t t; pthread_create(&t, 0, works, 0);
    char *again[] = {v[0], "again", 0};
    int r = 0, pid;
    for (int i = 0; i < 4; i++) {
        if ((pid = fork()) == 0) { child(); exit(0); }
        work(); r |= bad(pid);
        if ((pid = fork()) == 0) { child(); if ((pid = fork()) == 0) { child(); _exit(0); } work(); _exit(bad(pid)); }
        r |= 2 * bad(pid);
        if ((pid = vfork()) == 0) { execv(v[0], again); _exit(9); }
        work(); r |= 4 * bad(pid);
        if ((pid = vfork()) == 0) _exit(0);
        r |= 8 * bad(pid);
        posix_spawn(&pid, v[0], 0, 0, again, environ);
        work(); r |= 16 * bad(pid);
        pthread_t j; pthread_create(&j, 0, joined, 0); pthread_join(j, 0);
    }
    stop = 1; pthread_join(t, 0);
    return r; }
"#;

/// The memory of a forked child has its parent's breakpoints until they are taken out. A vforked one
/// shares them.
#[test]
fn children_do_not_run_into_breakpoints() {
    let place = Place::new();
    let program = compile_c(&place, "children", CHILDREN)
        .display()
        .to_string();
    for perturb in ["ambush", ALL] {
        let journal = run(&place, &["--rounds=30", "--perturb", perturb], &[&program]);
        assert_passed(&journal.ended, 30);
    }
}

const CALLS: &str = r#"
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
static volatile int stop;
static int epoll;
static volatile int failed;
static void *waits(void *x) { struct epoll_event ev; struct timespec t = {0, 300000}; sigset_t set;
    sigemptyset(&set); sigaddset(&set, SIGUSR2);
    int p[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, p); struct timeval v = {0, 300}; char b;
    setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &v, sizeof v);
    while (!stop) {
        if (epoll_wait(epoll, &ev, 1, 1) < 0 && errno == EINTR) failed |= 1;
        if (sigtimedwait(&set, 0, &t) < 0 && errno == EINTR) failed |= 2;
        if (recv(p[0], &b, 1, 0) < 0 && errno == EINTR) failed |= 4;
        if (nanosleep(&t, 0) < 0) failed |= 8;
        for (volatile int i = 0; i < 2000; i++) ;
    }
    return 0; }
int main(void) {
    sigset_t set; sigemptyset(&set); sigaddset(&set, SIGUSR2); pthread_sigmask(SIG_BLOCK, &set, 0);
    epoll = epoll_create1(0);
    pthread_t t[3];
    for (int i = 0; i < 3; i++) pthread_create(t + i, 0, waits, 0);
    usleep(40000); stop = 1;
    for (int i = 0; i < 3; i++) pthread_join(t[i], 0);
    return failed; }
"#;

/// A thread may enter a system call between the look at its state and its stop.
#[test]
fn calls_are_not_interrupted_by_stops() {
    let place = Place::new();
    let program = compile_c(&place, "calls", CALLS).display().to_string();
    let journal = run(&place, &["--rounds=40", "--perturb=stops"], &[&program]);
    assert_passed(&journal.ended, 40);
}

const CRASH: &str = r#"
static volatile int waiting;
NI static void waits(void) { for (;;) { waiting = 1; free(malloc(9)); usleep(500); } }
static void *other(void *x) { waits(); return 0; }
NI static void crash(volatile int *at) { *at = 1; END; }
int main(int c, char **v) {
    pthread_t t; pthread_create(&t, 0, other, 0);
    while (!waiting) usleep(1000);
    usleep(3000);
    if (c == 1) crash((int *)8);
    return 0; }
"#;

#[test]
fn a_crash_teaches_where_its_threads_were() {
    let place = Place::new();
    let program = compile_c(&place, "learns", CRASH).display().to_string();
    let journal = run(&place, &["--rounds=3", "--perturb=ambush"], &[&program]);
    for ended in &journal.ended {
        assert_eq!(ended.outcome, Outcome::Crashed, "{ended:?}");
        let note = ended
            .notes
            .iter()
            .find(|note| note.starts_with("perturbed by"));
        assert!(note.is_some(), "{ended:?}");
        let file = ended.crash.as_ref().unwrap().file.as_ref().unwrap();
        let text = fs::read(place.run().join(file)).unwrap();
        let crash: Value = serde_json::from_slice(&text).unwrap();
        let of_kind = |kind: &str| {
            crash["places"][kind]
                .as_array()
                .cloned()
                .unwrap_or_default()
        };
        let is_of_program = |at: &Value| at["module"] == "learns";
        // The crash and its caller, and the function in which the other thread sleeps.
        for kind in ["fault", "callers", "others"] {
            let places = of_kind(kind);
            assert!(places.iter().any(is_of_program), "{kind}: {places:#?}");
            assert!(places.iter().all(|at| at["build"]["build-id"].is_string()));
        }
    }
    let options = ["--rounds=20", "--perturb=ambush", "--places=1"];
    let again = run(&place, &options, &[&program, "quietly"]);
    assert_passed(&again.ended, 20);
}

#[test]
fn places_of_another_build_are_of_no_use() {
    let place = Place::new();
    let program = compile_c(&place, "learns", CRASH).display().to_string();
    run(&place, &["--rounds=1", "--perturb=ambush"], &[&program]);
    let crashes = place.run().join("crashes");
    for entry in fs::read_dir(crashes).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"build-id\": \"", "\"build-id\": \"0")).unwrap();
    }
    let options = ["run", "--rounds=2", "--perturb=ambush", "--places=1", "--"];
    let done = place.crashrate(&[&options[..], &[&program, "quietly"]].concat());
    let done = done.expect(0);
    let warning = "none of the learned places is in the code that the program loads";
    assert_eq!(done.stderr.matches(warning).count(), 1, "{}", done.stderr);
}

/// Programs that trace are not traced, and so not perturbed. Their rounds say nothing about the
/// perturbation.
#[test]
fn rounds_that_could_not_be_perturbed_do_not_count() {
    let place = Place::new();
    let source = "#include <sys/ptrace.h>\nint main(void) { return ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 ? 7 : 0; }";
    let program = compile_c(&place, "t", source).display().to_string();
    let journal = run(&place, &["--rounds=3", "--perturb=stops"], &[&program]);
    for ended in &journal.ended {
        assert!(ended.unperturbed, "{ended:?}");
        let note = ended
            .notes
            .iter()
            .find(|note| note.starts_with("not perturbed"));
        assert!(note.is_some(), "{ended:?}");
    }
    let rate = place.json()["chapters"][0]["first_attempt"].clone();
    assert_eq!(rate, json!({"bad": 0, "n": 0}));
}

const SPINS: &str = r#"
static void *spins(void *x) { for (;;) free(malloc(100)); return 0; }
int main(void) { pthread_t t;
    for (int i = 0; i < 6; i++) pthread_create(&t, 0, spins, 0);
    if (fork() == 0) spins(0);
    spins(0); }
"#;

#[test]
fn held_threads_do_not_outlive_the_time_limit() {
    let place = Place::new();
    let program = compile_c(&place, "spins", SPINS).display().to_string();
    let options = ["--rounds=8", "--timeout=150ms", "--perturb", ALL];
    let journal = run(&place, &options, &[&program]);
    assert_eq!(journal.ended.len(), 8);
    for ended in &journal.ended {
        assert_eq!(ended.outcome, Outcome::TimedOut, "{ended:?}");
        assert!(ended.crash.is_some(), "its threads are read: {ended:?}");
    }
    assert_nothing_left(&id(&place.run()));
}

#[test]
fn held_threads_do_not_outlive_ctrl_c() {
    let place = Place::new();
    let program = compile_c(&place, "spins", SPINS).display().to_string();
    let command = ["run", "--jobs=2", "--perturb", ALL, "--", &program];
    let live = place.start(place.command(&command).process_group(0));
    until("two attempts run", || {
        place.journal_so_far().started.len() == 2
    });
    for text in ["press Ctrl-C again", "killing running attempts"] {
        killpg(live.pid(), Signal::SIGINT).unwrap();
        until(text, || live.stderr().contains(text));
    }
    live.wait().expect(106);
    assert_nothing_left(&id(&place.run()));
    let journal = place.journal();
    assert_eq!(journal.closed[0].why, StopReason::Interrupted);
    let ends: Vec<_> = journal.ended.iter().map(|ended| ended.outcome).collect();
    assert_eq!(ends, [Outcome::Interrupted; 2]);
}
