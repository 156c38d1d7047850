//! Sends a verdict through the protocol, then ends in another way.

use crashrate_protocol::{Event, EventWriter, env};

use super::{Done, hangs, in_a_thread, segfault_at_exit, write_to_null};

pub(super) fn pass(_: &[String]) -> Done {
    passed()?;
    Ok(0)
}

pub(super) fn pass_exit_3(_: &[String]) -> Done {
    passed()?;
    Ok(3)
}

pub(super) fn fail(_: &[String]) -> Done {
    failed()?;
    Ok(1)
}

pub(super) fn fail_exit_0(_: &[String]) -> Done {
    failed()?;
    Ok(0)
}

pub(super) fn then_segfault(_: &[String]) -> Done {
    segfault_at_exit();
    passed()?;
    Ok(0)
}

pub(super) fn then_segfault_thread(_: &[String]) -> Done {
    passed()?;
    in_a_thread(write_to_null);
    Ok(70)
}

pub(super) fn then_hang(_: &[String]) -> Done {
    passed()?;
    hangs::hang(&[])
}

pub(super) fn unavailable(_: &[String]) -> Done {
    let reason = "no such device".to_owned();
    say(&[Event::Unavailable { reason }])?;
    Ok(1)
}

fn passed() -> Result<(), String> {
    let (started, chapter) = begin();
    say(&[started, Event::ChapterPassed { chapter }])
}

fn failed() -> Result<(), String> {
    let (started, chapter) = begin();
    let reason = "this chapter always fails".to_owned();
    say(&[started, Event::ChapterFailed { chapter, reason }])
}

fn begin() -> (Event, String) {
    let chapter = std::env::var(env::CHAPTER).unwrap_or_else(|_| "misbehave".to_owned());
    let started = Event::ChapterStarted {
        chapter: chapter.clone(),
    };
    (started, chapter)
}

fn say(events: &[Event]) -> Result<(), String> {
    let writer = EventWriter::from_env().map_err(|e| e.to_string())?;
    for event in events {
        writer.send(event).map_err(|e| e.to_string())?;
    }
    Ok(())
}
