//! Suites and command lines with a mistake: each gives one message that says where the mistake is
//! and what to do.

use std::fmt::Write as _;
use std::path::Path;

use crashrate_testkit::programs;

use crate::util::{Done, Place};

/// The bodies of suites, each with a single mistake.
pub(crate) const CASES: &[(&str, &str)] = &[
    ("syntax", "[[chapter]\nid = \"a\"\n"),
    (
        "text without an end",
        "[[chapter]]\nid = \"a\ncommand = [\"true\"]\n",
    ),
    (
        "unknown key",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\ntimout = \"1s\"\n",
    ),
    (
        "unknown section",
        "[defautls]\nrounds = 3\n[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n",
    ),
    (
        "wrong type",
        "[[chapter]]\nid = \"a\"\ncommand = \"true\"\n",
    ),
    (
        "wrong type of rounds",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\nrounds = \"ten\"\n",
    ),
    (
        "duplicate key",
        "[[chapter]]\nid = \"a\"\nid = \"b\"\ncommand = [\"true\"]\n",
    ),
    (
        "duplicate id",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n",
    ),
    ("no id", "[[chapter]]\ncommand = [\"true\"]\n"),
    (
        "bad id",
        "[[chapter]]\nid = \"Complete\\u0007Story\"\ncommand = [\"true\"]\n",
    ),
    (
        "missing program",
        "[[chapter]]\nid = \"a\"\ncommand = [\"no-such-program-anywhere\"]\n",
    ),
    (
        "missing program in the folder",
        "[[chapter]]\nid = \"a\"\ncommand = [\"./no-such-program\"]\n",
    ),
    (
        "not executable",
        "[[chapter]]\nid = \"a\"\ncommand = [\"./suite.toml\"]\n",
    ),
    ("empty command", "[[chapter]]\nid = \"a\"\ncommand = []\n"),
    (
        "neither worker nor command",
        "[[chapter]]\nid = \"a\"\nrounds = 3\n",
    ),
    (
        "both worker and command",
        "[[chapter]]\nid = \"a\"\nworker = \"act\"\ncommand = [\"true\"]\n",
    ),
    (
        "params of a command",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\nparams = { threads = 8 }\n",
    ),
    (
        "unknown worker chapter",
        "[[chapter]]\nid = \"a\"\nworker = \"dance\"\n",
    ),
    (
        "unknown parameter",
        "[[chapter]]\nid = \"a\"\nworker = \"act\"\nparams = { threads = 8 }\n",
    ),
    (
        "wrong type of parameter",
        "[[chapter]]\nid = \"a\"\nworker = \"act\"\nparams = { secs = \"long\" }\n",
    ),
    (
        "plain command in a sequence",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n[[sequence]]\nid = \"s\"\nchapters = [\"a\"]\n",
    ),
    (
        "unknown chapter in a sequence",
        "[[chapter]]\nid = \"a\"\nworker = \"act\"\n[[sequence]]\nid = \"s\"\nchapters = [\"a\", \"b\"]\n",
    ),
    (
        "a chapter twice in a sequence",
        "[[chapter]]\nid = \"a\"\nworker = \"act\"\n[[sequence]]\nid = \"s\"\nchapters = [\"a\", \"a\"]\n",
    ),
    (
        "empty sequence",
        "[[chapter]]\nid = \"a\"\nworker = \"act\"\n[[sequence]]\nid = \"s\"\nchapters = []\n",
    ),
    (
        "bad mode",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\nmodes = [\"isolated\", \"parallel\"]\n",
    ),
    (
        "sequential without a sequence",
        "[[chapter]]\nid = \"a\"\nworker = \"act\"\nmodes = [\"sequential\"]\n",
    ),
    (
        "negative rounds",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\nrounds = -3\n",
    ),
    (
        "no rounds",
        "[defaults]\nrounds = 0\n[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n",
    ),
    (
        "too many rounds",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\nrounds = 5_000_000_000\n",
    ),
    (
        "negative retries",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\nretries = -1\n",
    ),
    (
        "bad duration",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\ntimeout = \"ten minutes\"\n",
    ),
    (
        "no time",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\ntimeout = \"0s\"\n",
    ),
    (
        "missing directory",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\ndirectory = \"nowhere\"\n",
    ),
    (
        "expectation without a limit",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\nexpect = [{ measure = \"x\" }]\n",
    ),
    (
        "expectation on no device",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\nexpect = [{ measure = \"x\", at_most = 1, on = [\"tpu\"] }]\n",
    ),
    (
        "variant called default",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n[[variant]]\nid = \"default\"\n",
    ),
    (
        "unknown fault",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n[fault]\nkind = \"dice\"\ndose = 10\n",
    ),
    (
        "negative dose",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n[fault]\nkind = \"tensor-lifetime\"\ndose = -1\n",
    ),
    (
        "too many dose",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n[fault]\nkind = \"tensor-lifetime\"\ndose = 5_000_000_000\n",
    ),
    (
        "no dose",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n[fault]\nkind = \"tensor-lifetime\"\n",
    ),
    (
        "unknown key of the fault",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n[fault]\nkind = \"tensor-lifetime\"\ndose = 10\nwrite = 3\n",
    ),
    (
        "fault on a GPU",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n[fault]\nkind = \"tensor-lifetime\"\ndose = 10\non = [\"cpu\", \"mps\"]\n",
    ),
    (
        "dose in words",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n[fault]\nkind = \"tensor-lifetime\"\ndose = \"many\"\n",
    ),
    (
        "dose of another kind",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n[fault]\nkind = \"tensor-lifetime\"\ndose = 1.5\n",
    ),
    (
        "nothing to calibrate by",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n[fault]\nkind = \"tensor-lifetime\"\ndose = \"calibrated\"\n",
    ),
    (
        "given and calibrated",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n[fault]\nkind = \"tensor-lifetime\"\ndose = 3\ncalibrate = { rounds = 3 }\n",
    ),
    (
        "a share that is none",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n[fault]\nkind = \"tensor-lifetime\"\ndose = \"calibrated\"\ncalibrate = { pass = 1.0 }\n",
    ),
    (
        "calibration without rounds",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n[fault]\nkind = \"tensor-lifetime\"\ndose = \"calibrated\"\ncalibrate = { rounds = 0 }\n",
    ),
    (
        "unknown limit",
        "[limits]\nmemroy = \"2GiB\"\n[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n",
    ),
    (
        "limit without a unit",
        "[limits]\nmemory = \"2\"\n[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n",
    ),
    (
        "limit of nothing",
        "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\nlimits = { processes = 0 }\n",
    ),
    (
        "limit of less than a second",
        "[limits]\ncpu = \"10ms\"\n[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n",
    ),
    ("empty suite", ""),
];

/// Suite files with a mistake in the `[suite]` section or in the file as a whole.
const FILES: &[(&str, &[u8])] = &[
    ("unknown device", b"[suite]\nname = \"x\"\ndevice = \"gpu\"\n[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n"),
    ("unknown outcome", b"[suite]\nname = \"x\"\nbad = [\"crashed\", \"passed\"]\n[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n"),
    ("no name", b"[suite]\n[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n"),
    ("no head", b"[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n"),
    ("missing worker", b"[suite]\nname = \"x\"\nworker = \"./no-such-worker\"\n[[chapter]]\nid = \"a\"\nworker = \"act\"\n"),
    ("a worker that is none", b"[suite]\nname = \"x\"\nworker = \"./mute.sh\"\n[[chapter]]\nid = \"a\"\nworker = \"act\"\n"),
    ("a worker that says something else", b"[suite]\nname = \"x\"\nworker = \"./talks.sh\"\n[[chapter]]\nid = \"a\"\nworker = \"act\"\n"),
    ("empty file", b""),
    ("not UTF-8", b"[suite]\nname = \"x\"\n# caf\xe9\n[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n"),
    ("binary", b"\x7fELF\x02\x01\x01\0\0\0\0\0"),
];

/// Runs a command that must be refused. Returns its exit code and its only message.
fn refused(place: &Place, args: &[&str]) -> String {
    let Done {
        status,
        stdout,
        stderr,
    } = place.crashrate(args);
    assert_eq!(stdout, "");
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert!(!stderr.contains("stack backtrace"), "{stderr}");
    assert_eq!(stderr.matches("error: ").count(), 1, "{stderr}");
    assert!(
        place.runs().is_empty(),
        "no run folder is created: {stderr}"
    );
    format!("{}: {stderr}", status.code().unwrap())
}

fn assert_snapshot(name: &str, place: &Place, text: &str) {
    let folder = |path: &Path| format!("{}/", path.display());
    // On macOS the temporary folder has two names.
    let real = place.path().canonicalize().unwrap();
    let worker = programs().sequence_runner.display().to_string();
    let text = text
        .replace(&folder(&real), "")
        .replace(&folder(place.path()), "")
        .replace(&worker, "WORKER");
    // The list of keys grows, so the snapshot leaves it out.
    let filters = vec![(r"expected one of `.*", "expected one of [KEYS]")];
    insta::with_settings!({ filters => filters }, { insta::assert_snapshot!(name, text) });
}

#[test]
fn suites() {
    let place = Place::new();
    let mut text = String::new();
    for (name, body) in CASES {
        place.worker_suite(&programs().sequence_runner, body);
        let said = refused(&place, &["run", "suite.toml"]);
        let _ = writeln!(text, "{name}\n  {said}");
        let empty = *name == "empty suite";
        assert!(
            said.starts_with(if empty { "4: " } else { "96: " }),
            "{said}"
        );
        // The message gives the line. For mistakes that only the worker can detect, it names the
        // chapter.
        let place = said.contains("suite.toml:") || said.contains("chapter `a`");
        assert!(place, "{said}");
    }
    assert_snapshot("suites", &place, &text);
}

#[test]
fn files() {
    let place = Place::new();
    let mut text = String::new();
    place.program("mute.sh", "#!/bin/sh\necho what >&2\nexit 1\n");
    place.program("talks.sh", "#!/bin/sh\necho hello\n");
    for (name, content) in FILES {
        place.write("suite.toml", content);
        let said = refused(&place, &["run", "suite.toml"]);
        let _ = writeln!(text, "{name}\n  {said}");
    }
    for (name, suite) in [("a directory", "."), ("no such file", "nowhere.toml")] {
        let said = refused(&place, &["run", suite]);
        let _ = writeln!(text, "{name}\n  {said}");
    }
    assert_snapshot("files", &place, &text);
}

/// `list` refuses what `run` refuses, except for mistakes that only the worker can detect.
#[test]
fn list_refuses_the_same_suites() {
    let place = Place::new();
    for (name, body) in CASES {
        place.worker_suite(&programs().sequence_runner, body);
        let run = refused(&place, &["run", "suite.toml"]);
        if !run.contains("suite.toml:") || run.contains("chapter `a`: worker: ") {
            continue;
        }
        if name.contains("parameter") {
            continue;
        }
        assert_eq!(refused(&place, &["list", "suite.toml"]), run, "{name}");
    }
}

#[test]
fn command_lines() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n");
    let lines: &[&[&str]] = &[
        &["run"],
        &["run", "--"],
        &["run", "suite.toml", "--", "true"],
        &["run", "suite.toml", "--rounds", "0"],
        &["run", "suite.toml", "--rounds", "-1"],
        &["run", "suite.toml", "--jobs", "0"],
        &["run", "suite.toml", "--mode", "parallel"],
        &["run", "suite.toml", "--timeout", "soon"],
        &["run", "suite.toml", "--timeout", "0s"],
        &["run", "suite.toml", "--device", "gpu"],
        &["run", "suite.toml", "--seed", "x"],
        &["run", "suite.toml", "--variant", "with-fix"],
        &["run", "--", "no-such-program-anywhere"],
        &["report", "--format", "pdf"],
        &["dance"],
    ];
    let mut text = String::new();
    for line in lines {
        let said = refused(&place, line);
        assert!(said.starts_with("96: "), "{line:?}: {said}");
        let (first, _) = said.split_once("\n\n").unwrap_or((&said, ""));
        let _ = writeln!(text, "crashrate {}\n  {first}", line.join(" "));
    }
    assert_snapshot("command_lines", &place, &text);
}

#[test]
fn help_and_version_are_no_errors() {
    let place = Place::new();
    let help = place.crashrate(&["--help"]).expect(0);
    for code in ["0", "4", "96", "100", "106", "110"] {
        let says = |line: &str| line.trim_start().starts_with(&format!("{code}  "));
        assert!(help.stdout.lines().any(says), "{code} in {}", help.stdout);
    }
    assert!(!help.stdout.contains("guard"), "{}", help.stdout);
    place.crashrate(&["--version"]).expect(0);
    let run = place.crashrate(&["run", "--help"]).expect(0);
    assert!(run.stdout.contains("CRASHRATE_WORKER"), "{}", run.stdout);
}
