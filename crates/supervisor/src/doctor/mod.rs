//! What stands in the way of measuring here: looked at by `crashrate doctor`, and stored with each run.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

use std::path::Path;

use crashrate_model::{Finding, Level};

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(target_os = "macos")]
use macos as platform;

use crate::plan::Plan;
use crate::process::{self, RefusedCall};
use crate::program;
use crate::suite::{Action, ById};
use crate::worker::{self, WorkerError, Workers};

fn ok(name: &str, found: impl Into<String>) -> Finding {
    Finding {
        name: name.into(),
        level: Level::Ok,
        found: found.into(),
        advice: None,
    }
}

fn warning(name: &str, found: impl Into<String>, advice: &str) -> Finding {
    Finding {
        level: Level::Warning,
        advice: Some(advice.into()),
        ..ok(name, found)
    }
}

/// That processes cannot be traced, found when a run begins.
pub(crate) fn not_traced(why: &str) -> Finding {
    warning(
        "tracing",
        format!("refused: {why}"),
        "crashes are counted, and have no place; in a container allow SYS_PTRACE, or set kernel.yama.ptrace_scope to 0 \
         or 1; --evidence none says that it is not wanted",
    )
}

/// That a system call is refused.
pub fn refused_call(call: &RefusedCall) -> Finding {
    let advice = call
        .without
        .unwrap_or("nothing can be measured without it: allow it");
    let finding = warning("system calls", call.sentence(), advice);
    match call.without {
        Some(_) => finding,
        None => Finding {
            level: Level::Blocker,
            ..finding
        },
    }
}

/// That processes cannot be forked, found when a run begins.
pub(crate) fn not_forked(why: &str) -> Finding {
    warning(
        "fork",
        format!("nothing is forked: {why}"),
        "what the suite wants forked is executed",
    )
}

/// That the memory of an attempt is not limited as a whole.
pub(crate) fn memory_not_by_cgroup(by_rlimit: bool, may_be_cuda: bool) -> Finding {
    let found = match by_rlimit {
        true => {
            "there is no cgroup controller to be used from here: the address space of each process is limited instead"
        }
        false => "the memory of a process cannot be limited on this system: the limit is not set",
    };
    let advice = match by_rlimit && may_be_cuda {
        true => {
            "CUDA reserves far more address space than it uses and does not start under such a limit: take `memory` \
                 away for it, or run in a delegated cgroup (systemd-run --user --scope -p Delegate=yes)"
        }
        false => {
            "an out-of-memory kill is then only suspected, never known: run in a delegated cgroup with the memory \
                  controller to have both"
        }
    };
    warning("memory limit", found, advice)
}

/// That the processes of an attempt are not limited as a whole.
pub(crate) fn processes_not_by_cgroup(is_root: bool) -> Finding {
    let found = match is_root {
        true => {
            "there is no cgroup controller to be used from here, and the limit of a user does not bind root"
        }
        false => {
            "there is no cgroup controller to be used from here: all processes of the user count, and not the attempt's"
        }
    };
    let advice = "run in a delegated cgroup with the pids controller";
    warning("process limit", found, advice)
}

/// Looks at everything: the worker (`given`, or found `beside` this program), its devices, and the machine.
pub fn examine(given: Option<&Path>, beside: &Path, guardian: (&Path, &[&str])) -> Vec<Finding> {
    let mut findings = match worker::find(given, beside) {
        Ok((path, info)) => {
            let versions: Vec<_> = (info.versions.iter())
                .map(|(k, v)| format!("{k} {v}"))
                .collect();
            let found = format!("{} ({})", path.display(), versions.join(", "));
            vec![ok("worker", found), devices(&path)]
        }
        Err(error) => vec![no_worker(&error)],
    };
    findings.extend(examine_machine());
    let refused = process::refused_calls(guardian);
    findings.extend(refused.iter().map(refused_call));
    findings
}

/// What is stored with a run: what its workers see, the machine, and what its plan asks for that will not happen.
pub fn examine_for(plan: &Plan, workers: &Workers) -> Vec<Finding> {
    let mut paths: Vec<&Path> = workers.by_variant.values().map(AsRef::as_ref).collect();
    paths.dedup();
    let mut findings: Vec<Finding> = paths.into_iter().map(devices).collect();
    findings.extend(examine_machine());
    findings.extend(stripped_variables(plan, workers));
    findings
}

fn examine_machine() -> Vec<Finding> {
    let mut findings = platform::examine();
    findings.extend(load());
    findings
}

fn no_worker(error: &WorkerError) -> Finding {
    let advice = "build it with `cargo xtask build`; commands can be measured without it";
    warning("worker", error.to_string(), advice)
}

/// The devices that a worker sees: it is asked, since only it can know.
fn devices(worker: &Path) -> Finding {
    match worker::ask_text(worker, "devices") {
        Ok(text) => ok(
            "devices",
            text.split_whitespace().collect::<Vec<_>>().join(", "),
        ),
        Err(error) => warning(
            "devices",
            error.to_string(),
            "a worker of your own may answer `WORKER devices` with the names of devices",
        ),
    }
}

/// A busy machine makes timings, and race rates, what they are not elsewhere.
fn load() -> Option<Finding> {
    let cores = std::thread::available_parallelism().ok()?.get();
    let load = platform::load_average()?;
    let found = format!("{load:.1} on {cores} cores");
    Some(if load > cores as f64 {
        warning(
            "load",
            found,
            "wait until the machine is idle: timings and race rates shift under load",
        )
    } else {
        ok("load", found)
    })
}

/// Variables that the system takes away before the program of a chapter sees them.
fn stripped_variables(plan: &Plan, workers: &Workers) -> Vec<Finding> {
    let mut findings = Vec::new();
    let by_id = ById::of(&plan.suite);
    for unit in &plan.units {
        let Some(chapter) = unit.chapters.first().and_then(|id| by_id.chapter(id)) else {
            continue;
        };
        let variant = (plan.suite.variants.iter()).find(|v| v.id == unit.suite_variant());
        // Nothing to be taken away, and no program to be looked for.
        if chapter.env.is_empty() && variant.is_none_or(|variant| variant.env.is_empty()) {
            continue;
        }
        let path = match &chapter.action {
            Action::Worker { .. } => workers.by_variant.get(unit.suite_variant()).cloned(),
            Action::Command(argv) => {
                program::find(&argv[0], &chapter.timing.directory, &chapter.env).ok()
            }
        };
        let names = (variant.iter().flat_map(|v| v.env.keys())).chain(chapter.env.keys());
        for name in names {
            if path
                .as_deref()
                .is_some_and(|path| platform::strips(name, path))
            {
                let found = format!("{name} does not reach `{}`", unit.name);
                let advice = "the system strips it from its own programs: name a program outside of /usr/bin and /bin";
                findings.push(warning("environment", found, advice));
            }
        }
    }
    findings
}
