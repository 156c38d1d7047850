//! Run folders that contain something else in place of crashrate's files: links out of the folder,
//! FIFOs, sockets, folders. Nothing outside changes, nothing hangs, and every refusal is one plain
//! sentence.

use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::pages::Pages;
use crate::util::{Done, Place};

/// Time limit for a command: much longer than any needs, and short enough to detect a hang.
const QUICK: Duration = Duration::from_secs(20);
const PRECIOUS: &str = "precious\n";

/// Something other than a regular file, in the place of one.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Obstacle {
    Link,
    Dangling,
    Fifo,
    Socket,
    Folder,
}

const OBSTACLES: [Obstacle; 5] = [
    Obstacle::Link,
    Obstacle::Dangling,
    Obstacle::Fifo,
    Obstacle::Socket,
    Obstacle::Folder,
];

impl Obstacle {
    /// Creates the obstacle at `path`. Links lead into `outside`.
    fn put(self, path: &Path, outside: &Path) {
        match self {
            Obstacle::Link => symlink(outside.join("precious"), path).unwrap(),
            Obstacle::Dangling => symlink(outside.join("missing"), path).unwrap(),
            Obstacle::Fifo => mkfifo(path, Mode::S_IRWXU).unwrap(),
            // A socket can be bound only to a short path, so it is renamed afterwards.
            Obstacle::Socket => {
                let short = outside.with_file_name("s");
                drop(UnixListener::bind(&short).unwrap());
                fs::rename(short, path).unwrap();
            }
            Obstacle::Folder => fs::create_dir(path).unwrap(),
        }
    }

    fn is_at(self, path: &Path) -> bool {
        let Ok(file) = path.symlink_metadata() else {
            return false;
        };
        let kind = file.file_type();
        match self {
            Obstacle::Link | Obstacle::Dangling => kind.is_symlink(),
            Obstacle::Fifo => kind.is_fifo(),
            Obstacle::Socket => kind.is_socket(),
            Obstacle::Folder => kind.is_dir(),
        }
    }

    fn remove(self, path: &Path) {
        match self {
            Obstacle::Folder => fs::remove_dir(path).unwrap(),
            _ => fs::remove_file(path).unwrap(),
        }
    }

    /// The words for the obstacle in an error.
    fn words(self) -> &'static str {
        match self {
            Obstacle::Link | Obstacle::Dangling => "it is a symbolic link, not a regular file",
            Obstacle::Fifo => "it is a FIFO, not a regular file",
            Obstacle::Socket => "it is a socket, not a regular file",
            Obstacle::Folder => "it is a folder, not a regular file",
        }
    }
}

/// Creates a folder next to the runs folder with a file that must not change.
fn outside(place: &Place) -> PathBuf {
    place.write("outside/precious", PRECIOUS);
    place.path().join("outside")
}

#[track_caller]
fn assert_untouched(outside: &Path) {
    let precious = fs::read_to_string(outside.join("precious")).unwrap();
    assert_eq!(precious, PRECIOUS);
    assert_eq!(
        fs::read_dir(outside).unwrap().count(),
        1,
        "nothing is added"
    );
}

/// Runs a command and checks that it does not hang.
#[track_caller]
fn quickly(place: &Place, args: &[&str]) -> Done {
    let begin = Instant::now();
    let done = place.crashrate(args);
    assert!(begin.elapsed() < QUICK, "{args:?}: {:?}", begin.elapsed());
    done
}

fn two_runs() -> Place {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 1\ncommand = [\"true\"]\n");
    for _ in 0..2 {
        place.crashrate(&["run", "suite.toml"]).expect(0);
    }
    place
}

/// Covers every command that reads or writes a run folder, and every file in it.
#[test]
fn nothing_is_read_or_written_through_irregular_files() {
    std::thread::scope(|scope| {
        for obstacle in OBSTACLES {
            scope.spawn(move || with_each_file_replaced(obstacle));
        }
    });
}

