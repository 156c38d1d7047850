//! Small C programs of the tests of Linux.

use std::path::PathBuf;
use std::process::Command;

use crate::util::Place;

/// The common head of the small C programs in the tests.
const HEADERS: &str = "#define _GNU_SOURCE\n#include <pthread.h>\n#include <setjmp.h>\n#include <signal.h>\n\
    #include <stdlib.h>\n#include <string.h>\n#include <sys/mman.h>\n#include <sys/prctl.h>\n#include <sys/wait.h>\n\
    #include <unistd.h>\n#define NI __attribute__((noinline))\n#define END __asm__ volatile(\"\")\n\
    static void handle(int s, void (*f)(int, siginfo_t *, void *), int flags) {\n\
      struct sigaction a; memset(&a, 0, sizeof a); a.sa_sigaction = f; a.sa_flags = flags; sigaction(s, &a, 0); }\n\
    static void second_stack(void) { static char st[65536];\n\
      stack_t ss = {.ss_sp = st, .ss_size = sizeof st}; sigaltstack(&ss, 0); }\n";

/// Compiles a C program, with the common head before its source.
pub(crate) fn compile_c(place: &Place, name: &str, source: &str) -> PathBuf {
    let file = place.write(&format!("{name}.c"), format!("{HEADERS}{source}"));
    let program = place.path().join(name);
    let options = [
        "-O1",
        "-fno-optimize-sibling-calls",
        "-pthread",
        "-Wl,--build-id=sha1",
        "-w",
        "-o",
    ];
    let mut command = Command::new("cc");
    command.args(options).arg(&program).arg(file);
    assert!(command.status().expect("a C compiler is needed").success());
    program
}
