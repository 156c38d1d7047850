//! Reads a task and runs its chapters in order in this process.

use std::io::BufRead;

use crashrate_protocol::{Event, Fault, Task, TaskChapter, VERSION};
use serde::Deserialize;
use serde_json::Value;

use crate::caught::{brief, caught};
use crate::chapter::{self, Chapter, Context, Verdict};
use crate::device::{Device, Requested};
use crate::event_sink::{EventSink, ReceiverGone};
use crate::exit::Refusal;
use crate::fault::Injected;
use crate::info;
use crate::params::Params;

/// The longest task line, in bytes.
const MAX_TASK: u64 = 16 * 1024 * 1024;

/// Reads the task line.
///
/// # Errors
/// There is no line, or it is not a task of this version.
pub(crate) fn read(input: impl BufRead) -> Result<Task, Refusal> {
    let wrong = |why: String| Refusal::Usage(format!("bad task on standard input: {why}"));
    let mut line = Vec::new();
    input
        .take(MAX_TASK)
        .read_until(b'\n', &mut line)
        .map_err(|error| wrong(error.to_string()))?;
    if line.trim_ascii().is_empty() {
        return Err(wrong(
            "standard input is empty; send one JSON line, or see `crashrate-worker --help`"
                .to_owned(),
        ));
    }
    let value: Value = serde_json::from_slice(&line)
        .map_err(|error| wrong(format!("not one line of JSON ({error})")))?;
    match value.get("v").and_then(Value::as_u64) {
        Some(v) if v == u64::from(VERSION) => {}
        Some(v) => {
            return Err(wrong(format!(
                "it has version {v}, but this worker uses version {VERSION}; use both programs \
                 from one build"
            )));
        }
        None => return Err(wrong(format!("it does not say \"v\":{VERSION}"))),
    }
    serde_json::from_value(value).map_err(|error| wrong(error.to_string()))
}

/// Runs the chapters of a task and returns whether all passed.
///
/// # Errors
/// The task is wrong, its device is not available, or the receiver is gone. A failed chapter is not
/// an error.
pub(crate) fn run(task: &Task, sink: &EventSink) -> Result<bool, Refusal> {
    let requested: Requested = task.device.parse().map_err(Refusal::Usage)?;
    let planned = planned(task)?;
    let fault = fault(task)?;
    // Read before the device opens: starting CUDA or MPS must not change the CPU's default.
    let libtorch_threads = tch::get_num_threads();
    let device = open(requested, sink)?;
    sink.send(&Event::Hello {
        device: device.to_string(),
        versions: info::versions(Some(device)),
    })?;
    let injected = fault
        .map(|fault| inject(&fault, device, sink))
        .transpose()?
        .flatten();
    let mut all_passed = true;
    for Planned {
        id,
        chapter,
        params,
    } in planned
    {
        let context = Context {
            device,
            seed: params.seed(task.seed),
            params,
            libtorch_threads,
            sink,
        };
        all_passed &= run_one(id, chapter, &context, injected.as_ref())?;
    }
    Ok(all_passed)
}

/// A chapter with its parsed parameters.
struct Planned<'a> {
    id: &'a str,
    chapter: &'static Chapter,
    params: Params,
}

/// Parses the whole task before anything runs.
fn planned(task: &Task) -> Result<Vec<Planned<'_>>, Refusal> {
    if task.chapters.is_empty() {
        return Err(Refusal::Usage("the task has no chapters".to_owned()));
    }
    task.chapters.iter().map(plan_one).collect()
}

/// Parses the fault that the task requests.
fn fault(task: &Task) -> Result<Option<Fault>, Refusal> {
    let wrong = |why: String| Refusal::Usage(format!("fault: {why}"));
    let requested = task.fault.as_ref().filter(|fault| !fault.is_null());
    let Some(requested) = requested else {
        return Ok(None);
    };
    // Ignoring an unknown fault would give results that look like those of a run with it.
    let fault = Fault::deserialize(requested).map_err(|error| wrong(error.to_string()))?;
    match fault.on.iter().find(|kind| *kind != "cpu") {
        None => Ok(Some(fault)),
        Some(other) => Err(wrong(format!(
            "on \"{other}\": this fault can only be injected on cpu"
        ))),
    }
}

/// Activates the fault if it applies to this device, and reports whether it does.
fn inject(fault: &Fault, device: Device, sink: &EventSink) -> Result<Option<Injected>, Refusal> {
    let here = device.is_cpu() && !fault.on.is_empty();
    let text = if here {
        format!("a fault is injected: {}", crate::fault::in_words(fault))
    } else {
        format!("the fault is not injected on {device}")
    };
    sink.send(&Event::Note { text })?;
    if !here {
        return Ok(None);
    }
    Injected::begin(fault)
        .map(Some)
        .map_err(|error| Refusal::Unavailable(format!("no fault: {}", brief(&error))))
}

