//! Unusual environments: the program works, or one message says what is wrong.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use crashrate_model::Outcome;

use crate::util::{Done, Journal, Place, skip};

/// Runs the program from a shell that first executes `before`.
fn under(place: &Place, before: &str, args: &[&str]) -> Done {
    let program = place.command(args);
    let mut command = Command::new("bash");
    command.args(["-c", &format!("{before}\nexec \"$0\" \"$@\"")]);
    command.arg(program.get_program()).args(args);
    command.envs(program.get_envs().filter_map(|(k, v)| Some((k, v?))));
    command.current_dir(place.path());
    place.start(&mut command).wait()
}

/// Checks that there is exactly one error, that it contains `says`, and that nothing panicked.
#[track_caller]
fn one_error(done: &Done, says: &str) {
    let errors = done.stderr.lines().filter(|l| l.starts_with("error: "));
    assert_eq!(errors.count(), 1, "{}", done.stderr);
    assert!(done.stderr.contains(says), "{}", done.stderr);
    assert!(!done.stderr.contains("panicked"), "{}", done.stderr);
}

const TRUE: [&str; 5] = ["run", "--rounds", "2", "--", "true"];

#[test]
#[cfg_attr(target_os = "macos", ignore = "APFS rejects such names")]
fn a_folder_that_is_not_utf_8() {
    let place = Place::new();
    let folder = place.path().join(OsStr::from_bytes(b"d\xff"));
    fs::create_dir(&folder).unwrap();
    fs::write(
        folder.join("s.toml"),
        "[suite]\nname = \"s\"\n[[chapter]]\nid = \"a\"\nrounds = 2\ncommand = [\"true\"]\n",
    )
    .unwrap();
    let there = |args: &[&str]| place.start(place.command(args).current_dir(&folder)).wait();
    there(&TRUE).expect(0);
    there(&["run", "s.toml"]).expect(0);
    for args in [
        &["run", "--resume", "latest"][..],
        &["report"],
        &["runs"],
        &["crashes"],
        &["list", "s.toml"],
        &["doctor"],
    ] {
        there(args).expect(0);
    }
    let run = &place.runs()[1];
    assert_eq!(
        Journal::read(run).ended.len(),
        2,
        "resuming runs nothing again"
    );
}

#[test]
fn arguments_that_are_not_utf_8() {
    let place = Place::new();
    let evil = OsStr::from_bytes(b"\xff");
    let sees = "[ \"$(printf %s \"$0\" | od -An -tx1)\" = ' ff' ]";
    let mut run = place.command(&["run", "--rounds", "1", "--", "sh", "-c", sees]);
    place.start(run.arg(evil)).wait().expect(0);
    for command in ["run", "report", "crashes", "list", "help", "history"] {
        let mut run = place.command(&[command]);
        let done = place.start(run.arg(evil)).wait().expect(96);
        one_error(&done, "");
    }
}

#[test]
fn few_descriptors() {
    let place = Place::new();
    for limit in [8, 10, 16, 24, 40] {
        let before = format!("ulimit -n {limit}");
        let done = under(&place, &before, &TRUE).expect(106);
        one_error(&done, "ulimit -n");
    }
    under(&place, "ulimit -n 100", &TRUE).expect(0);
    let jobs = ["run", "--jobs", "100", "--rounds", "2", "--", "true"];
    let done = under(&place, "ulimit -n 100", &jobs).expect(106);
    one_error(&done, "--jobs");
    assert_eq!(
        place.runs().len(),
        1,
        "a run that cannot start leaves no folder"
    );
}

#[test]
fn few_processes() {
    // RLIMIT_NPROC counts all processes of a user and does not apply to root. Only root can switch
    // to a user without any processes.
    if !nix::unistd::geteuid().is_root() {
        return skip("only root can become another user");
    }
    let place = Place::new();
    let script = r#"
import os, resource, sys
os.setgid(64321); os.setuid(64321)
resource.setrlimit(resource.RLIMIT_NPROC, (int(sys.argv[1]), int(sys.argv[1])))
os.execv(sys.argv[2], sys.argv[2:])
"#;
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(place.path(), open).unwrap();
    let program = place.path().join("crashrate");
    fs::copy(env!("CARGO_BIN_EXE_crashrate"), &program).unwrap();
    for (limit, args) in [
        (0, &TRUE[..]),
        (1, &TRUE),
        (3, &TRUE),
        (5, &TRUE),
        (0, &["serve"]),
    ] {
        let mut command = Command::new("python3");
        command.args(["-c", script, &limit.to_string()]);
        command.arg(&program).args(args).current_dir(place.path());
        command.env("CRASHRATE_RUNS_DIR", place.runs_dir());
        fs::create_dir_all(place.runs_dir()).unwrap();
        let done = place.start(&mut command).wait().expect(106);
        one_error(&done, "ulimit -u");
    }
}