fn with_each_file_replaced(obstacle: Obstacle) {
    let place = two_runs();
    let outside = outside(&place);
    let run = place.runs().remove(1);
    for (name, resumes) in [
        ("lock", 110),
        ("guardian.lock", 110),
        ("journal.jsonl", 96),
        ("run.toml", 96),
        // Not fatal: only the reports or the reserved disk space are missing.
        ("reserve", 0),
        ("report.md", 0),
        ("report.html", 0),
    ] {
        let (path, aside) = (run.join(name), run.join("aside"));
        let was_there = fs::rename(&path, &aside).is_ok();
        obstacle.put(&path, &outside);
        let resumed = quickly(&place, &["run", "--resume", "2"]);
        assert_eq!(resumed.code(), resumes, "{obstacle:?} {name}: {resumed:?}");
        if name != "reserve" {
            let says = obstacle.words();
            assert!(resumed.stderr.contains(says), "{name}: {resumed:?}");
            let shown = path.to_str().unwrap();
            assert!(resumed.stderr.contains(shown), "{name}: {resumed:?}");
            assert!(obstacle.is_at(&path), "{obstacle:?} {name}");
        }
        let report = if name == "journal.jsonl" { 96 } else { 0 };
        let reported = quickly(&place, &["report", "2"]);
        assert_eq!(reported.code(), report, "{obstacle:?} {name}: {reported:?}");
        quickly(&place, &["runs"]).expect(0);
        quickly(&place, &["history", &place.name]).expect(0);
        assert_untouched(&outside);
        if obstacle.is_at(&path) {
            obstacle.remove(&path);
        }
        if was_there {
            fs::rename(&aside, &path).unwrap();
        }
    }
    quickly(&place, &["run", "--resume", "2"]).expect(0);
}

