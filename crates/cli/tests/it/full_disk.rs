//! A full disk: exit code 110, a clear message, and a record of everything measured before.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::util::{Done, Place, skip};

const MANY: &str = r#"
[[chapter]]
id = "quick"
rounds = 100000
command = ["true"]
"#;

/// Checks that the run stopped because its journal could not be written, said so in one line, and
/// can still report its results.
fn assert_full(place: &Place, done: Done, why: &str) {
    let done = done.expect(110);
    let errors = done.stderr.lines().filter(|l| l.starts_with("error: "));
    let errors: Vec<_> = errors.collect();
    assert_eq!(errors.len(), 1, "{}", done.stderr);
    let journal = place.run().join("journal.jsonl");
    let begin = format!(
        "error: the journal {} cannot be written: ",
        journal.display()
    );
    assert!(errors[0].starts_with(&begin), "{}", errors[0]);
    assert!(errors[0].contains(why), "{}", errors[0]);
    // The results so far are shown immediately and in later reports.
    assert!(done.stdout.contains("quick"), "{}", done.stdout);
    let json = place.json();
    let passed = json["totals"]["outcomes"]["passed"].as_u64().unwrap();
    assert!(passed > 10, "{passed}");
    assert_eq!(json["run"]["complete"], false);
}

/// A file size limit acts like a full disk and needs no privileges.
#[test]
fn a_journal_that_may_not_grow() {
    let place = Place::new();
    place.suite(MANY);
    let run = place.command(&["run", "suite.toml"]);
    // `ulimit -f` counts blocks of 512 or 1024 bytes, depending on the shell.
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 24; exec \"$0\" \"$@\""])
        .arg(run.get_program())
        .args(run.get_args())
        .current_dir(place.path());
    for (name, value) in run.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    let done = place.start(&mut limited).wait();
    assert_full(&place, done, "File too large");
}

/// A file system that is unmounted in the end.
pub(crate) struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// A file system of this size in place of the runs folder, if it can be mounted.
#[cfg(target_os = "linux")]
pub(crate) fn small_disk(place: &Place, kib: u32) -> Option<Mounted> {
    let folder = place.runs_dir();
    fs::create_dir(&folder).unwrap();
    let size = format!("size={kib}k");
    let mount = ["-t", "tmpfs", "-o", &size, "tmpfs"];
    let mounted = Command::new("mount").args(mount).arg(&folder).output();
    let done = mounted.is_ok_and(|output| output.status.success());
    done.then(|| Mounted(folder))
}

#[cfg(not(target_os = "linux"))]
fn small_disk(_: &Place, _: u32) -> Option<Mounted> {
    None
}

#[test]
fn a_small_disk() {
    let place = Place::new();
    place.suite(MANY);
    let Some(disk) = small_disk(&place, 48) else {
        return skip("a small disk can be mounted only by root on Linux");
    };
    let done = place.crashrate(&["run", "suite.toml"]);
    assert_full(&place, done, "No space left on device");
    // The disk is full from the beginning, so nothing is measured.
    let done = place.crashrate(&["run", "suite.toml"]).expect(110);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    let Mounted(folder) = &disk;
    assert!(
        done.stderr.contains(folder.to_str().unwrap()),
        "{}",
        done.stderr
    );
}