#[test]
fn a_file_size_limit_ends_the_run_with_one_error() {
    let place = Place::new();
    let rounds = ["run", "--rounds", "300", "--", "true"];
    let done = under(&place, "ulimit -f 8", &rounds).expect(110);
    one_error(&done, "journal.jsonl cannot be written: File too large");
    let journal = Journal::read(&place.run());
    assert!(!journal.ended.is_empty());
    // The reserved disk space does not help against a file size limit, so the end of the last
    // attempt may be missing.
    assert!(journal.started.len() - journal.ended.len() <= 1);
    let before = "ulimit -f 1; exec >report.csv";
    let done = under(&place, before, &["report", "--format", "csv"]).expect(110);
    one_error(&done, "the output cannot be written: File too large");
    let done = under(&place, "ulimit -f 0", &TRUE);
    // Standard error is a file too, so nothing can be written to it.
    assert_eq!((done.code(), &*done.stderr), (110, ""));
}

#[test]
fn children_die_of_files_that_grow_too_large() {
    let place = Place::new();
    let child = "head -c 3000000 /dev/zero > big";
    let run = [
        "run",
        "--rounds",
        "1",
        "--",
        "sh",
        "-c",
        &format!("{child}; kill -$(($? - 128)) $$"),
    ];
    under(&place, "ulimit -f 1000", &run).expect(100);
    let journal = place.journal();
    assert_eq!(journal.ended[0].outcome, Outcome::Crashed);
    let exit = format!("{:?}", journal.ended[0].exit);
    assert!(exit.contains("25") || exit.contains("XFSZ"), "{exit}");
}

#[test]
fn closed_standard_descriptors() {
    let place = Place::new();
    let child = "echo out; echo err >&2; cat; exit 1";
    let run = ["run", "--rounds", "1", "--", "sh", "-c", child];
    for closed in ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"] {
        let before = format!("exec {closed}");
        under(&place, &before, &run).expect(100);
        for args in [
            &["report"][..],
            &["runs"],
            &["doctor"],
            &["report", "--format", "junit"],
        ] {
            under(&place, &before, args).expect(0);
        }
    }
    for run in place.runs() {
        let journal = Journal::read(&run);
        assert_eq!(journal.ended[0].outcome, Outcome::Failed);
        let output = run.join(journal.ended[0].output.as_ref().unwrap());
        assert!(fs::read_dir(run.join("output")).unwrap().count() > 0);
        let output = fs::read_to_string(output).unwrap_or_default();
        assert!(output.is_empty() || output.contains("out"), "{output}");
    }
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"a\"\nrounds = 2\ncommand = [\"true\"]\n");
    for _ in 0..2 {
        place.crashrate(&["run", "suite.toml"]).expect(0);
    }
    for args in [
        "run suite.toml",
        "report",
        "report --format html",
        "report --format junit",
        "report --format csv",
        "report --format json",
        "runs",
        "crashes",
        "compare 1 2",
        "plan --see-one 1%",
        "list suite.toml",
        "doctor",
        "--help",
        "run --help",
        "help statistics",
        &format!("history {}", place.name),
    ] {
        let script = format!("\"$0\" {args} | true; exit ${{PIPESTATUS[0]}}");
        let program = place.command(&[]);
        let mut command = Command::new("bash");
        command.args(["-c", &script]).arg(program.get_program());
        command.envs(program.get_envs().filter_map(|(k, v)| Some((k, v?))));
        let done = place.start(command.current_dir(place.path())).wait();
        assert_eq!(done.code(), 0, "{args}: {}", done.stderr);
        assert!(!done.stderr.contains("error"), "{args}: {}", done.stderr);
    }
}

#[test]
fn huge_numbers() {
    let place = Place::new();
    for args in [
        &["--timeout", "999999999999h", "--rounds", "1"][..],
        &["--for", "999999999999h", "--rounds", "1"],
        &["--rounds", "1", "--retries", "4294967295"],
        &["--rounds", "1", "--max-failures", "4294967295"],
        &["--rounds", "1", "--number", "999999999"],
        &["--rounds", "1"],
    ] {
        let args = [&["run"], args, &["--", "sleep", "0.1"]].concat();
        place.crashrate(&args).expect(0);
    }
    for args in [
        ["--timeout", "9999999999999999h"],
        ["--rounds", "4294967296"],
        ["--jobs", "99999999999"],
        ["--jobs", "1025"],
        ["--number", "4294967295"],
        ["--seed", "18446744073709551616"],
    ] {
        let args = [&["run"], &args[..], &["--", "true"]].concat();
        one_error(&place.crashrate(&args).expect(96), args[1]);
    }
}

#[test]
fn billions_of_rounds_cost_no_memory() {
    let place = Place::new();
    let mut suite = String::new();
    for chapter in 0..4 {
        suite += &format!(
            "[[chapter]]\nid = \"c{chapter}\"\nrounds = 4294967295\ncommand = [\"true\"]\n"
        );
    }
    place.suite(&suite);
    let run = ["run", "suite.toml", "--for", "1s"];
    under(&place, "ulimit -v 2000000", &run).expect(106);
    let resume = ["run", "--resume", "latest"];
    let begun = place.journal().ended.len();
    let live = place.start(&mut place.command(&resume));
    crate::util::until("10 more attempts end", || {
        place.journal().ended.len() > begun + 10
    });
    live.signal(nix::sys::signal::Signal::SIGINT);
    live.wait().expect(106);
    for format in ["terminal", "html", "junit", "csv", "json", "markdown"] {
        let report = ["report", "--format", format];
        under(&place, "ulimit -v 2000000", &report).expect(0);
    }
}
