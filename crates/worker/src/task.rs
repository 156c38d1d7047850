//! Reading a task, and running its chapters one after another in this process.

use std::io::BufRead;

use crashrate_protocol::{Event, Fault, Task, TaskChapter, VERSION};
use serde::Deserialize;
use serde_json::Value;

use crate::caught::{brief, caught};
use crate::chapter::{self, Chapter, Context, Verdict};
use crate::device::{Asked, Device};
use crate::event_sink::{EventSink, Unheard};
use crate::exit::Refusal;
use crate::fault::Injected;
use crate::info;
use crate::params::Params;

/// The longest task line that is read, bytes.
const MAX_TASK: u64 = 16 * 1024 * 1024;

/// Reads the task line.
///
/// # Errors
/// There is none, or it is no task of this version.
pub(crate) fn read(input: impl BufRead) -> Result<Task, Refusal> {
    let wrong = |why: String| Refusal::Usage(format!("bad task on standard input: {why}"));
    let mut line = Vec::new();
    input
        .take(MAX_TASK)
        .read_until(b'\n', &mut line)
        .map_err(|error| wrong(error.to_string()))?;
    if line.trim_ascii().is_empty() {
        return Err(wrong(
            "there is none; send one JSON line, or see `crashrate-worker --help`".to_owned(),
        ));
    }
    let value: Value = serde_json::from_slice(&line)
        .map_err(|error| wrong(format!("not one line of JSON ({error})")))?;
    match value.get("v").and_then(Value::as_u64) {
        Some(v) if v == u64::from(VERSION) => {}
        Some(v) => {
            return Err(wrong(format!(
                "it is of version {v}, and this worker speaks version {VERSION}; take both programs from one build"
            )));
        }
        None => return Err(wrong(format!("it does not say \"v\":{VERSION}"))),
    }
    serde_json::from_value(value).map_err(|error| wrong(error.to_string()))
}

/// Runs the chapters of a task, and says whether all passed.
///
/// # Errors
/// The task is wrong, its device is not there, or nobody listens. A chapter that fails is none.
pub(crate) fn run(task: &Task, sink: &EventSink) -> Result<bool, Refusal> {
    let asked: Asked = task.device.parse().map_err(Refusal::Usage)?;
    let planned = planned(task)?;
    let fault = fault(task)?;
    // Before the device: what CUDA or MPS start must not change what the CPU's default is.
    let libtorch_threads = tch::get_num_threads();
    let device = open(asked, sink)?;
    sink.say(&Event::Hello {
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

/// A chapter with its parameters read.
struct Planned<'a> {
    id: &'a str,
    chapter: &'static Chapter,
    params: Params,
}

/// All of a task is read before any of it is run.
fn planned(task: &Task) -> Result<Vec<Planned<'_>>, Refusal> {
    if task.chapters.is_empty() {
        return Err(Refusal::Usage("the task has no chapters".to_owned()));
    }
    task.chapters.iter().map(plan_one).collect()
}

/// The fault that a task asks for, if this worker can make it.
fn fault(task: &Task) -> Result<Option<Fault>, Refusal> {
    let wrong = |why: String| Refusal::Usage(format!("fault: {why}"));
    let asked = task.fault.as_ref().filter(|fault| !fault.is_null());
    let Some(asked) = asked else {
        return Ok(None);
    };
    // Running without it would give figures that look like those of a run with it.
    let fault = Fault::deserialize(asked).map_err(|error| wrong(error.to_string()))?;
    match fault.on.iter().find(|kind| *kind != "cpu") {
        None => Ok(Some(fault)),
        Some(other) => Err(wrong(format!(
            "on \"{other}\": the tensors of this race live on the CPU; it can be injected on cpu only"
        ))),
    }
}

/// Begins the fault where it is meant for this device, and says which of both.
fn inject(fault: &Fault, device: Device, sink: &EventSink) -> Result<Option<Injected>, Refusal> {
    let here = device.is_cpu() && !fault.on.is_empty();
    let text = if here {
        format!("a fault is injected: {}", crate::fault::in_words(fault))
    } else {
        format!("the fault is not injected on {device}")
    };
    sink.say(&Event::Note { text })?;
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
            "it names no built-in chapter, and this worker runs no commands".to_owned(),
        ));
    };
    let chapter = chapter::find(name).ok_or_else(|| {
        wrong(format!(
            "this worker has no chapter \"{name}\"; it has {}",
            chapter::names()
        ))
    })?;
    let params = Params::read(chapter.params, chapter.unused, &wanted.params).map_err(|why| {
        // By hand, and often in suites, the id is the name.
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

fn open(asked: Asked, sink: &EventSink) -> Result<Device, Refusal> {
    let mut notes = Vec::new();
    let opened = Device::open(asked, |text| notes.push(text));
    for text in notes {
        sink.say(&Event::Note { text })?;
    }
    match opened {
        Ok(device) => Ok(device),
        Err(reason) => {
            sink.say(&Event::Unavailable {
                reason: reason.clone(),
            })?;
            Err(Refusal::Unavailable(reason))
        }
    }
}

/// Runs one chapter and tells its verdict. A failure of any kind is its verdict, but for nobody listening.
fn run_one(
    id: &str,
    chapter: &Chapter,
    context: &Context<'_>,
    fault: Option<&Injected>,
) -> Result<bool, Refusal> {
    let sink = context.sink;
    sink.say(&Event::ChapterStarted {
        chapter: id.to_owned(),
    })?;
    if !context.params.idle.is_empty() {
        let idle = context.params.idle.join(", ");
        let text = format!("{} makes no use of {idle}", chapter.name);
        sink.say(&Event::Note { text })?;
    }
    let verdict = caught(|| {
        // Gradients and libtorch's own threads are set for each thread; this is the one that prepares.
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
        Err(error) => match error.downcast::<Unheard>() {
            Ok(unheard) => return Err(unheard.into()),
            Err(error) => Verdict::Failed(brief(&error)),
        },
    };
    let chapter = id.to_owned();
    Ok(match verdict {
        Verdict::Passed => {
            sink.say(&Event::ChapterPassed { chapter })?;
            true
        }
        Verdict::Failed(reason) => {
            sink.say(&Event::ChapterFailed { chapter, reason })?;
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
    fn tasks_right_and_wrong() {
        let task = |chapters: &str, more: &str| {
            format!(r#"{{"v":1,"chapters":[{chapters}],"device":"cpu","seed":7{more}}}"#)
        };
        let good = r#"{"id":"a","worker":"thread-safety","params":{"threads":2}}"#;
        assert_eq!(refusal(&task(good, r#","fault":null"#)), "1 chapters");
        for (line, said) in [
            (String::new(), "there is none"),
            ("{\"v\":1,".to_owned(), "not one line of JSON"),
            ("\u{1}".to_owned(), "not one line of JSON"),
            ("{}".to_owned(), "does not say \"v\":1"),
            ("{\"v\":2}".to_owned(), "of version 2"),
            ("{\"v\":1}".to_owned(), "missing field `chapters`"),
            (task("", ""), "no chapters"),
            (task(good, r#","fault":{"kind":"x"}"#), "fault"),
            (task(r#"{"id":"a"}"#, ""), "names no built-in chapter"),
            (task(r#"{"id":"a","worker":"b"}"#, ""), "no chapter \"b\""),
            (
                task(r#"{"id":"a","worker":"scaling","params":{"x":1}}"#, ""),
                "chapter \"a\": scaling: there is no parameter \"x\"",
            ),
        ] {
            let told = refusal(&line);
            assert!(told.contains(said), "{told}");
            assert!(!told.contains('\n'), "{told}");
        }
    }
}
