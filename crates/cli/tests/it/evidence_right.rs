//! Evidence is never wrong: small C programs whose deaths are easily attributed to the wrong cause
//! or place.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::c_programs::compile_c;
use crate::util::{Journal, Place, skip};

/// Runs a crashing command once and returns the evidence of its crash.
fn death(place: &Place, command: &[&str]) -> Value {
    let mut args = vec!["run", "--evidence=trace", "--rounds", "1", "--"];
    args.extend(command);
    place.crashrate(&args);
    last_death(place)
}

fn last_death(place: &Place) -> Value {
    let run = place.runs().last().unwrap().clone();
    let ended = Journal::read(&run).ended;
    let crash = ended[0].crash.clone();
    let crash = crash.unwrap_or_else(|| panic!("{ended:?}"));
    serde_json::from_slice(&fs::read(run.join(crash.file.unwrap())).unwrap()).unwrap()
}

fn signature(death: &Value) -> &str {
    death["signature"].as_str().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The functions of the thread that died.
fn functions(death: &Value) -> Vec<&str> {
    let frames = death["threads"][0]["frames"].as_array().unwrap();
    frames
        .iter()
        .filter_map(|f| f["function"].as_str())
        .collect()
}

const HANDLER_ABORTS: &str = r#"
NI void report_and_die(void) { abort(); }
static void on(int s, siginfo_t *i, void *u) { report_and_die(); }
static void plain(int s) { report_and_die(); }
NI void bug_one(volatile int *p) { *p = 1; END; }
NI void bug_two(volatile int *p) { *p = 2; END; }
int main(int c, char **v) {
  if (v[2][0] == '2') second_stack();
  handle(SIGSEGV, on, SA_SIGINFO | (v[2][0] == '2' ? SA_ONSTACK : 0));
  if (v[2][0] == 'p') signal(SIGSEGV, plain);
  if (v[1][0] == '1') bug_one((volatile int *)8); else bug_two((volatile int *)0x123456789000);
}
"#;

#[test]
fn a_handler_that_aborts_does_not_hide_the_fault() {
    let place = Place::new();
    let program = compile_c(&place, "habort", HANDLER_ABORTS);
    // The handler runs on the thread's stack, on an alternate stack, or without a `siginfo_t`.
    for stack in ["1", "2", "plain"] {
        let one = death(&place, &[text(&program), "1", stack]);
        assert_eq!(signature(&one), "v1 | SEGV_NULL | habort!bug_one");
        assert_eq!(one["signal"], "SIGABRT");
        let two = death(&place, &[text(&program), "2", stack]);
        assert_eq!(signature(&two), "v1 | SEGV_WILD | habort!bug_two");
        assert_eq!(functions(&two)[..2], ["bug_two", "main"]);
    }
}

const HANDLER_REMOVED: &str = r#"
static pthread_barrier_t all;
static void on(int s, siginfo_t *i, void *u) { signal(s, SIG_DFL); }
NI void *bug(void *p) { pthread_barrier_wait(&all); *(volatile int *)8 = 1; END; return p; }
int main(void) {
  pthread_t t[8];
  handle(SIGSEGV, on, SA_SIGINFO);
  pthread_barrier_init(&all, 0, 8);
  for (int i = 0; i < 8; i++) pthread_create(&t[i], 0, bug, 0);
  pthread_join(t[0], 0);
}
"#;

/// The handler removes itself and returns, as Rust's does. A thread that faulted before the removal
/// then dies of its signal without another ptrace stop. If the tracer sent SIGKILL at that point,
/// SIGKILL would replace the signal.
#[test]
fn a_fault_whose_handler_another_thread_removes_has_its_stack() {
    let place = Place::new();
    let program = compile_c(&place, "removed", HANDLER_REMOVED);
    let trace = ["run", "--evidence=trace", "--rounds", "30", "--"];
    place.crashrate(&[&trace[..], &[text(&program)]].concat());
    let ended = Journal::read(place.runs().last().unwrap()).ended;
    assert_eq!(ended.len(), 30);
    for end in ended {
        let crash = end.crash.unwrap();
        assert_eq!(crash.signature, "v1 | SEGV_NULL | removed!bug");
    }
    let script = format!("{}; exit 1", text(&program));
    place.crashrate(&[&trace[..], &["sh", "-c", &script]].concat());
    for end in Journal::read(place.runs().last().unwrap()).ended {
        assert_eq!(end.descendants.len(), 1, "{end:?}");
        let crash = &end.descendants[0].crash;
        assert_eq!(crash.signature, "v1 | SEGV_NULL | removed!bug");
    }
}

const ABORT_HANDLED: &str = r#"
NI void die(int s) { signal(s, SIG_DFL); raise(s); }
static void on(int s, siginfo_t *i, void *u) { die(s); }
static void on_fault(int s, siginfo_t *i, void *u) { abort(); }
static void late(int s) { abort(); }
NI void one(void) { abort(); }
NI void two(volatile int *p) { *p = 1; END; }
NI void busy(void) { raise(SIGALRM); }
int main(int c, char **v) {
  handle(SIGABRT, on, SA_SIGINFO);
  handle(SIGSEGV, on_fault, SA_SIGINFO);
  signal(SIGALRM, late);
  if (v[1][0] == '1') one(); else if (v[1][0] == '2') two((volatile int *)8); else busy();
}
"#;

#[test]
fn a_sigabrt_handler_does_not_hide_the_caller_of_abort() {
    let place = Place::new();
    let program = compile_c(&place, "abort", ABORT_HANDLED);
    let one = death(&place, &[text(&program), "1"]);
    assert_eq!(signature(&one), "v1 | SIGABRT | abort!one");
    // The SIGSEGV handler aborts, and the SIGABRT handler raises SIGABRT again.
    let two = death(&place, &[text(&program), "2"]);
    assert_eq!(signature(&two), "v1 | SEGV_NULL | abort!two");
    assert_eq!(two["signal"], "SIGABRT");
    // SIGALRM is not a failure: the signature names its handler, which calls abort.
    let late = death(&place, &[text(&program), "3"]);
    assert_eq!(signature(&late), "v1 | SIGABRT | abort!late");
    assert!(functions(&late).contains(&"busy"), "{late:#}");
}

const SENT_TO_ALL: &str = r#"
static void on(int s, siginfo_t *i, void *u) { kill(getpid(), SIGABRT); sleep(5); }
NI void bug(volatile int *p) { *p = 1; END; }
static void *body(void *x) {
  sigset_t all;
  sigemptyset(&all);
  sigaddset(&all, SIGABRT);
  pthread_sigmask(SIG_BLOCK, &all, 0);
  bug((volatile int *)8);
}
NI void innocent(void) { for (;;) pause(); }
int main(int c, char **v) {
  handle(SIGSEGV, on, SA_SIGINFO);
  if (c > 1) kill(getpid(), SIGABRT);
  pthread_t t;
  pthread_create(&t, 0, body, 0);
  innocent();
}
"#;

#[test]
fn a_process_directed_signal_does_not_blame_the_thread_that_got_it() {
    let place = Place::new();
    let program = compile_c(&place, "all", SENT_TO_ALL);
    let innocent = death(&place, &[text(&program)]);
    let note = "sent to the whole process, perhaps by another thread";
    assert_eq!(innocent["notes"][0], note, "{innocent:#}");
    let alone = death(&place, &[text(&program), "alone"]);
    assert_eq!(alone["notes"], Value::Null);
}

const HANDLED: &str = r#"
static sigjmp_buf back; static volatile int checking;
static void on(int s, siginfo_t *i, void *u) { if (checking) siglongjmp(back, 1); signal(s, SIG_DFL); raise(s); }
NI int null_check(volatile int *p) { int r = 1; checking = 1; if (!sigsetjmp(back, 1)) r = *p; checking = 0; return r; }
NI int recurse(volatile char *p) { volatile char b[512]; b[0] = *p; return recurse(b) + b[0]; }
NI void overflow_check(void) { checking = 1; if (!sigsetjmp(back, 1)) recurse("x"); checking = 0; }
NI void real_bug(volatile int *p) { *p = 1; END; }
NI void elsewhere(int s) { signal(SIGSEGV, SIG_DFL); raise(s); END; }
int main(int c, char **v) {
  second_stack();
  handle(SIGSEGV, on, SA_SIGINFO | SA_ONSTACK | (v[3][0] == 'n' ? SA_NODEFER : 0));
  for (int i = 0; i < atoi(v[1]); i++) null_check((volatile int *)16);
  if (!strcmp(v[2], "crash")) real_bug((volatile int *)0x123456789000);
  if (!strcmp(v[2], "raise")) elsewhere(SIGSEGV);
  overflow_check();
  elsewhere(SIGABRT);
}
"#;

#[test]
fn faults_that_were_handled_do_not_count() {
    let place = Place::new();
    let program = compile_c(&place, "handled", HANDLED);
    let program = text(&program);
    // Without SA_NODEFER the raised signal arrives only when the handler returns.
    for defer in ["nodefer", "defer"] {
        for times in ["0", "8", "300"] {
            let real = death(&place, &[program, times, "crash", defer]);
            assert_eq!(signature(&real), "v1 | SEGV_WILD | handled!real_bug");
            assert_eq!(real["fault"]["address"], "0x123456789000");
            assert_eq!(real["notes"][0], "its handler sent the signal again");
        }
    }
    let raised = death(&place, &[program, "1", "raise", "nodefer"]);
    assert_eq!(signature(&raised), "v1 | SIGSEGV | handled!elsewhere");
    let aborted = death(&place, &[program, "1", "abort", "nodefer"]);
    assert_eq!(signature(&aborted), "v1 | SIGABRT | handled!elsewhere");
    assert_eq!(aborted["fault"], Value::Null);
}

const BUSY: &str = r#"
static void on(int s) {}
NI int recurse(volatile char *p) { volatile char b[512]; b[0] = *p; return recurse(b) + b[0]; }
NI void real_bug(volatile int *p) { *p = 1; END; }
NI void death_test(void) { if (!fork()) abort(); int s; wait(&s); }
int main(int c, char **v) {
  signal(SIGUSR1, on);
  signal(SIGUSR2, SIG_IGN);
  for (int i = 0; i < 100; i++) { raise(SIGUSR1); raise(SIGUSR2); }
  if (!strcmp(v[1], "forks")) for (int i = 0; i < 70; i++) death_test();
  if (!strcmp(v[1], "overflow")) { signal(SIGSEGV, on); return recurse("x"); }
  if (!strcmp(v[1], "late")) { usleep(20000); signal(SIGUSR1, SIG_DFL); raise(SIGUSR1); }
  if (!strcmp(v[1], "term")) raise(SIGTERM);
  real_bug((volatile int *)8);
}
"#;

#[test]
fn many_signals_and_dead_children_leave_room_for_the_real_death() {
    let place = Place::new();
    let program = compile_c(&place, "busy", BUSY);
    for what in ["signals", "forks"] {
        let real = death(&place, &[text(&program), what]);
        assert_eq!(signature(&real), "v1 | SEGV_NULL | busy!real_bug", "{what}");
    }
    let other = death(&place, &[text(&program), "term"]);
    assert_eq!(signature(&other), "v1 | SIGTERM | busy!main");
    let late = death(&place, &[text(&program), "late"]);
    assert_eq!(signature(&late), "v1 | SIGUSR1 | busy!main");
    // The kernel cannot call the handler because there is no stack left for it.
    let full = death(&place, &[text(&program), "overflow"]);
    assert_eq!(signature(&full), "v1 | SEGV_STACK | busy!recurse");
}

const ALIGNED: &str = r#"
NI void misaligned(char *p) { __asm__ volatile("movaps %%xmm0, (%0)" :: "r"(p) : "memory"); }
int main(void) { static char b[64] __attribute__((aligned(16))); misaligned(b + 1); }
"#;

/// For a non-canonical address and for a misaligned operand the processor reports no address. Only
/// the former is a bad address.
#[test]
#[cfg_attr(
    not(target_arch = "x86_64"),
    ignore = "only x86-64 has faults without an address"
)]
fn an_operand_that_is_not_aligned_has_no_bad_address() {
    let place = Place::new();
    let program = compile_c(&place, "aligned", ALIGNED);
    let fault = death(&place, &[text(&program)]);
    assert_eq!(signature(&fault), "v1 | SIGSEGV | aligned!misaligned");
    assert_eq!(fault["fault"], Value::Null);
}

