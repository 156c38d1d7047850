//! Sends a verdict through the protocol, then ends in another way.

use crashrate_protocol::{Event, EventWriter, env};

use super::{Done, Problem, SURVIVED, segfault_at_exit};

/// Passes and exits with this code.
pub(super) fn passed(code: i32) -> Done {
    let (events, chapter) = begin()?;
    events.send(&Event::ChapterPassed { chapter })?;
    Ok(code)
}

/// Fails and exits with this code.
pub(super) fn failed(code: i32) -> Done {
    let (events, chapter) = begin()?;
    let reason = "this chapter always fails".to_owned();
    events.send(&Event::ChapterFailed { chapter, reason })?;
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
    EventWriter::from_env()?.send(&Event::Unavailable { reason })?;
    Ok(1)
}

/// Starts the chapter.
fn begin() -> Result<(EventWriter, String), Problem> {
    let events = EventWriter::from_env()?;
    let chapter = std::env::var(env::CHAPTER).unwrap_or_else(|_| "misbehave".to_owned());
    events.send(&Event::ChapterStarted {
        chapter: chapter.clone(),
    })?;
    Ok((events, chapter))
}
