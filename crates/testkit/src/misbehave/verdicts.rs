//! Sends a verdict through the protocol, then ends in another way.

use crashrate_protocol::{Event, EventWriter, env};

use super::{Done, Problem, SURVIVED, segfault_at_exit};

/// Passes and exits with this code.
pub(super) fn passed(code: i32) -> Done {
    let (started, chapter) = begin();
    say(&[started, Event::ChapterPassed { chapter }])?;
    Ok(code)
}

/// Fails and exits with this code.
pub(super) fn failed(code: i32) -> Done {
    let (started, chapter) = begin();
    let reason = "this chapter always fails".to_owned();
    say(&[started, Event::ChapterFailed { chapter, reason }])?;
    Ok(code)
}

/// Passes and does something that ends the process.
pub(super) fn passed_then(act: fn()) -> Done {
    passed(0)?;
    act();
    Ok(SURVIVED)
}

/// Passes and faults in an exit handler.
pub(super) fn passed_at_exit() -> Done {
    segfault_at_exit();
    passed(0)
}

pub(super) fn unavailable(_: &[String]) -> Done {
    let reason = "no such device".to_owned();
    say(&[Event::Unavailable { reason }])?;
    Ok(1)
}

fn begin() -> (Event, String) {
    let chapter = std::env::var(env::CHAPTER).unwrap_or_else(|_| "misbehave".to_owned());
    let started = Event::ChapterStarted {
        chapter: chapter.clone(),
    };
    (started, chapter)
}

fn say(events: &[Event]) -> Result<(), Problem> {
    let writer = EventWriter::from_env()?;
    for event in events {
        writer.send(event)?;
    }
    Ok(())
}