#[test]
fn nothing_is_pruned_or_numbered_through_a_link() {
    for obstacle in OBSTACLES {
        let place = two_runs();
        let outside = outside(&place);
        let [first, _] = &place.runs()[..] else {
            panic!("expected two runs");
        };
        fs::remove_file(first.join("lock")).unwrap();
        obstacle.put(&first.join("lock"), &outside);
        let pruned = quickly(&place, &["runs", "prune", "--keep", "1", "--yes"]);
        let pruned = pruned.expect(110);
        assert!(
            pruned.stderr.contains(obstacle.words()),
            "{}",
            pruned.stderr
        );
        assert!(first.exists());
        let numbering = place.runs_dir().join(".lock");
        fs::remove_file(&numbering).unwrap();
        obstacle.put(&numbering, &outside);
        let run = quickly(&place, &["run", "suite.toml"]).expect(110);
        assert!(run.stderr.contains(obstacle.words()), "{}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        assert_untouched(&outside);
        // `Place` treats every folder in the runs folder as a run.
        obstacle.remove(&numbering);
    }
}

/// A link in the runs folder is not a run. Neither reports nor pruning follow it.
#[test]
fn a_run_folder_that_is_a_link_is_not_listed() {
    let (place, other) = (two_runs(), two_runs());
    let elsewhere = other.runs().remove(0);
    let link = place.runs_dir().join("0-elsewhere-1-1");
    symlink(&elsewhere, &link).unwrap();
    let runs = quickly(&place, &["runs"]).expect(0);
    assert!(!runs.stdout.contains("elsewhere"), "{}", runs.stdout);
    quickly(&place, &["runs", "prune", "--keep", "1", "--yes"]).expect(0);
    assert!(elsewhere.join("journal.jsonl").exists());
    fs::remove_file(link).unwrap();
}

#[test]
fn pages_of_a_folder_with_fifos_do_not_hang() {
    let place = two_runs();
    let run = place.runs().remove(1);
    for name in ["journal.jsonl", "lock"] {
        fs::remove_file(run.join(name)).unwrap();
        mkfifo(&run.join(name), Mode::S_IRWXU).unwrap();
    }
    let pages = Pages::of(&place);
    let begin = Instant::now();
    assert!(pages.get("/").starts_with("HTTP/1.1 200 "));
    let id = crate::util::id(&run);
    assert!(
        !pages
            .get(&format!("/runs/{id}"))
            .starts_with("HTTP/1.1 200 ")
    );
    let history = pages.get(&format!("/history/{}", place.name));
    assert!(history.starts_with("HTTP/1.1 200 "), "{history:.300}");
    assert!(begin.elapsed() < QUICK);
}

/// A file outside the run folder that is hard-linked into it keeps its content.
#[test]
fn hard_links_keep_their_content() {
    let place = two_runs();
    let outside = outside(&place);
    let run = place.runs().remove(1);
    for name in [
        "lock",
        "guardian.lock",
        "report.md",
        "report.html",
        "reserve",
    ] {
        let _ = fs::remove_file(run.join(name));
        fs::hard_link(outside.join("precious"), run.join(name)).unwrap();
        quickly(&place, &["run", "--resume", "2"]).expect(0);
        assert_untouched(&outside);
        let _ = fs::remove_file(run.join(name));
    }
    let journal = run.join("journal.jsonl");
    fs::hard_link(&journal, outside.join("journal")).unwrap();
    let before = fs::read(&journal).unwrap();
    let refused = quickly(&place, &["run", "--resume", "2"]).expect(96);
    assert!(
        refused.stderr.contains("a second name"),
        "{}",
        refused.stderr
    );
    assert_eq!(fs::read(&journal).unwrap(), before);
}

/// Writes a suite whose attempts run `script` in the run folder, print a line and crash.
fn child(place: &Place, script: &str) {
    place.suite(&format!(
        "[[chapter]]\nid = \"x\"\nrounds = 2\ntimeout = \"5s\"\ncommand = [\"sh\", \"-c\", '''\ncd \"{}/$CRASHRATE_RUN_ID\"\n{script}\necho said\nkill -SEGV $$''']\n",
        place.runs_dir().display()
    ));
}

/// Regression: a FIFO in place of an output file hung the run forever. Ctrl-C and SIGTERM did not
/// end it.
#[test]
fn a_child_that_replaces_output_and_crash_files() {
    let output = "output/0-x-isolated-default-r$CRASHRATE_ROUND-a1.txt";
    let crash = "crashes/0-x-isolated-default-r$CRASHRATE_ROUND-a1.json";
    for (script, what) in [
        (format!("mkfifo {output}"), "a FIFO"),
        (
            format!("ln -s ../../../outside/precious {output}"),
            "a symbolic link",
        ),
        (
            "rm -r output; ln -s ../../outside output".to_owned(),
            "a symbolic link",
        ),
        ("rm -r output; mkfifo output".to_owned(), "a FIFO"),
        (format!("mkdir -p crashes; mkfifo {crash}"), "a FIFO"),
        (
            format!("mkdir -p crashes; ln -s ../../../outside/precious {crash}"),
            "a symbolic link",
        ),
        (
            "rm -rf crashes; ln -s ../../outside crashes".to_owned(),
            "a symbolic link",
        ),
    ] {
        let place = Place::new();
        let outside = outside(&place);
        child(&place, &script);
        let done = quickly(&place, &["run", "suite.toml"]).expect(100);
        assert_untouched(&outside);
        let journal = place.journal();
        assert_eq!(journal.ended.len(), 2, "{}", done.stderr);
        // Without a tracer there is no crash file.
        if script.contains("output") || journal.ended[0].crash.is_some() {
            let notes = journal.ended[0].notes.join("\n");
            assert!(notes.contains(what), "{script}: {notes}");
        }
    }
}

/// If a child puts something in the place of a report, the run prints an error and still ends
/// normally.
#[test]
fn a_child_that_replaces_report_files() {
    let place = Place::new();
    let outside = outside(&place);
    child(
        &place,
        "rm -f report.md report.html; ln -s ../../outside/precious report.md; mkfifo report.html",
    );
    let done = quickly(&place, &["run", "suite.toml"]).expect(100);
    for says in [
        "report.md could not be written: it is a symbolic link",
        "report.html could not be written: it is a FIFO",
    ] {
        assert!(done.stderr.contains(says), "{}", done.stderr);
    }
    assert_untouched(&outside);
}