const STACK_ABOVE: &str = r#"
NI int stale(volatile char *p) { return *p; }
static char *gone;
static void *body(void *x) { return (void *)(long)stale(gone); }
int main(void) {
  char *m = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  gone = m + (1 << 19);
  munmap(gone, 1 << 19);
  pthread_attr_t a; pthread_t t;
  pthread_attr_init(&a);
  pthread_attr_setstack(&a, m, 1 << 19);
  if (pthread_create(&t, &a, body, 0)) return 1;
  pthread_join(t, 0);
}
"#;

#[test]
fn a_fault_above_the_stack_is_no_overflow() {
    let place = Place::new();
    let program = compile_c(&place, "above", STACK_ABOVE);
    let above = death(&place, &[text(&program)]);
    assert_eq!(signature(&above), "v1 | SEGV_WILD | above!stale");
}

const LARGE_FRAME: &str = r#"
NI int large(int n) { volatile char b[100000]; b[n & 1] = 1; return large(n + 1) + b[0]; }
static void *body(void *x) { return (void *)(long)large(0); }
int main(int c, char **v) {
  pthread_t t;
  if (c > 1) pthread_create(&t, 0, body, 0), pthread_join(t, 0);
  return large(0);
}
"#;

#[test]
fn a_large_frame_at_the_end_of_the_stack_is_an_overflow() {
    let place = Place::new();
    let program = compile_c(&place, "large", LARGE_FRAME);
    for args in [&[][..], &["in-a-thread"]] {
        let full = death(&place, &[&[text(&program)], args].concat());
        assert_eq!(
            signature(&full),
            "v1 | SEGV_STACK | large!large",
            "{full:#}"
        );
    }
}

