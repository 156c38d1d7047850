//! Helpers of all tests: a folder to run the program in, its output, and its journal.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crashrate_model::{Closed, Ended, EvidenceRound, Lines, Opened, Record, Started, ZygoteEnd};
use crashrate_testkit::processes::{
    KillAtEnd, hear_signals, processes_with_argument, wait_until_gone,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// Time limit for waiting in a test: far longer than anything takes, even on a loaded machine.
const TOO_LONG: Duration = Duration::from_secs(600);
/// Time limit for killed processes to disappear from the process table.
const GONE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);

/// Reports that a test, or part of it, is impossible on this machine. `CRASHRATE_REQUIRE_ALL=1`,
/// which CI sets, makes that a failure.
#[track_caller]
pub(crate) fn skip(why: &str) {
    let required = std::env::var_os("CRASHRATE_REQUIRE_ALL").is_some_and(|value| value == "1");
    assert!(!required, "CRASHRATE_REQUIRE_ALL=1: {why}");
    eprintln!("SKIPPED: {why}");
}

/// A temporary folder that contains a runs folder. Dropping it checks that no process of its runs
/// is left.
pub(crate) struct Place {
    folder: TempDir,
    /// A unique suite name. Run ids mark processes, so those of parallel tests must differ.
    pub(crate) name: String,
}

impl Place {
    pub(crate) fn new() -> Place {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Place {
            folder: tempfile::tempdir().unwrap(),
            name: format!("t{}-{count}", std::process::id()),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn runs_dir(&self) -> PathBuf {
        self.path().join("runs")
    }

    /// Writes a file and returns its path.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Writes an executable script and returns its path.
    pub(crate) fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.write(name, script);
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        path
    }

    /// Writes `suite.toml`: a `[suite]` section, then `body`.
    pub(crate) fn suite(&self, body: &str) -> PathBuf {
        let head = format!("[suite]\nname = \"{}\"\ndevice = \"cpu\"\n", self.name);
        self.write("suite.toml", head + body)
    }

    /// Writes `suite.toml` with this worker in its `[suite]` section, then `body`.
    pub(crate) fn worker_suite(&self, worker: &Path, body: &str) -> PathBuf {
        self.suite(&format!("worker = {worker:?}\n{body}"))
    }

    /// A command that runs crashrate in this place, without environment variables that would affect
    /// it.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_crashrate"), args)
    }

    /// The same for another program, such as a shell that starts crashrate.
    pub(crate) fn command_of(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CRASHRATE_") {
                command.env_remove(name);
            }
        }
        for name in [
            "CI",
            "RUST_LOG",
            "NO_COLOR",
            "CUDA_VISIBLE_DEVICES",
            "CLICOLOR_FORCE",
            "GITHUB_ACTIONS",
            "GITHUB_STEP_SUMMARY",
        ] {
            command.env_remove(name);
        }
        command
            .env("CRASHRATE_RUNS_DIR", self.runs_dir())
            // Tests that run at the same time do not wait for each other.
            .env("CRASHRATE_LOCKS", self.path().join("locks"))
            .current_dir(self.path())
            .args(args);
        command
    }

    /// Runs crashrate and waits until it ends.
    pub(crate) fn crashrate(&self, args: &[&str]) -> Done {
        self.start(&mut self.command(args)).wait()
    }

    /// Starts a program without waiting for it.
    pub(crate) fn start(&self, command: &mut Command) -> Live {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let file = |what| self.path().join(format!(".{what}-{count}"));
        let (stdout, stderr) = (file("stdout"), file("stderr"));
        hear_signals();
        let child = command
            .stdin(Stdio::null())
            .stdout(File::create(&stdout).unwrap())
            .stderr(File::create(&stderr).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Live {
            child,
            stdout,
            stderr,
        }
    }

    /// The run folders, in the order of their numbers.
    pub(crate) fn runs(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.runs_dir()).into_iter().flatten();
        let mut runs: Vec<_> = entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir() && !id(path).starts_with('.'))
            .collect();
        let number = |path: &PathBuf| id(path).split('-').next().unwrap().parse::<u32>().unwrap();
        runs.sort_by_key(number);
        runs
    }

    /// The folder of the only run.
    pub(crate) fn run(&self) -> PathBuf {
        let runs = self.runs();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs[0].clone()
    }

    /// The JSON report of the last run.
    pub(crate) fn json(&self) -> Value {
        let done = self.crashrate(&["report", "--format", "json"]);
        assert_eq!((done.code(), &*done.stderr), (0, ""), "{}", done.stdout);
        serde_json::from_str(&done.stdout).unwrap()
    }

    /// The full report of the last run, as a terminal shows it.
    pub(crate) fn full(&self) -> String {
        self.crashrate(&["report", "--full"]).expect(0).stdout
    }

    /// The journal of the only run, as far as it is written.
    pub(crate) fn journal(&self) -> Journal {
        Journal::read(&self.run())
    }

    /// The journal of the first run, as far as it is written. Empty if there is none yet.
    pub(crate) fn journal_so_far(&self) -> Journal {
        match self.runs().first() {
            Some(run) if run.join("journal.jsonl").is_file() => Journal::read(run),
            _ => Journal::default(),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for run in self.runs() {
            let _kill = KillAtEnd(id(&run));
            if !std::thread::panicking() {
                assert_nothing_left(&id(&run));
            }
        }
    }
}

