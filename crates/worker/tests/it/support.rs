//! Runs the worker and parses its output.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

/// The worker's command, without the variables of a supervisor that runs the tests.
pub(crate) fn worker() -> Command {
    clean(Command::new(env!("CARGO_BIN_EXE_crashrate-worker")))
}

fn clean(mut command: Command) -> Command {
    for variable in ["CRASHRATE_EVENTS_FD", "CRASHRATE_DEVICE", "CRASHRATE_SEED"] {
        command.env_remove(variable);
    }
    command
}

/// The result of running the worker.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code; `None` after a signal.
    pub(crate) code: Option<i32>,
    /// The signal that killed it, if any.
    pub(crate) signal: Option<i32>,
    /// The lines written to the events descriptor.
    pub(crate) events: Vec<Value>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the worker with these arguments.
pub(crate) fn call(arguments: &[&str]) -> Ended {
    let output = worker().args(arguments).stdin(Stdio::null()).output();
    ended(output.expect("the worker starts"), Vec::new())
}

fn ended(output: Output, events: Vec<Value>) -> Ended {
    Ended {
        code: output.status.code(),
        signal: output.status.signal(),
        events,
        stdout: String::from_utf8(output.stdout).expect("stdout is text"),
        stderr: String::from_utf8(output.stderr).expect("stderr is text"),
    }
}

/// Builds a task.
pub(crate) fn task(chapters: &[Value], device: &str) -> String {
    json!({"v": 1, "chapters": chapters, "device": device, "seed": 7, "fault": null}).to_string()
}

/// Builds a chapter small enough for a test. `more` is merged into its parameters.
pub(crate) fn chapter(id: &str, worker: &str, more: &Value) -> Value {
    let mut params = json!({
        "threads": 2, "iterations": 2, "d_model": 32, "heads": 2, "feed_forward": 64, "sequence": 8,
    });
    for (name, value) in more.as_object().expect("parameters") {
        match value {
            Value::Null => params.as_object_mut().unwrap().remove(name),
            value => params
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), value.clone()),
        };
    }
    json!({"id": id, "worker": worker, "params": params})
}

/// Starts the worker with a pipe as descriptor 3 for events. The other end is the child's `stdout`.
pub(crate) fn with_events() -> Child {
    let mut shell = clean(Command::new("sh"));
    shell
        .args([
            "-c",
            "exec \"$0\" 3>&1 1>&2",
            env!("CARGO_BIN_EXE_crashrate-worker"),
        ])
        .env("CRASHRATE_EVENTS_FD", "3")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    shell.spawn().expect("a shell starts")
}

/// Sends the task and closes the worker's input.
pub(crate) fn send_task(child: &mut Child, line: &str) {
    let mut stdin = child.stdin.take().expect("it is piped");
    // A worker that has already rejected its command line may be gone.
    let _ = writeln!(stdin, "{line}");
}

/// Runs a task as the supervisor does.
pub(crate) fn run_task(line: &str) -> Ended {
    let mut child = with_events();
    send_task(&mut child, line);
    let mut events = String::new();
    let mut pipe = child.stdout.take().expect("it is piped");
    pipe.read_to_string(&mut events).expect("events are text");
    let output = child.wait_with_output().expect("the worker ends");
    let events = events
        .lines()
        .map(|line| serde_json::from_str(line).expect("an event is JSON"));
    ended(output, events.collect())
}

impl Ended {
    /// The kinds of events in order, without progress and measures.
    pub(crate) fn story(&self) -> Vec<&str> {
        let kinds = self
            .events
            .iter()
            .map(|event| event["event"].as_str().unwrap());
        kinds
            .filter(|kind| !matches!(*kind, "progress" | "measure"))
            .collect()
    }

    /// The value of a measure.
    pub(crate) fn measure(&self, name: &str, label: &str) -> Option<f64> {
        let found = self
            .events
            .iter()
            .find(|e| e["event"] == "measure" && e["name"] == name && e["label"] == label);
        found?["value"].as_f64()
    }

    /// The unit of a measure.
    pub(crate) fn unit(&self, name: &str) -> Option<&str> {
        let found = self
            .events
            .iter()
            .find(|e| e["event"] == "measure" && e["name"] == name);
        found?["unit"].as_str()
    }

    /// Asserts that the worker exited with this code and one line on stderr that contains `said`.
    pub(crate) fn assert_refused(&self, code: i32, said: &str) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.stderr.contains(said), "{:?}", self.stderr);
        assert_eq!(self.stderr.lines().count(), 1, "{:?}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{:?}", self.stderr);
    }
}