const ODD_NAME: &str = r#"
NI void odd_bug(volatile int *p) { *p = 1; END; }
int main(int c, char **v) {
  prctl(PR_SET_NAME, "a\xff\n(b");
  if (c > 1) unlink(v[0]);
  odd_bug((volatile int *)8);
}
"#;

#[test]
fn names_are_bytes_and_may_say_anything() {
    let place = Place::new();
    let program = compile_c(&place, "odd", ODD_NAME);
    for name in [&b"p (deleted)"[..], b"new\nline", b"p\xff\xfe", b"p\\012"] {
        let path = place.path().join(std::ffi::OsStr::from_bytes(name));
        fs::copy(&program, &path).unwrap();
        // A script starts the program because crashrate's own command line must be UTF-8.
        let mut script = b"exec './".to_vec();
        script.extend(name);
        script.extend(b"' $1\n");
        place.write("start.sh", script);
        for unlink in ["", "unlink"] {
            let odd = death(&place, &["sh", "start.sh", unlink]);
            assert_eq!(functions(&odd)[0], "odd_bug", "{name:?}: {odd:#}");
            let thread = odd["threads"][0]["name"].as_str().unwrap();
            assert_eq!(thread, "a\u{fffd}\n(b");
        }
    }
}

#[test]
fn a_program_in_another_mount_namespace_has_its_own_symbols() {
    let source = "NI void NAME(volatile int *p) { *p = 1; END; }\nint main(void) { NAME((volatile int *)8); }";
    // Both file systems give their file the same inode number.
    let outer = "mount -t tmpfs none box && cp outside box/p && \
        \"$0\" run --evidence=trace --rounds 1 -- unshare -m sh inner.sh";
    let inner = "mount -t tmpfs none box && cp inside box/p && exec box/p";
    // With and without the privilege to follow the links in `/proc/PID/map_files`.
    for namespaces in [&["-m"][..], &["-U", "-r", "-m"]] {
        let mut probe = Command::new("unshare");
        probe.args(namespaces);
        probe.args(["mount", "-t", "tmpfs", "none", "/mnt"]);
        if !probe.status().is_ok_and(|status| status.success()) {
            skip(&format!("`unshare {namespaces:?}` is not allowed here"));
            continue;
        }
        let place = Place::new();
        compile_c(&place, "outside", &source.replace("NAME", "host_function"));
        compile_c(&place, "inside", &source.replace("NAME", "sandbox_bug"));
        fs::create_dir(place.path().join("box")).unwrap();
        place.write("inner.sh", inner);
        let done = Command::new("unshare")
            .args(namespaces)
            .args(["sh", "-c", outer, env!("CARGO_BIN_EXE_crashrate")])
            .env("CRASHRATE_RUNS_DIR", place.runs_dir())
            .current_dir(place.path())
            .output();
        assert_eq!(done.unwrap().status.code(), Some(100), "{namespaces:?}");
        let own = last_death(&place);
        assert_eq!(signature(&own), "v1 | SEGV_NULL | p!sandbox_bug");
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "x86_64"),
    ignore = "only compilers for x86-64 make 32-bit programs"
)]
fn a_32_bit_program_has_no_stack_rather_than_a_wrong_one() {
    let place = Place::new();
    let source = "__attribute__((noinline)) void bug(volatile int *p) { *p = 1; }\n\
        void _start(void) { bug((volatile int *)0x12345678); }\n";
    let file = place.write("narrow.c", source);
    let program = place.path().join("narrow");
    let mut command = Command::new("cc");
    command.args(["-m32", "-nostdlib", "-static", "-fno-pie", "-no-pie", "-o"]);
    command.arg(&program).arg(file);
    if !command.status().is_ok_and(|status| status.success()) {
        return skip("this compiler makes no 32-bit programs");
    }
    let narrow = death(&place, &[text(&program)]);
    assert_eq!(signature(&narrow), "v1 | SEGV_WILD | no stack");
    assert_eq!(narrow["notes"][0], "32-bit program: no stack");
    assert_eq!(narrow["fault"]["address"], "0x12345678");
}
