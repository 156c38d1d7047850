//! System calls that seccomp profiles of containers or older kernels refuse. crashrate either
//! measures the same rate without them, or its error names the call.

use std::path::PathBuf;

use crashrate_model::{Exit, Outcome};

use crate::c_programs::compile_c;
use crate::util::{Done, Journal, Place};

/// Runs a program with system calls refused: `sec ERRNO NUMBER... -- PROGRAM ARGUMENTS`.
const SEC: &str = r#"
#include <stddef.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
int main(int c, char **v) {
  struct sock_filter f[64]; int n = 0, i = 2, e = atoi(v[1]);
  f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (; strcmp(v[i], "--"); i++) {
    f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, atoi(v[i]), 0, 1);
    f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | e); }
  f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog p = {n, f};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p)) return 2;
  execvp(v[i + 1], v + i + 1); return 3; }
"#;

struct Refusing {
    place: Place,
    sec: PathBuf,
}

impl Refusing {
    fn new() -> Refusing {
        let place = Place::new();
        let sec = compile_c(&place, "sec", SEC);
        compile_c(
            &place,
            "crash",
            "int main(void) { *(volatile int *)8 = 1; return 0; }",
        );
        // Passing rounds sleep longer than the supervisor waits before it opens a pidfd.
        place.write(
            "quarter.sh",
            "if [ $((CRASHRATE_ROUND % 4)) = 0 ]; then exec ./crash; fi\nsleep 0.03\n",
        );
        Refusing { place, sec }
    }

    fn run(&self, error: i32, calls: &[i64], options: &[&str]) -> Done {
        let mut command = std::process::Command::new(&self.sec);
        command.arg(error.to_string());
        command.args(calls.iter().map(ToString::to_string));
        command
            .args([
                "--",
                env!("CARGO_BIN_EXE_crashrate"),
                "run",
                "--rounds",
                "8",
            ])
            .args(options)
            .args(["--", "sh", "quarter.sh"])
            .env("CRASHRATE_RUNS_DIR", self.place.runs_dir())
            .current_dir(self.place.path());
        self.place.start(&mut command).wait()
    }
}

/// These system calls are optional: two of eight rounds crash with or without them.
#[test]
fn refused_optional_system_calls_do_not_change_the_rate() {
    let refusing = Refusing::new();
    let calls = [
        libc::SYS_pidfd_open,
        libc::SYS_process_vm_readv,
        libc::SYS_ptrace,
        libc::SYS_timer_create,
        libc::SYS_timer_settime,
        libc::SYS_tgkill,
        libc::SYS_prctl,
    ];
    let mut all: Vec<Vec<i64>> = calls.iter().map(|call| vec![*call]).collect();
    all.push(calls.to_vec());
    for refused in all {
        for error in [libc::EPERM, libc::ENOSYS] {
            for evidence in [&[][..], &["--evidence=none"]] {
                refusing.run(error, &refused, evidence).expect(100);
                let journal = Journal::read(refusing.place.runs().last().unwrap());
                let bad: Vec<u32> = (journal.ended.iter())
                    .filter(|e| e.outcome != Outcome::Passed)
                    .map(|e| e.round)
                    .collect();
                assert_eq!(bad, [4, 8], "{refused:?} {error} {:?}", journal.ended);
                let signal = Some(Exit::Signal("SIGSEGV".into()));
                assert!(
                    journal
                        .ended
                        .iter()
                        .all(|e| e.outcome == Outcome::Passed || e.exit == signal)
                );
            }
        }
    }
}

/// Without a subreaper, processes that escape an attempt are found by their environment.
#[test]
fn leftover_processes_are_found_without_a_subreaper() {
    let refusing = Refusing::new();
    let daemon = format!(
        "setsid sleep 300.{} & sleep 0.1; exit 0",
        std::process::id()
    );
    refusing.place.write("quarter.sh", daemon);
    refusing
        .run(libc::EPERM, &[libc::SYS_prctl], &["--evidence=none"])
        .expect(0);
    let run = refusing.place.runs().pop().unwrap();
    crate::util::assert_nothing_left(&crate::util::id(&run));
    let ended = Journal::read(&run).ended;
    let left = "left 1 process behind, killed".to_owned();
    assert!(ended.iter().all(|e| e.notes.contains(&left)), "{ended:?}");
}

/// Without these system calls nothing can be measured, so no run starts.
#[test]
fn a_refused_required_system_call_is_named() {
    let refusing = Refusing::new();
    for (call, name) in [
        (libc::SYS_waitid, "waitid"),
        (libc::SYS_wait4, "wait4"),
        (libc::SYS_kill, "kill"),
        (libc::SYS_setsid, "setsid"),
        (libc::SYS_pipe2, "pipe2"),
        (libc::SYS_prlimit64, "prlimit64"),
        (libc::SYS_epoll_ctl, "epoll_ctl"),
        (libc::SYS_fcntl, "fcntl"),
    ] {
        let done = refusing.run(libc::EPERM, &[call], &[]).expect(96);
        let begins = format!("error: {name}(2) is refused here");
        assert!(done.stderr.starts_with(&begins), "{name}: {}", done.stderr);
        assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    }
    assert!(refusing.place.runs().is_empty(), "no run was started");
}

/// With an explicit `--evidence=trace`, crashrate refuses to measure without a tracer.
#[test]
fn an_explicitly_requested_tracer_is_required() {
    let refusing = Refusing::new();
    let done = refusing.run(libc::EPERM, &[libc::SYS_ptrace], &["--evidence=trace"]);
    let done = done.expect(96);
    assert!(
        done.stderr.contains("processes cannot be traced here"),
        "{}",
        done.stderr
    );
}
