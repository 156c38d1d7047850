//! Messages exactly as programs print them.

use proptest::prelude::*;

use super::*;
use crate::crash::{Crash, Kind as Death};
use crate::crash::{Frame, Thread};

/// A program's output, the kind of its message, and the message's key.
const MESSAGES: &[(&str, Kind, &str)] = &[
    (
        "st: st.c:4: bug_one: Assertion `n == 3 && \"three\"' failed.",
        Kind::Assertion,
        "Assertion 'n == 3 && \"three\"' failed",
    ),
    (
        "/usr/include/c++/12/bits/stl_vector.h:1230: std::vector<_Tp, _Alloc>::reference std::vector<_Tp, _Alloc>::back() \
         [with _Tp = int]: Assertion '!this->empty()' failed.",
        Kind::Assertion,
        "Assertion '!this->empty()' failed",
    ),
    (
        "Assertion failed: (n > 7), function f, file a.c, line 12.",
        Kind::Assertion,
        "Assertion 'n > 7' failed",
    ),
    (
        "Fatal glibc error: malloc.c:2599 (sysmalloc): assertion failed: (old_size == 0)",
        Kind::Assertion,
        "Assertion '(old_size == 0)' failed",
    ),
    (
        "-[IOGPUMetalCommandBuffer validate]:214: failed assertion `commit an already committed command buffer'",
        Kind::Check,
        "failed assertion `commit an already committed command buffer'",
    ),
    (
        "F0102 10:00:00.1 12 a.cc:3] Check failed: a == b (1 vs. 2)",
        Kind::Check,
        "Check failed: a == b (N vs. N)",
    ),
    (
        "#\n# Fatal error in ../src/heap.cc, line 12\n# unreachable code\n#",
        Kind::Check,
        "unreachable code",
    ),
    (
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
        Kind::Check,
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
    ),
    (
        "double free or corruption (fasttop)",
        Kind::Malloc,
        "double free or corruption",
    ),
    (
        "app(12,0x7ff8) malloc: *** error for object 0x60: pointer being freed was not allocated",
        Kind::Malloc,
        "error for object N: pointer being freed was not allocated",
    ),
    (
        "*** stack smashing detected ***: terminated",
        Kind::Libc,
        "stack smashing detected",
    ),
    (
        "terminate called after throwing an instance of 'std::runtime_error'\n  what():  bad value 17 in /tmp/x.c",
        Kind::Terminate,
        "std::runtime_error: bad value N in PATH",
    ),
    (
        "terminate called without an active exception",
        Kind::Terminate,
        "terminate called without an active exception",
    ),
    (
        "pure virtual method called\nterminate called without an active exception",
        Kind::Terminate,
        "pure virtual method called",
    ),
    (
        "terminate called after throwing an instance of 'int'",
        Kind::Terminate,
        "exception of type int",
    ),
    (
        "libc++abi: terminating due to uncaught exception of type std::out_of_range: vector",
        Kind::Terminate,
        "std::out_of_range: vector",
    ),
    (
        "2026-01-02 10:00:00.1 app[5:12] *** Terminating app due to uncaught exception \
         'NSRangeException', reason: '*** index 7 beyond bounds'\nlibc++abi: terminating due to uncaught exception of \
         type NSException",
        Kind::Terminate,
        "NSRangeException: *** index N beyond bounds",
    ),
    (
        "==12==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x60 at pc 0x55\nREAD of size 4 at 0x60 thread T0",
        Kind::Sanitizer,
        "AddressSanitizer: heap-buffer-overflow, READ of size N",
    ),
    (
        "==12==ERROR: AddressSanitizer: attempting double-free on 0x602000000010 in thread T0:",
        Kind::Sanitizer,
        "AddressSanitizer: attempting double-free",
    ),
    (
        "WARNING: ThreadSanitizer: data race (pid=12)",
        Kind::Sanitizer,
        "ThreadSanitizer: data race",
    ),
    (
        "SUMMARY: ThreadSanitizer: data race /tmp/tsan.cpp:3 in main",
        Kind::Sanitizer,
        "ThreadSanitizer: data race PATH:N in main",
    ),
    (
        "a.c:2:48: runtime error: signed integer overflow: 2147483647 + 1 cannot be represented in type 'int'",
        Kind::Sanitizer,
        "runtime error: signed integer overflow: N + N cannot be represented in type 'int'",
    ),
    (
        "thread 'main' (7) panicked at src/main.rs:2:5:\nindex out of bounds: the len is 3 but the index is 7",
        Kind::Rust,
        "panicked: index out of bounds: the len is N but the index is N",
    ),
    (
        "thread 'main' panicked at 'boom', src/main.rs:2:5",
        Kind::Rust,
        "panicked: boom",
    ),
    (
        "panic: runtime error: index out of range [7] with length 3",
        Kind::Go,
        "panic: runtime error: index out of range [N] with length N",
    ),
    (
        "Fatal Python error: _Py_CheckFunctionResult: a function returned NULL without setting an exception",
        Kind::Python,
        "_Py_CheckFunctionResult: a function returned NULL without setting an exception",
    ),
    (
        "#  Internal Error (sharedRuntime.cpp:553), pid=1, tid=2\n#  guarantee(cb != NULL) failed: must be",
        Kind::Java,
        "guarantee(cb != NULL) failed: must be",
    ),
    (
        "Swift/ContiguousArrayBuffer.swift:600: Fatal error: Index out of range",
        Kind::Swift,
        "Fatal error: Index out of range",
    ),
];

