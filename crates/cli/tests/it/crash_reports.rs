//! `crashrate crashes --import`: macOS crash reports, read on any platform.

use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::util::Place;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../postmortem/fixtures")
        .join(name)
}

fn shown(place: &Place, file: &Path) -> String {
    let done = place.crashrate(&["crashes", "--import", &file.display().to_string()]);
    assert_eq!(done.stderr, "");
    done.expect(0).stdout
}

#[test]
fn a_report_is_shown_as_a_crash() {
    let place = Place::new();
    for (name, parts) in [
        (
            "commit.ips",
            &[
                "v1 | SIGABRT | Metal!MTLReportFailure < IOGPU!-[IOGPUMetalCommandBuffer validate] | commit an",
                "class SIGABRT, program python3.12, process 2, time 2026-01-02 10:00:00.1 +0000",
                "message: commit an already committed command buffer",
                "#6   0x70000006a  IOGPU!-[IOGPUMetalCommandBuffer validate]",
            ][..],
        ),
        (
            "exc1.ips",
            &[
                "message: NSInvalidArgumentException: nil",
                "thread 1001 `exception backtrace`",
            ],
        ),
        (
            "unknown32.ips",
            &[
                "class KILL_CODESIGNING",
                "at 0x10101c000: the report does not say",
            ],
        ),
        (
            "legacy.crash",
            &[
                "v1 | SEGV_NULL | libtorch_cpu.dylib!at::native::mps::MPSStream::copy\n",
                "SIGSEGV, KERN_INVALID_ADDRESS at 0x0000000000000008",
            ],
        ),
    ] {
        let text = shown(&place, &fixture(name));
        for part in parts {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}

/// Each error is one line that names the file and says what is wrong and what to do. The exit code
/// is 96 (wrong input).
#[test]
fn a_file_that_is_no_crash_report_gives_one_clear_error() {
    let place = Place::new();
    place.write("empty.ips", "");
    place.write("bytes.crash", [0xff, 0x00, 0x1b, 0x7f]);
    place.write("hang.ips", "{\"bug_type\":\"298\"}\n{}");
    place.write("torn.ips", "{\"bug_type\":\"309\"}\n{\"pid\": 1,");
    place.write(
        "deep.ips",
        format!("{{\"bug_type\":309}}\n{}", "[".repeat(100_000)),
    );
    mkfifo(&place.path().join("fifo.ips"), Mode::S_IRWXU).unwrap();
    for (file, why) in [
        ("empty.ips", "not a macOS crash report"),
        ("bytes.crash", "not a macOS crash report"),
        ("hang.ips", "bug_type \"298\" is not a crash"),
        ("torn.ips", "damaged or incomplete at line 2"),
        ("deep.ips", "damaged or incomplete at line 2"),
        ("fifo.ips", "not a regular file"),
        ("/dev/zero", "not a regular file"),
        (".", "not a regular file"),
        ("missing.ips", "No such file"),
    ] {
        let done = place.crashrate(&["crashes", "--import", file]).expect(96);
        let start = format!("error: {file}: ");
        assert!(done.stderr.starts_with(&start), "{}", done.stderr);
        assert!(done.stderr.contains(why), "{why} in {}", done.stderr);
        assert!(
            done.stderr.contains("; give an .ips or .crash file"),
            "{}",
            done.stderr
        );
        assert_eq!((done.stderr.lines().count(), &*done.stdout), (1, ""));
    }
}

#[test]
fn a_report_cannot_act_on_the_terminal() {
    let place = Place::new();
    let body = r#"{"procName":"\u001b[2J","asi":{"a":["\u001b]0;x\u0007why"]},"threads":[{"name":"\u001b[1m"}]}"#;
    let file = place.write("odd.ips", format!("{{\"bug_type\":309}}\n{body}"));
    let text = shown(&place, &file);
    assert!(
        !text.contains(|c: char| c.is_control() && c != '\n'),
        "{text:?}"
    );
}
