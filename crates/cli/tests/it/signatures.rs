//! Signatures distinguish bugs. The programs here have several bugs that fail in the same library
//! code; the system's compilers build them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::util::{Journal, Place};

/// Two failed assertions of libstdc++, and a third that differs from the second only in its
/// condition.
const VECTOR: &str = r#"
#include <vector>
__attribute__((noinline)) int bug_one(std::vector<int> &v) { return v[7]; }
__attribute__((noinline)) int bug_two(std::vector<int> &v, int which) {
    return which == 2 ? v.back() : v[3];
}
int main(int, char **argv) {
    std::vector<int> v;
    int which = argv[1][0] - '0';
    return which == 1 ? bug_one(v) : bug_two(v, which);
}
"#;

/// Failures that AddressSanitizer reports.
const MEMORY: &str = r#"
#include <stdlib.h>
__attribute__((noinline)) int bug_one(int *a, int i) { return a[i]; }
__attribute__((noinline)) void bug_two(int *a) { free(a); free(a); }
__attribute__((noinline)) int bug_three(int *a, int which) {
    if (which == 3) { free(a); return *a; }
    return a[which];
}
int main(int argc, char **argv) {
    int *a = malloc(16);
    switch (argv[1][0]) {
    case '1': return bug_one(a, 4 + argc);
    case '2': bug_two(a); return 0;
    case '3': return bug_three(a, 3);
    default: return bug_three(a, 4);
    }
}
"#;

/// Failures that UndefinedBehaviorSanitizer reports.
const ARITHMETIC: &str = r#"
__attribute__((noinline)) int bug_one(int a) { return a + 1; }
__attribute__((noinline)) int bug_two(int a, int by, int which) { return which == 2 ? a << by : a / (by - 41); }
int main(int argc, char **argv) {
    int which = argv[1][0] - '0';
    return which == 1 ? bug_one(0x7ffffffd + argc) : bug_two(1, 39 + argc, which);
}
"#;

/// Checks of the C library. The message is the only difference between 1 and 2, and between 4 and
/// 5.
const C_LIBRARY: &str = r#"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
__attribute__((noinline)) void asserts(int n, int which) {
    if (which == 1) assert(n == 30 && "thirty");
    assert(n > 30);
}
__attribute__((noinline)) void overflows(const char *s) {
    char small[4];
    strcpy(small, s);
    *(volatile char *)small = 0;
}
__attribute__((noinline)) void releases(char *p, int which) {
    if (which == 5) free(p);
    free(which == 5 ? p : p + 8);
}
int main(int argc, char **argv) {
    int which = argv[1][0] - '0';
    fprintf(stderr, "process %d starts\n", rand());
    if (which <= 2) asserts(argc, which);
    else if (which == 3) overflows("far too long for that");
    else releases(malloc(1600), which);
    return 0;
}
"#;

/// Uncaught exceptions. The message is the only difference between 1 and 2.
const EXCEPTIONS: &str = r#"
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <unistd.h>
__attribute__((noinline)) void bug(int which) {
    const char *what = which == 1 ? "bad value " : "no value ";
    throw std::runtime_error(what + std::to_string(getpid()) + " in /tmp/" + std::to_string(getpid()));
}
int main(int, char **argv) {
    int which = argv[1][0] - '0';
    if (which <= 2) bug(which);
    // Another program's message must not become part of this signature.
    fputs("a.c:4: f: Assertion `n > 7' failed.\n", stderr);
    std::abort();
}
"#;

/// Builds a program in C (`.c`) or C++ (`.cpp`).
fn build(place: &Place, name: &str, source: &str, options: &[&str]) -> PathBuf {
    let file = place.write(name, source);
    let program = file.with_extension("");
    let compiler = if name.ends_with(".cpp") { "c++" } else { "cc" };
    let done = Command::new(compiler)
        .args(options)
        .arg("-g")
        .arg(&file)
        .arg("-o")
        .arg(&program)
        .output()
        .unwrap_or_else(|error| panic!("{compiler}: {error}"));
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    program
}

/// The signatures of the program's bugs, each from two rounds that must agree.
fn signatures(place: &Place, program: &Path, bugs: &[&str]) -> Vec<String> {
    let program = program.display().to_string();
    let signature = |bug: &&str| {
        let mut command = place.command(&[
            "run",
            "--evidence=trace",
            "--rounds",
            "2",
            "--",
            &program,
            bug,
        ]);
        command.env("ASAN_OPTIONS", "abort_on_error=1");
        command.env("UBSAN_OPTIONS", "abort_on_error=1");
        place.start(&mut command).wait().expect(100);
        let journal = Journal::read(place.runs().last().unwrap());
        let mut found: Vec<String> = (journal.ended.iter())
            .map(|end| {
                end.crash
                    .as_ref()
                    .unwrap_or_else(|| panic!("{end:?}"))
                    .signature
                    .clone()
            })
            .collect();
        found.dedup();
        assert_eq!(found.len(), 1, "{bug}: {found:#?}");
        found.remove(0)
    };
    bugs.iter().map(signature).collect()
}