#[test]
fn messages_are_recognised() {
    for (stderr, kind, key) in MESSAGES {
        let found = find(format!("starting\n{stderr}\nthe end\n").as_bytes());
        let found: Vec<_> = found.iter().map(|m| (m.kind, m.key())).collect();
        assert_eq!(found, [(*kind, (*key).into())], "{stderr}");
    }
}

#[test]
fn unrelated_lines_are_not_messages() {
    for line in [
        "",
        "test a: failed",
        "panicked at nothing",
        "Fatal Python error: Segmentation fault",
        "Fatal Python error: Aborted",
        "terminate called recursively",
        "thread 'main' panicked at library/core/src/panicking.rs:2:5:\npanic in a destructor during cleanup",
        "12 runtime error: x",
        "*** note ***",
    ] {
        assert_eq!(find(line.as_bytes()), [], "{line}");
    }
}

/// The work for a line does not grow with the number of lines after it.
#[test]
fn a_million_lines_are_scanned_quickly() {
    let stderr = "\n".repeat(1 << 20) + "double free or corruption (out)\n";
    assert_eq!(find(stderr.as_bytes()).len(), 1);
}

fn crash(class: &str, functions: &[&str]) -> Crash {
    let frames = functions.iter().map(|function| Frame {
        module: Some("p".into()),
        function: Some((*function).to_owned()),
        ..Frame::default()
    });
    let thread = Thread {
        frames: frames.collect(),
        ..Thread::default()
    };
    Crash {
        signature: format!("v1 | {class} | f"),
        class: class.to_owned(),
        threads: vec![thread],
        ..Crash::default()
    }
}

fn signature(mut crash: Crash, stderr: &str) -> String {
    crash.read_stderr(stderr.as_bytes());
    crash.signature
}

#[test]
fn a_message_needs_the_frames_that_print_it() {
    let stderr = "a.c:4: f: Assertion `n' failed.\n";
    let asserts = ["raise", "abort", "__assert_fail", "f"];
    assert_eq!(
        signature(crash("SIGABRT", &asserts), stderr),
        "v1 | SIGABRT | f | Assertion 'n' failed"
    );
    // The assertion was printed, but the stack shows another cause of the crash.
    for other in [&["raise", "abort", "f", "__assert_fail"][..], &["f"], &[]] {
        assert_eq!(
            signature(crash("SIGABRT", other), stderr),
            "v1 | SIGABRT | f"
        );
    }
    assert_eq!(
        signature(
            crash("ABRT_MALLOC", &["raise", "abort", "free"]),
            "free(): invalid pointer"
        ),
        "v1 | ABRT_MALLOC | f | free(): invalid pointer"
    );
    let hang = Crash {
        kind: Death::Hang,
        ..crash("HANG", &asserts)
    };
    assert_eq!(signature(hang, stderr), "v1 | HANG | f");
}

#[test]
fn ambiguous_messages_are_ignored() {
    let two = "a.c:4: f: Assertion `n' failed.\na.c:5: g: Assertion `m' failed.\n";
    let mut unsure = crash("SIGABRT", &["abort", "__assert_fail", "f"]);
    unsure.read_stderr(two.as_bytes());
    assert_eq!(unsure.signature, "v1 | SIGABRT | f");
    assert_eq!((unsure.message, unsure.notes.len()), (None, 1));
    // The first panic was caught; the second ended the process.
    let panics =
        "thread 'a' panicked at a.rs:1:1:\nfirst\nthread 'b' panicked at a.rs:2:2:\nsecond\n";
    let rust = crash("SIGABRT", &["abort", "core::panicking::panic_fmt", "f"]);
    assert_eq!(
        signature(rust, panics),
        "v1 | SIGABRT | f | panicked: second"
    );
}

proptest! {
    #[test]
    fn any_output_is_scanned_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..200, which in 0..MESSAGES.len()) {
        let mut stderr = MESSAGES[which].0.as_bytes().to_vec();
        let at = at.min(stderr.len());
        stderr.splice(at..at, bytes);
        for message in find(&stderr) {
            prop_assert!(message.text.len() <= MAX_TEXT + 3);
            prop_assert!(!message.key().contains(char::is_control));
        }
    }
}