/// Checks that no process of a run is left: neither its children nor its guardian.
pub(crate) fn assert_nothing_left(run_id: &str) {
    let children = wait_until_gone(run_id, GONE);
    assert!(children.is_empty(), "{run_id} left {children:?}");
    until("the guardian is gone", || {
        processes_with_argument(run_id).is_empty()
    });
}

/// The id of a run, which is the name of its folder.
pub(crate) fn id(run: &Path) -> String {
    run.file_name().unwrap().to_str().unwrap().to_owned()
}

/// A running program. Dropping this kills it.
pub(crate) struct Live {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Live {
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Waits until all threads of the program sleep. Without `/proc` (macOS) it waits half a
    /// second.
    pub(crate) fn until_idle(&self) {
        let tasks = PathBuf::from(format!("/proc/{}/task", self.pid()));
        if !tasks.exists() {
            std::thread::sleep(Duration::from_millis(500));
            return;
        }
        let sleeps = |task: &Path| {
            let stat = fs::read_to_string(task.join("stat")).unwrap_or_default();
            // The state follows the name in parentheses, which may contain any characters.
            let state = stat
                .rsplit_once(") ")
                .map(|(_, rest)| rest.starts_with('S'));
            // A thread that has just ended no longer has a file.
            state.unwrap_or(true)
        };
        until("all threads sleep", || {
            let tasks = fs::read_dir(&tasks).unwrap();
            tasks.flatten().all(|task| sleeps(&task.path()))
        });
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.stdout).unwrap()).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.stderr).unwrap()).into_owned()
    }

    /// Waits until the program has written `text` to its standard error.
    pub(crate) fn says(&self, text: &str) {
        until(text, || self.stderr().contains(text));
    }

    pub(crate) fn wait(mut self) -> Done {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                begin.elapsed() < TOO_LONG,
                "the program does not end; standard error: {}",
                self.stderr()
            );
            std::thread::sleep(POLL);
        };
        Done {
            status,
            stdout: self.stdout(),
            stderr: self.stderr(),
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // Usually the program has already ended and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `holds` is true.
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(
            begin.elapsed() < TOO_LONG,
            "timed out waiting until: {what}"
        );
        std::thread::sleep(POLL);
    }
}

/// The exit status and output of a program that has ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    /// The exit code; the negative signal number if a signal ended the program.
    pub(crate) fn code(&self) -> i32 {
        let signal = || -self.status.signal().unwrap();
        self.status.code().unwrap_or_else(signal)
    }

    /// Checks the exit code. On failure it shows what was printed.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Done {
        assert_eq!(
            self.code(),
            code,
            "{}\n--- standard error\n{}",
            self.stdout,
            self.stderr
        );
        self
    }
}