fn plan_one(wanted: &TaskChapter) -> Result<Planned<'_>, Refusal> {
    let id = &wanted.id;
    let wrong = |why: String| Refusal::Usage(format!("chapter \"{id}\": {why}"));
    let Some(name) = &wanted.worker else {
        return Err(wrong(
            "it names no built-in chapter, and this worker cannot run commands".to_owned(),
        ));
    };
    let chapter = chapter::find(name).ok_or_else(|| {
        wrong(format!(
            "this worker has no chapter \"{name}\"; it has {}",
            chapter::names()
        ))
    })?;
    let params = Params::read(chapter.params, chapter.unused, &wanted.params).map_err(|why| {
        // For `run`, and often in suites, the id equals the name.
        wrong(if id == name {
            why
        } else {
            format!("{name}: {why}")
        })
    })?;
    Ok(Planned {
        id,
        chapter,
        params,
    })
}

fn open(requested: Requested, sink: &EventSink) -> Result<Device, Refusal> {
    let mut notes = Vec::new();
    let opened = Device::open(requested, |text| notes.push(text));
    for text in notes {
        sink.send(&Event::Note { text })?;
    }
    match opened {
        Ok(device) => Ok(device),
        Err(reason) => {
            sink.send(&Event::Unavailable {
                reason: reason.clone(),
            })?;
            Err(Refusal::Unavailable(reason))
        }
    }
}

/// Runs one chapter and reports its verdict. Every failure is a verdict, except a lost receiver.
fn run_one(
    id: &str,
    chapter: &Chapter,
    context: &Context<'_>,
    fault: Option<&Injected>,
) -> Result<bool, Refusal> {
    let sink = context.sink;
    sink.send(&Event::ChapterStarted {
        chapter: id.to_owned(),
    })?;
    if !context.params.ignored.is_empty() {
        let ignored = context.params.ignored.join(", ");
        let text = format!("{} ignores the parameter {ignored}", chapter.name);
        sink.send(&Event::Note { text })?;
    }
    let verdict = caught(|| {
        // Gradient mode and intra-operation threads are set per thread; this thread prepares the
        // chapter.
        let _no_grad = tch::no_grad_guard();
        if let Some(threads) = context.plan().intra_op_threads {
            tch::set_num_threads(threads);
        }
        (chapter.run)(context)
    });
    if let Some(fault) = fault {
        sink.measure("contexts_left", fault.chapter_ended() as f64, "", "")?;
    }
    let verdict = match verdict {
        Ok(verdict) => verdict,
        Err(error) => match error.downcast::<ReceiverGone>() {
            Ok(gone) => return Err(gone.into()),
            Err(error) => Verdict::Failed(brief(&error)),
        },
    };
    let chapter = id.to_owned();
    Ok(match verdict {
        Verdict::Passed => {
            sink.send(&Event::ChapterPassed { chapter })?;
            true
        }
        Verdict::Failed(reason) => {
            sink.send(&Event::ChapterFailed { chapter, reason })?;
            false
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(line: &str) -> String {
        let task = read(line.as_bytes());
        match task.and_then(|task| fault(&task).and(planned(&task).map(|all| all.len()))) {
            Ok(chapters) => format!("{chapters} chapters"),
            Err(refusal) => refusal.to_string(),
        }
    }

    #[test]
    fn valid_and_invalid_tasks() {
        let task = |chapters: &str, more: &str| {
            format!(r#"{{"v":1,"chapters":[{chapters}],"device":"cpu","seed":7{more}}}"#)
        };
        let good = r#"{"id":"a","worker":"thread-safety","params":{"threads":2}}"#;
        assert_eq!(refusal(&task(good, r#","fault":null"#)), "1 chapters");
        for (line, said) in [
            (String::new(), "standard input is empty"),
            ("{\"v\":1,".to_owned(), "not one line of JSON"),
            ("\u{1}".to_owned(), "not one line of JSON"),
            ("{}".to_owned(), "does not say \"v\":1"),
            ("{\"v\":2}".to_owned(), "has version 2"),
            ("{\"v\":1}".to_owned(), "missing field `chapters`"),
            (task("", ""), "no chapters"),
            (task(good, r#","fault":{"kind":"x"}"#), "fault"),
            (task(r#"{"id":"a"}"#, ""), "names no built-in chapter"),
            (task(r#"{"id":"a","worker":"b"}"#, ""), "no chapter \"b\""),
            (
                task(r#"{"id":"a","worker":"scaling","params":{"x":1}}"#, ""),
                "chapter \"a\": scaling: unknown parameter \"x\"",
            ),
        ] {
            let told = refusal(&line);
            assert!(told.contains(said), "{told}");
            assert!(!told.contains('\n'), "{told}");
        }
    }
}