/// Something other than crashrate fills the disk during a run. The running attempts are recorded as
/// interrupted, and the report names the journal as the reason. Resuming after space was freed
/// counts every attempt exactly once.
#[test]
fn a_disk_that_is_full_for_a_while() {
    let place = Place::new();
    place.suite(
        r#"
        [defaults]
        rounds = 40
        retries = 1
        [[chapter]]
        id = "quick"
        command = ["true"]
        [[chapter]]
        id = "fails"
        command = ["sh", "-c", "echo wrong; exit 3"]
        [[chapter]]
        id = "fills"
        rounds = 1
        retries = 0
        command = ["sh", "-c", "[ -e runs/again ] || { cat /dev/zero > runs/filler; sleep 300; }"]
        "#,
    );
    let Some(disk) = small_disk(&place, 1024) else {
        return skip("a small disk can be mounted only by root on Linux");
    };
    let args = ["run", "suite.toml", "--jobs", "3", "--seed", "1"];
    let done = place.crashrate(&args).expect(110);
    let says = "cannot be written: No space left on device";
    assert!(done.stderr.contains(says), "{}", done.stderr);
    let whole = "The run stopped because the journal could not be written: the journal";
    assert!(done.stdout.contains(whole), "{}", done.stdout);
    for report in [&done.stdout, &place.crashrate(&["report"]).expect(0).stdout] {
        assert!(!report.contains("died"), "{report}");
        assert!(!report.contains(" lost"), "{report}");
    }
    let json = place.json();
    assert_eq!(json["run"]["stopped"], "journal-failed");
    let before = place.journal();
    assert_eq!(
        before.started.len(),
        before.ended.len(),
        "every attempt has an end"
    );

    let still = place.crashrate(&["run", "--resume", "latest"]).expect(110);
    assert!(still.stderr.contains("No space left"), "{}", still.stderr);
    fs::remove_file(disk.0.join("filler")).unwrap();
    fs::write(disk.0.join("again"), "").unwrap();
    place.crashrate(&["run", "--resume", "latest"]).expect(100);
    let json = place.json();
    assert_eq!(json["run"]["complete"], true);
    assert_eq!(json["totals"]["first_attempt"]["n"], 81);
    let mut counted = BTreeMap::new();
    for ended in place.journal().ended {
        if ended.outcome.counts() {
            let key = (ended.unit, ended.round, ended.attempt);
            *counted.entry(key).or_insert(0) += 1;
        }
    }
    // 40 rounds with one attempt, 40 with two, and 1 round of `fills`.
    assert_eq!(counted.len(), 121);
    assert!(counted.values().all(|&n| n == 1), "{counted:?}");
    assert!(!place.run().join("reserve").exists());
}

#[test]
fn a_read_only_disk() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 3\ncommand = [\"true\"]\n");
    let Some(disk) = small_disk(&place, 1024) else {
        return skip("a small disk can be mounted only by root on Linux");
    };
    place.crashrate(&["run", "suite.toml"]).expect(0);
    let remount = ["-o", "remount,ro"];
    let status = Command::new("mount").args(remount).arg(&disk.0).status();
    assert!(status.unwrap().success());
    for args in [&["run", "suite.toml"][..], &["run", "--resume", "latest"]] {
        let done = place.crashrate(args).expect(110);
        assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
        assert!(
            done.stderr.contains("Read-only file system"),
            "{}",
            done.stderr
        );
    }
    // Reading needs no write access.
    place.crashrate(&["report"]).expect(0);
    place.crashrate(&["runs"]).expect(0);
}

#[test]
fn a_runs_folder_that_cannot_be_created() {
    let place = Place::new();
    place.suite(MANY);
    // A file is in the place of the runs folder.
    place.write("runs", "");
    let done = place.crashrate(&["run", "suite.toml"]).expect(110);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    let runs = place.runs_dir();
    assert!(
        done.stderr.contains(runs.to_str().unwrap()),
        "{}",
        done.stderr
    );
}

/// Regression: a failed write to standard output or standard error caused a panic, and the run was
/// lost. It is an error, but the run must be complete.
#[cfg(target_os = "linux")]
#[test]
fn a_run_that_cannot_print_is_complete() {
    use std::fs::OpenOptions;
    use std::process::Stdio;

    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 3\ncommand = [\"false\"]\n");
    for variable in ["NOT_CI", "CI"] {
        let full = || Stdio::from(OpenOptions::new().write(true).open("/dev/full").unwrap());
        let mut run = place.command(&["run", "suite.toml"]);
        run.env(variable, "true").env("RUST_LOG", "trace");
        let status = run.stdout(full()).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(110));
        assert_eq!(place.json()["run"]["complete"], true);
    }
}

/// Regression: a command whose output could not be written ended with 0 and left an empty file.
#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_printed() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 3\ncommand = [\"true\"]\n");
    place.crashrate(&["run", "suite.toml"]).expect(0);
    for args in [
        &["report"][..],
        &["runs"],
        &["list", "suite.toml"],
        &["--help"],
    ] {
        let mut command = place.command(args);
        let full = fs::OpenOptions::new().write(true).open("/dev/full");
        let output = command.stdout(full.unwrap()).output().unwrap();
        assert_eq!(output.status.code(), Some(110), "{args:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let expected = "error: the output cannot be written: No space left on device";
        assert!(said.starts_with(expected), "{args:?}: {said}");
    }
    // A reader that closes the pipe early is not an error.
    let mut head = Command::new("sh");
    let program = env!("CARGO_BIN_EXE_crashrate");
    let script = "(\"$0\" report; echo $? > code) | true; cat code";
    head.args(["-c", script, program]);
    head.env("CRASHRATE_RUNS_DIR", place.runs_dir());
    let output = head.current_dir(place.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "0");
}
