use std::fs;
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::*;

/// A program whose argument selects how it crashes.
const PROGRAM: &str = r#"
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define NI __attribute__((noinline))
NI void inner_bug(volatile int *p) { *p = 1; __asm__ volatile(""); }
NI void outer(volatile int *p) { inner_bug(p); __asm__ volatile(""); }
NI void give_up(void) { abort(); }
NI int recurse(volatile char *p) { volatile char b[512]; b[0] = *p; return recurse(b) + b[0]; }
NI void wait_here(void) { for (;;) pause(); }
static void *waits(void *x) { wait_here(); return x; }
static void *dies(void *x) { outer((volatile int *)8); return x; }
NI void report_and_die(void) { abort(); }
static void on(int s, siginfo_t *i, void *u) { (void)s; (void)i; (void)u; report_and_die(); }
int main(int c, char **v) {
  static char second[65536];
  if (!strcmp(v[1], "null")) outer((volatile int *)8);
  if (!strcmp(v[1], "wild")) outer((volatile int *)0x123456789000);
  if (!strcmp(v[1], "abort")) give_up();
  if (!strcmp(v[1], "overflow")) return recurse(second);
  if (!strcmp(v[1], "thread")) {
    pthread_t t;
    pthread_create(&t, 0, waits, 0);
    usleep(50000);
    pthread_create(&t, 0, dies, 0);
    pthread_join(t, 0);
  }
  struct sigaction a;
  memset(&a, 0, sizeof a);
  a.sa_sigaction = on;
  a.sa_flags = SA_SIGINFO | (c > 2 ? SA_ONSTACK : 0);
  stack_t ss = {.ss_sp = second, .ss_size = sizeof second};
  sigaltstack(&ss, 0);
  sigaction(SIGSEGV, &a, 0);
  outer((volatile int *)8);
}
"#;

fn read(path: &Path, pid: i32, images: &Images) -> Result<Crash, CoreError> {
    read_file(File::open(path)?, pid, images)
}

/// A temporary folder with the compiled program.
struct Place {
    folder: tempfile::TempDir,
}

/// A core file and the ID of the process that wrote it.
struct Core {
    path: PathBuf,
    pid: i32,
}

impl Place {
    fn new() -> Place {
        Place::with_build_id("sha1")
    }

    fn with_build_id(kind: &str) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("dies.c");
        fs::write(&source, PROGRAM).unwrap();
        let place = Place { folder };
        let compiled = Command::new("cc")
            .args(["-g0", "-O1", "-fno-optimize-sibling-calls", "-pthread"])
            .arg(format!("-Wl,--build-id={kind}"))
            .arg("-o")
            .arg(place.program())
            .arg(source)
            .status();
        assert!(compiled.expect("a C compiler is needed").success());
        place
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("dies")
    }

    fn read(&self, core: &Core) -> Result<Crash, CoreError> {
        read(&core.path, core.pid, &Images::default())
    }

    #[allow(unsafe_code)]
    fn core(&self, args: &[&str], limit: u64) -> Core {
        let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
        let pattern = pattern.trim();
        assert!(
            !pattern.starts_with('|') && !pattern.contains('/') && !pattern.contains('%'),
            "this test needs core files in the working directory, but core_pattern is `{pattern}`; \
             `sysctl kernel.core_pattern=core` sets it"
        );
        let mut command = Command::new(self.program());
        command.args(args).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stderr(Stdio::null());
        let raise = move || {
            let limits = libc::rlimit {
                rlim_cur: limit,
                rlim_max: limit,
            };
            // SAFETY: the structure lives as long as the call, which only reads it.
            match unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const limits) } {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            }
        };
        // SAFETY: the closure calls setrlimit only, which may be called between fork and exec.
        unsafe { command.pre_exec(raise) };
        let mut child = command.spawn().expect("RLIMIT_CORE can be raised");
        let pid = child.id() as i32;
        let status = child.wait().unwrap();
        assert!(status.core_dumped(), "no core file: {status:?}");
        let numbered = self.folder.path().join(format!("core.{pid}"));
        let plain = self.folder.path().join(pattern);
        let path = if numbered.exists() { numbered } else { plain };
        Core { path, pid }
    }
}

