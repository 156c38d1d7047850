//! Starts an attempt, and starts it again if the first start was not a measurement.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crashrate_model::EvidenceMode;

use super::{Attempt, Buffer};
use crate::outcome::{Kill, Note};
use crate::plan::AttemptSpec;
use crate::process::context::{SlotContext, lock, unit_key};
use crate::process::observed::Observed;

/// How often an attempt is started again because its zygote died under it.
const MAX_RESTARTS: usize = 2;

/// Runs an attempt to its end and completes its spec. `on_note` receives the child's progress.
pub(in super::super) fn run(
    context: &SlotContext,
    spec: &mut AttemptSpec,
    buffer: &mut Buffer,
    on_note: &mut dyn FnMut(Note),
) -> Observed {
    let asks_for_tracer = spec.watch == EvidenceMode::Trace;
    let unit = unit_key(&spec.unit);
    let mut zygotes_ended = Vec::new();
    loop {
        let untraceable = lock(&context.untraceable).get(&unit).cloned();
        let untraceable = untraceable.filter(|_| asks_for_tracer);
        if untraceable.is_some() {
            spec.watch = EvidenceMode::None;
        }
        let mut observed = run_once(context, spec, buffer, on_note);
        if let Some(why) = observed.evidence.watched.disturbed.take() {
            if spec.for_evidence || observed.seen.killed == Some(Kill::Interrupt) {
                observed.seen.notes.push(format!(
                    "traced, which may have changed how it ended: {why}"
                ));
            } else {
                // The behaviour of a disturbed attempt is not a measurement.
                tracing::info!("running it again without a tracer: {why}");
                lock(&context.untraceable).entry(unit).or_insert(why);
                continue;
            }
        }
        if let Some(why) = &untraceable {
            observed.seen.notes.push(format!("not traced: {why}"));
        }
        zygotes_ended.extend(context.run.start.take_zygote_deaths(context.slot));
        // The end of an orphan is unknown, so it was not measured.
        let is_lost = observed.evidence.orphaned && observed.seen.killed.is_none();
        if is_lost && zygotes_ended.len() <= MAX_RESTARTS {
            tracing::info!("running it again: its zygote died");
            continue;
        }
        observed.evidence.zygotes_ended = zygotes_ended;
        return observed;
    }
}

fn run_once(
    context: &SlotContext,
    spec: &mut AttemptSpec,
    buffer: &mut Buffer,
    on_note: &mut dyn FnMut(Note),
) -> Observed {
    if spec.watch == EvidenceMode::Core {
        spec.core_limit = context.run.cores.as_ref().map(|cores| cores.limit());
    }
    if spec.unit.process.fresh_directory {
        match fresh_directory(context) {
            Ok(folder) => spec.fresh_directory = Some(folder),
            Err(error) => {
                let problem = format!("its own directory could not be made: {error}");
                return Observed::not_started(spec, problem);
            }
        }
    }
    let start_called = Instant::now();
    let observed = match context.run.start.start(spec, context.slot) {
        Ok(child) => {
            let pid = child.process.pid.as_raw();
            context.pid.store(pid, Ordering::Relaxed);
            let attempt = Attempt::new(context, spec, child, start_called, buffer, on_note);
            let observed = attempt.run_to_end();
            context.pid.store(0, Ordering::Relaxed);
            observed
        }
        Err(error) => Observed::not_started(spec, format!("could not be started: {error}")),
    };
    if let Some(folder) = &spec.fresh_directory {
        // If this fails, the next attempt cannot make its directory and reports that.
        let _ = fs::remove_dir_all(folder);
    }
    observed
}

/// Makes the slot's empty directory.
fn fresh_directory(context: &SlotContext) -> io::Result<PathBuf> {
    let folder = context.run.work.join(format!("slot-{}", context.slot));
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::create_dir_all(&folder)?,
    }
    Ok(folder)
}
