//! The beginning of an attempt: what it needs is made, and it is begun anew where it was no measurement.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Instant;

use crashrate_model::EvidenceMode;

use super::{Attempt, Buffer, Place};
use crate::outcome::{Kill, Note, Seen};
use crate::plan::AttemptSpec;
use crate::process::capture::Captured;
use crate::process::slots::{Evidence, Observed};

/// How often an attempt is begun anew because what it was forked from died under it.
const MAX_ANEW: usize = 2;

/// Runs an attempt to its end; `tell` is handed what the child says of its progress.
pub(in super::super) fn run(
    place: &Place<'_>,
    spec: &AttemptSpec,
    buffer: &mut Buffer,
    tell: &mut dyn FnMut(Note),
) -> Observed {
    let mut zygotes_ended = Vec::new();
    let mut disturbed: Option<String> = None;
    loop {
        let mut spec = Cow::Borrowed(spec);
        if spec.watch == EvidenceMode::Trace
            && let Some(why) = place.untraceable.why(&spec.unit)
        {
            spec.to_mut().watch = EvidenceMode::None;
            disturbed = Some(why);
        }
        let mut observed = once(place, &mut spec, buffer, tell);
        if let Some(why) = observed.evidence.disturbed.take() {
            if spec.for_evidence || observed.seen.killed == Some(Kill::Interrupt) {
                observed.seen.notes.push(format!(
                    "traced, which may have changed how it ended: {why}"
                ));
            } else {
                // What it did under the tracer is no measurement.
                place.untraceable.add(&spec.unit, why);
                continue;
            }
        }
        if let Some(why) = &disturbed {
            observed.seen.notes.push(format!("not traced: {why}"));
        }
        zygotes_ended.extend(place.zygotes.take_deaths(place.slot));
        // Nothing is known of its end: it was not measured, whatever it did.
        let anew = observed.evidence.orphaned && observed.seen.killed.is_none();
        if anew && zygotes_ended.len() <= MAX_ANEW {
            continue;
        }
        observed.evidence.zygotes_ended = zygotes_ended;
        return observed;
    }
}

fn once(
    place: &Place<'_>,
    spec: &mut Cow<'_, AttemptSpec>,
    buffer: &mut Buffer,
    tell: &mut dyn FnMut(Note),
) -> Observed {
    let fresh = match prepare(place, spec) {
        Ok(fresh) => fresh,
        Err(error) => {
            let problem = format!("no directory of its own could be made: {error}");
            return not_started(spec, problem);
        }
    };
    let observed = start(place, spec, buffer, tell);
    if let Some(folder) = fresh {
        // What cannot be removed now is in the way of the next one, which says so.
        let _ = fs::remove_dir_all(folder);
    }
    observed
}

/// Makes what an attempt needs besides its unit's own things. Returns the folder that has to be removed after it.
fn prepare(place: &Place<'_>, spec: &mut Cow<'_, AttemptSpec>) -> io::Result<Option<PathBuf>> {
    if spec.watch == EvidenceMode::Core
        && let Some(cores) = place.cores
    {
        spec.to_mut().core_limit = Some(cores.limit());
    }
    if !spec.unit.process.fresh_directory {
        return Ok(None);
    }
    let folder = place.work.join(format!("slot-{}", place.slot));
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::create_dir_all(&folder)?,
    }
    spec.to_mut().fresh_directory = Some(folder.clone());
    Ok(Some(folder))
}

fn not_started(spec: &AttemptSpec, reason: String) -> Observed {
    let mut seen = Seen::nothing(&spec.unit);
    seen.not_started = Some(reason);
    Observed {
        seen,
        stdout: Captured::default(),
        stderr: Captured::default(),
        evidence: Evidence::default(),
    }
}

fn start(
    place: &Place<'_>,
    spec: &AttemptSpec,
    buffer: &mut Buffer,
    tell: &mut dyn FnMut(Note),
) -> Observed {
    let begun = Instant::now();
    match place.start.start(spec, place.slot) {
        Ok(started) => {
            let begun = started.begun.unwrap_or(begun);
            Attempt::new(place, spec, started, begun, buffer, tell).run_to_end()
        }
        Err(error) => not_started(spec, format!("could not be started: {error}")),
    }
}