/// A journal's records, by kind.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) opened: Vec<Opened>,
    pub(crate) started: Vec<Started>,
    pub(crate) ended: Vec<Ended>,
    pub(crate) closed: Vec<Closed>,
    pub(crate) zygotes: Vec<ZygoteEnd>,
    pub(crate) evidence: Vec<EvidenceRound>,
}

impl Journal {
    pub(crate) fn read(run: &Path) -> Journal {
        let mut journal = Journal::default();
        for record in records(run) {
            match record {
                Record::Opened(opened) => journal.opened.push(*opened),
                Record::Started(started) => journal.started.push(started),
                Record::Ended(ended) => journal.ended.push(*ended),
                Record::Closed(closed) => journal.closed.push(closed),
                Record::Zygote(end) => journal.zygotes.push(end),
                Record::Evidence(round) => journal.evidence.push(*round),
                Record::Built(_)
                | Record::Bisected(_)
                | Record::Provoked(_)
                | Record::DeviceFailed(_)
                | Record::Ending(_)
                | Record::Hello(_)
                | Record::Minimized(_) => {}
            }
        }
        journal
    }

    /// The name of a unit.
    pub(crate) fn name(&self, unit: u32) -> &str {
        &self.opened[0].run.units[unit as usize].name
    }

    /// The end of the only attempt of a unit.
    #[track_caller]
    pub(crate) fn only_end_of(&self, name: &str) -> &Ended {
        let ends = self.ended.iter().filter(|e| self.name(e.unit) == name);
        let ends: Vec<_> = ends.collect();
        assert_eq!(ends.len(), 1, "{name}: {ends:?}");
        ends[0]
    }
}

/// The records of a run's journal, as far as it is written.
pub(crate) fn records(run: &Path) -> Vec<Record> {
    let bytes = fs::read(run.join("journal.jsonl")).unwrap();
    let whole = bytes.split_inclusive(|&b| b == b'\n');
    let whole = whole.filter(|line| line.ends_with(b"\n"));
    let mut lines = Lines::default();
    whole.map(|line| lines.read(line).unwrap()).collect()
}

/// The bytes of a journal with these records.
pub(crate) fn journal_of<'r>(records: impl IntoIterator<Item = &'r Record>) -> Vec<u8> {
    let (mut lines, mut journal) = (Lines::default(), Vec::new());
    for record in records {
        lines.write(record, &mut journal).unwrap();
    }
    journal
}

/// The only row in which `key` has the value `is`.
#[track_caller]
pub(crate) fn row<'a>(rows: &'a Value, key: &str, is: &str) -> &'a Value {
    let rows = rows.as_array().unwrap();
    let found: Vec<_> = rows.iter().filter(|row| row[key] == is).collect();
    assert_eq!(found.len(), 1, "{key} {is} in {rows:#?}");
    found[0]
}

/// The Python of a virtual environment with pytest and its plugins, which is created once.
pub(crate) fn pytest() -> Option<PathBuf> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    PYTHON.get_or_init(install_pytest).clone()
}

fn install_pytest() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pytest");
    let python = folder.join("bin/python");
    let has = |python: &PathBuf| {
        let import = Command::new(python)
            .args(["-c", "import pytest, xdist, pytest_forked"])
            .output();
        import.is_ok_and(|done| done.status.success())
    };
    if has(&python) {
        return Some(python);
    }
    let script = "python3 -m venv \"$0\" && \"$0/bin/python\" -m pip install -q pytest pytest-xdist pytest-forked";
    let made = Command::new("sh")
        .args(["-c", script])
        .arg(&folder)
        .output()
        .unwrap();
    if has(&python) {
        return Some(python);
    }
    let why = String::from_utf8_lossy(&made.stderr).into_owned();
    skip(&format!("pytest cannot be installed: {why}"));
    None
}
