//! A disk that is full: exit code 110, a clear message, and what was measured before is on record.

use std::path::PathBuf;
use std::process::Command;

use crate::util::{Done, Place};

const MANY: &str = r#"
[[chapter]]
id = "quick"
rounds = 100000
command = ["true"]
"#;

/// It ended for want of room, said so in one line, and what it had measured can be reported.
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
    // What it had measured is shown at once, and later.
    assert!(done.stdout.contains("quick"), "{}", done.stdout);
    let json = place.json();
    let passed = json["totals"]["outcomes"]["passed"].as_u64().unwrap();
    assert!(passed > 10, "{passed}");
    assert_eq!(json["run"]["complete"], false);
}

/// A file that may not grow any further is as good as a full disk, and needs no rights.
#[test]
fn a_journal_that_may_not_grow() {
    let place = Place::new();
    place.suite(MANY);
    let run = place.command(&["run", "suite.toml"]);
    // In blocks of 512 or 1024 bytes.
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

struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[cfg(target_os = "linux")]
fn small_disk(place: &Place) -> Option<Mounted> {
    let folder = place.runs_dir();
    std::fs::create_dir(&folder).unwrap();
    let mount = ["-t", "tmpfs", "-o", "size=48k", "tmpfs"];
    let mounted = Command::new("mount").args(mount).arg(&folder).output();
    let done = mounted.is_ok_and(|output| output.status.success());
    done.then(|| Mounted(folder))
}

#[cfg(not(target_os = "linux"))]
fn small_disk(_: &Place) -> Option<Mounted> {
    None
}

#[test]
fn a_small_disk() {
    let place = Place::new();
    place.suite(MANY);
    let Some(disk) = small_disk(&place) else {
        eprintln!("SKIPPED: no small disk can be mounted here (that needs root on Linux)");
        return;
    };
    let done = place.crashrate(&["run", "suite.toml"]);
    assert_full(&place, done, "No space left on device");
    // Full from the beginning: nothing is measured.
    let done = place.crashrate(&["run", "suite.toml"]).expect(110);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    let Mounted(folder) = &disk;
    assert!(
        done.stderr.contains(folder.to_str().unwrap()),
        "{}",
        done.stderr
    );
}

#[test]
fn runs_that_cannot_be_written() {
    let place = Place::new();
    place.suite(MANY);
    // A file where the folder should be.
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

/// Regression: it panicked because nobody could read what it said, and the run was lost. Its own standard output and
/// error are only for show.
#[cfg(target_os = "linux")]
#[test]
fn nowhere_to_print_to() {
    use std::fs::OpenOptions;
    use std::process::Stdio;

    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 3\ncommand = [\"false\"]\n");
    for variable in ["NOT_CI", "CI"] {
        let full = || Stdio::from(OpenOptions::new().write(true).open("/dev/full").unwrap());
        let mut run = place.command(&["run", "suite.toml"]);
        run.env(variable, "true").env("RUST_LOG", "trace");
        let status = run.stdout(full()).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(100));
        assert_eq!(place.json()["run"]["complete"], true);
    }
}