fn functions(thread: &Thread) -> Vec<&str> {
    let frames = thread.frames.iter();
    frames.filter_map(|f| f.function.as_deref()).collect()
}

const ALL: u64 = libc::RLIM_INFINITY;

#[test]
fn a_null_write_in_an_inner_function() {
    let place = Place::new();
    let core = place.core(&["null"], ALL);
    let crash = place.read(&core).unwrap();
    assert_eq!(crash.signature, "v1 | SEGV_NULL | dies!inner_bug");
    assert_eq!(crash.signal.as_deref(), Some("SIGSEGV"));
    assert_eq!(crash.code.as_deref(), Some("SEGV_MAPERR"));
    assert_eq!(crash.fault.as_ref().unwrap().address.0, 8);
    assert_eq!((crash.pid, crash.thread), (core.pid, Some(core.pid)));
    let thread = &crash.threads[0];
    assert_eq!(functions(thread)[..3], ["inner_bug", "outer", "main"]);
    assert!(thread.complete, "{thread:#?}");
    assert_eq!(thread.name, "dies");
    assert!(thread.registers.contains_key("sp") || thread.registers.contains_key("rsp"));
    let module = crash.modules.iter().find(|m| m.name == "dies").unwrap();
    assert!(module.build_id.is_some());
    assert!(crash.modules.iter().any(|m| m.name == "[vdso]"));
}

#[test]
fn wild_writes_aborts_and_stack_overflows() {
    let place = Place::new();
    let crash = |args: &[&str]| place.read(&place.core(args, ALL)).unwrap();
    let wild = crash(&["wild"]);
    assert_eq!(wild.signature, "v1 | SEGV_WILD | dies!inner_bug");
    let abort = crash(&["abort"]);
    assert_eq!(abort.signature, "v1 | SIGABRT | dies!give_up");
    assert!(abort.fault.is_none());
    let overflow = crash(&["overflow"]);
    assert_eq!(overflow.signature, "v1 | SEGV_STACK | dies!recurse");
    assert_eq!(overflow.threads[0].frames.len(), MAX_FRAMES);
    let text = overflow.fault.unwrap();
    assert!(text.mapping.is_none(), "{text:?}");
}

#[test]
fn every_thread_has_its_stack() {
    let place = Place::new();
    let core = place.core(&["thread"], ALL);
    let crash = place.read(&core).unwrap();
    assert_eq!(crash.signature, "v1 | SEGV_NULL | dies!inner_bug");
    assert_ne!(crash.thread, Some(core.pid));
    assert_eq!(crash.threads.len(), 3, "{crash:#?}");
    let has =
        |function: &str| (crash.threads.iter()).any(|thread| functions(thread).contains(&function));
    assert!(has("dies") && has("wait_here") && has("main"));
    assert!(crash.threads.iter().all(|thread| thread.complete));
}

#[test]
fn a_handler_that_aborts_leaves_the_fault_as_evidence() {
    let place = Place::new();
    for args in [&["handler"][..], &["handler", "on-a-second-stack"]] {
        let crash = place.read(&place.core(args, ALL)).unwrap();
        assert_eq!(crash.signature, "v1 | SEGV_NULL | dies!inner_bug");
        assert_eq!(crash.signal.as_deref(), Some("SIGABRT"));
        assert_eq!(crash.notes, ["its handler of SIGSEGV sent SIGABRT"]);
        assert_eq!(crash.fault.as_ref().unwrap().address.0, 8);
    }
}

