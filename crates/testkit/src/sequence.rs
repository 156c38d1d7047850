//! The program `sequence-runner`: a worker without libtorch, and a program that runs a whole
//! sequence.
//!
//! It reads the task on standard input and acts out each chapter according to its parameters:
//! - `act`: `pass`, `fail`, `measure`, `exit-0` (exits without a verdict), `unavailable` (reports
//!   it and exits with 1), `segfault-between`, `segfault-between-thread` and `hang-between` (after
//!   the verdict, before the next chapter), `segfault-at-exit` (in an exit handler), or any
//!   [kind](crate::misbehave::KINDS) of `misbehave` that sends no verdict;
//! - `args`: the arguments of that kind, a list of strings;
//! - `when_round`: the rounds in which to act, all if empty; the chapter passes in the others;
//! - `when_dose`: act only if the task's fault has at least this dose;
//! - `secs`: seconds to wait first;
//! - `name`, `value`, `unit`, `label`: the measure that `measure` sends.
//!
//! The exit code is 0, or 1 if a chapter failed.

use std::time::Duration;

use crashrate_protocol::{
    ChapterInfo, Event, EventWriter, Task, TaskChapter, VERSION, WorkerInfo, env,
};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value, json};

use crate::misbehave::{self, Done, Kind, Problem, USAGE};

/// The only chapter.
const CHAPTER: &str = "act";

/// Runs the program and returns its exit code.
pub fn main(args: &[String]) -> i32 {
    let done = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => run(),
        ["list"] => {
            println!("{}", json!(info()));
            Ok(0)
        }
        _ => Err("usage: sequence-runner [list] (the task on standard input)".into()),
    };
    done.unwrap_or_else(|wrong| {
        eprintln!("sequence-runner: {wrong}");
        USAGE
    })
}

/// The output of `sequence-runner list`.
pub fn info() -> WorkerInfo {
    let params = json!(Params::default());
    WorkerInfo {
        v: VERSION,
        versions: versions(),
        chapters: vec![ChapterInfo {
            name: CHAPTER.to_owned(),
            about: "does what its parameter `act` says".to_owned(),
            params: params.as_object().cloned().unwrap_or_default(),
        }],
    }
}

fn versions() -> std::collections::BTreeMap<String, String> {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    [("sequence-runner".to_owned(), version)].into()
}

/// The parameters of a chapter; see above.
#[derive(Serialize, Deserialize)]
#[serde(default)]
struct Params {
    act: String,
    args: Vec<String>,
    when_round: Vec<u64>,
    when_dose: u64,
    secs: Number,
    name: String,
    value: f64,
    unit: String,
    label: String,
}

impl Default for Params {
    fn default() -> Self {
        Params {
            act: "pass".to_owned(),
            args: Vec::new(),
            when_round: Vec::new(),
            when_dose: 0,
            secs: 0.into(),
            name: "value".to_owned(),
            value: 1.0,
            unit: String::new(),
            label: String::new(),
        }
    }
}

fn run() -> Done {
    let task: Task =
        serde_json::from_reader(std::io::stdin()).map_err(|e| format!("the task: {e}"))?;
    let events = EventWriter::from_env()?;
    events.send(&Event::Hello {
        device: "cpu".to_owned(),
        versions: versions(),
    })?;
    let mut code = 0;
    for chapter in &task.chapters {
        let id = chapter.id.clone();
        println!("chapter {id}");
        events.send(&Event::ChapterStarted {
            chapter: id.clone(),
        })?;
        match act_out(chapter, dose(&task), &events) {
            Ok(then) => {
                events.send(&Event::ChapterPassed { chapter: id })?;
                if let Some(act) = then {
                    act();
                }
            }
            Err(reason) => {
                events.send(&Event::ChapterFailed {
                    chapter: id,
                    reason: reason.to_string(),
                })?;
                code = 1;
            }
        }
    }
    Ok(code)
}

/// The dose of the task's fault.
fn dose(task: &Task) -> u64 {
    let dose = task.fault.as_ref().and_then(|fault| fault["dose"].as_u64());
    dose.unwrap_or(0)
}

/// Acts out one chapter. Returns what remains to be done after its verdict. An error is the reason
/// of its failure.
fn act_out(
    chapter: &TaskChapter,
    dose: u64,
    events: &EventWriter,
) -> Result<Option<fn()>, Problem> {
    if chapter.worker.as_deref().unwrap_or(CHAPTER) != CHAPTER {
        return Err(format!("the only chapter is `{CHAPTER}`").into());
    }
    let params: Params = serde_json::from_value(Value::Object(chapter.params.clone()))?;
    let secs = params.secs.as_f64().unwrap_or(0.0);
    std::thread::sleep(Duration::try_from_secs_f64(secs).unwrap_or_default());
    if !is_due(&params.when_round)? || params.when_dose > dose {
        return Ok(None);
    }
    match params.act.as_str() {
        "fail" => Err("failed as requested".into()),
        "measure" => {
            events.send(&Event::Measure {
                name: params.name,
                value: params.value,
                unit: params.unit,
                label: params.label,
            })?;
            Ok(None)
        }
        "exit-0" => std::process::exit(0),
        "unavailable" => {
            let reason = "no such device".to_owned();
            events.send(&Event::Unavailable { reason })?;
            std::process::exit(1)
        }
        "segfault-between" => Ok(Some(misbehave::write_to_null)),
        "segfault-between-thread" => Ok(Some(misbehave::segfault_in_thread)),
        "hang-between" => Ok(Some(misbehave::wait_for_nothing)),
        "segfault-at-exit" => {
            misbehave::segfault_at_exit();
            Ok(None)
        }
        name => match kind(name)?.act(&params.args)? {
            0 => Ok(None),
            code => std::process::exit(code),
        },
    }
}

fn kind(name: &str) -> Result<&'static Kind, String> {
    match Kind::named(name) {
        Some(kind) if kind.sends_verdict => Err(format!("`{name}` sends its own verdict")),
        Some(kind) => Ok(kind),
        None => Err(format!("unknown act `{name}`")),
    }
}

/// Returns whether the current round is in the list; an empty list means all rounds.
fn is_due(when_round: &[u64]) -> Result<bool, Problem> {
    if when_round.is_empty() {
        return Ok(true);
    }
    Ok(when_round.contains(&std::env::var(env::ROUND)?.parse()?))
}