/// Checks that all signatures differ, and that each contains its function and ends with its
/// message.
#[track_caller]
fn check(signatures: &[String], parts: &[(&str, &str)]) {
    assert_eq!(signatures.len(), parts.len());
    for (signature, (function, message)) in signatures.iter().zip(parts) {
        assert!(
            signature.contains(function),
            "{function} in {signatures:#?}"
        );
        let end = format!(" | {message}");
        assert!(
            signature.ends_with(&end),
            "{signature} does not end with {message}"
        );
    }
    let mut different = signatures.to_vec();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), signatures.len(), "{signatures:#?}");
}

#[test]
fn assertions_of_the_cpp_library() {
    let place = Place::new();
    for (name, options) in [
        ("plain.cpp", &["-O0", "-D_GLIBCXX_ASSERTIONS"]),
        ("fast.cpp", &["-O2", "-D_GLIBCXX_ASSERTIONS"]),
    ] {
        let program = build(&place, name, VECTOR, options);
        check(
            &signatures(&place, &program, &["1", "2", "3"]),
            &[
                ("bug_one", "Assertion '__n < this->size()' failed"),
                ("bug_two", "Assertion '!this->empty()' failed"),
                ("bug_two", "Assertion '__n < this->size()' failed"),
            ],
        );
    }
}

#[test]
fn reports_of_sanitizers() {
    let place = Place::new();
    let memory = build(&place, "memory.c", MEMORY, &["-fsanitize=address"]);
    check(
        &signatures(&place, &memory, &["1", "2", "3", "4"]),
        &[
            (
                "bug_one",
                "AddressSanitizer: heap-buffer-overflow, READ of size N",
            ),
            ("bug_two", "AddressSanitizer: attempting double-free"),
            (
                "bug_three",
                "AddressSanitizer: heap-use-after-free, READ of size N",
            ),
            (
                "bug_three",
                "AddressSanitizer: heap-buffer-overflow, READ of size N",
            ),
        ],
    );
    let options = ["-fsanitize=undefined", "-fno-sanitize-recover=all"];
    let arithmetic = build(&place, "arithmetic.c", ARITHMETIC, &options);
    let overflow =
        "runtime error: signed integer overflow: N + N cannot be represented in type 'int'";
    check(
        &signatures(&place, &arithmetic, &["1", "2", "3"]),
        &[
            ("bug_one", overflow),
            (
                "bug_two",
                "runtime error: shift exponent N is too large for N-bit type 'int'",
            ),
            ("bug_two", "runtime error: division by zero"),
        ],
    );
}

#[test]
fn checks_of_the_c_library() {
    let place = Place::new();
    let program = build(
        &place,
        "library.c",
        C_LIBRARY,
        &["-O1", "-fstack-protector-all", "-U_FORTIFY_SOURCE", "-w"],
    );
    check(
        &signatures(&place, &program, &["1", "2", "3", "4", "5"]),
        &[
            ("asserts", "Assertion 'n == 30 && \"thirty\"' failed"),
            ("asserts", "Assertion 'n > 30' failed"),
            ("overflows", "stack smashing detected"),
            ("releases", "free(): invalid pointer"),
            ("releases", "double free or corruption"),
        ],
    );
}

#[test]
fn uncaught_exceptions_and_their_messages() {
    let place = Place::new();
    let program = build(&place, "exceptions.cpp", EXCEPTIONS, &["-O1"]);
    check(
        &signatures(&place, &program, &["1", "2"]),
        &[
            ("bug", "std::runtime_error: bad value N in PATH"),
            ("bug", "std::runtime_error: no value N in PATH"),
        ],
    );
    let whole = place
        .crashrate(&["crashes", "latest", "1"])
        .expect(0)
        .stdout;
    assert!(
        whole.contains("message: std::runtime_error: no value "),
        "{whole}"
    );
    let aborted = signatures(&place, &program, &["3"]);
    assert!(aborted[0].ends_with("!main"), "{aborted:?}");
}

/// Two panics that end the process. Before the second, another thread prints an unrelated panic
/// message.
const PANICS: &str = r#"
fn bug(which: &str) {
    if which == "2" {
        let _ = std::thread::spawn(|| eprintln!("thread 'other' panicked at other.rs:1:1:\nunrelated")).join();
    }
    let numbers = vec![std::process::id() as usize; 3];
    match which {
        "1" => println!("{}", numbers[numbers[0]]),
        _ => println!("{}", None::<u32>.expect("a number")),
    }
}
fn main() {
    bug(&std::env::args().nth(1).unwrap());
}
"#;

#[test]
fn panics_of_rust() {
    let place = Place::new();
    let file = place.write("panics.rs", PANICS);
    let program = file.with_extension("");
    let done = Command::new("rustc")
        .args(["--edition", "2024", "-C", "panic=abort", "-o"])
        .args([&program, &file])
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    check(
        &signatures(&place, &program, &["1", "2"]),
        &[
            (
                "panics::bug",
                "panicked: index out of bounds: the len is N but the index is N",
            ),
            ("panics::bug", "panicked: a number"),
        ],
    );
}

#[test]
fn fatal_errors_of_python() {
    let place = Place::new();
    let script = "#!/usr/bin/env python3\nimport ctypes, sys\n\
        ctypes.pythonapi.Py_FatalError({'1': b'bad state 12', '2': b'no state 12'}[sys.argv[1]])\n";
    let program = place.program("fatal.py", script);
    check(
        &signatures(&place, &program, &["1", "2"]),
        &[("", "bad state N"), ("", "no state N")],
    );
}