#[test]
fn invalid_and_foreign_core_files_are_errors() {
    let place = Place::new();
    let core = place.core(&["null"], ALL);
    let other = Core {
        pid: core.pid + 1,
        path: core.path.clone(),
    };
    let error = place.read(&other).unwrap_err();
    assert!(matches!(error, CoreError::OtherProcess { .. }), "{error}");
    let read_at = |path: PathBuf| {
        place
            .read(&Core {
                path,
                pid: core.pid,
            })
            .unwrap_err()
    };
    assert!(matches!(read_at(place.program()), CoreError::NoCore(_)));
    assert!(matches!(read_at("/dev/null".into()), CoreError::NoCore(_)));
    assert!(matches!(read_at("/no/such/file".into()), CoreError::Io(_)));
    let file = fs::OpenOptions::new().write(true).open(&core.path).unwrap();
    for machine in [183_u16, 62, 8] {
        file.write_all_at(&machine.to_le_bytes(), 18).unwrap();
        if machine != MACHINE_NUMBER {
            let error = read_at(core.path.clone());
            assert!(matches!(error, CoreError::OtherMachine), "{error}");
        }
    }
    file.write_all_at(&MACHINE_NUMBER.to_le_bytes(), 18)
        .unwrap();
    assert!(place.read(&core).is_ok());
    file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    assert!(matches!(read_at(core.path.clone()), CoreError::Truncated));
    let short = place.core(&["null"], 64 * 1024);
    let error = place.read(&short).unwrap_err();
    assert!(matches!(error, CoreError::Truncated), "{error}");
}

const MACHINE_NUMBER: u16 = super::super::arch::MACHINE.0;

#[test]
fn a_rebuilt_program_gives_no_function_names() {
    let place = Place::new();
    let core = place.core(&["null"], ALL);
    let before = place.read(&core).unwrap();
    let rebuilt = PROGRAM.replace("inner_bug", "another_name");
    let source = place.folder.path().join("dies.c");
    fs::write(&source, rebuilt).unwrap();
    let program = place.program();
    fs::remove_file(&program).unwrap();
    let mut compile = Command::new("cc");
    compile.args(["-pthread", "-Wl,--build-id=sha1", "-o"]);
    assert!(compile.arg(program).arg(source).status().unwrap().success());
    let after = place.read(&core).unwrap();
    let frame = &after.threads[0].frames[0];
    assert_eq!(frame.function, None);
    assert_eq!(frame.module.as_deref(), Some("dies"));
    assert_eq!(frame.offset, before.threads[0].frames[0].offset);
    assert!(after.signature.contains("dies+0x") && after.signature.contains('@'));
    let note = "dies: the file with this build id was not found, so functions are unknown";
    assert_eq!(after.notes, [note]);
}

#[test]
fn a_program_without_a_build_id_gives_no_function_names() {
    let place = Place::with_build_id("none");
    let crash = place.read(&place.core(&["null"], ALL)).unwrap();
    let thread = &crash.threads[0];
    assert_eq!((thread.frames.len(), thread.complete), (1, false));
    assert_eq!(thread.frames[0].module.as_deref(), Some("dies"));
    assert_eq!(functions(thread), [""; 0]);
    assert!(crash.notes[0].contains("--build-id"), "{crash:#?}");
}

/// Mutates the structured parts of a core file: headers and notes.
#[test]
fn damaged_core_files_never_panic() {
    let place = Place::new();
    let core = place.core(&["null"], ALL);
    let good = fs::read(&core.path).unwrap();
    let file = fs::OpenOptions::new().write(true).open(&core.path).unwrap();
    let images = Images::default();
    // A small fixed-seed generator, so that every run makes the same changes.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let mut read_well = 0;
    for round in 0..500 {
        let reach = [64, 4096, good.len()][round % 3].min(good.len());
        let changes: Vec<usize> = (0..=random(4)).map(|_| random(reach)).collect();
        for &at in &changes {
            let byte = [0, 0xff, random(256) as u8][random(3)];
            file.write_all_at(&[byte], at as u64).unwrap();
        }
        read_well += usize::from(read(&core.path, core.pid, &images).is_ok());
        for at in changes {
            file.write_all_at(&good[at..=at], at as u64).unwrap();
        }
    }
    assert!((1..500).contains(&read_well), "{read_well}");
    assert!(place.read(&core).is_ok());
}
