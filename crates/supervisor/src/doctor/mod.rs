//! Checks of this machine, for `crashrate doctor` and for the record of each run.

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

use crate::device::{self, DeviceSet, Gpu};
use crate::plan::Plan;
use crate::process::{self, RefusedCall};
use crate::program;
use crate::suite::{Action, ById};
use crate::worker::{self, Workers};

/// The name of the finding about the devices that a worker sees.
const DEVICES: &str = "devices";

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

/// Whether processes can be traced.
pub(crate) fn tracing(traceable: &Result<(), String>) -> Finding {
    match traceable {
        Ok(()) => ok("tracing", "processes can be traced"),
        Err(why) => warning(
            "tracing",
            format!("processes cannot be traced: {why}"),
            "crashes are counted but have no stack; in a container allow SYS_PTRACE, or set \
             kernel.yama.ptrace_scope to 0 or 1; --evidence none if you do not need stacks",
        ),
    }
}

/// A system call that is refused: a blocker if nothing can be measured without it.
pub fn refused_call(call: &RefusedCall) -> Finding {
    let advice = call
        .without
        .unwrap_or("nothing can be measured without it: allow it");
    Finding {
        level: match call.without {
            Some(_) => Level::Warning,
            None => Level::Blocker,
        },
        ..warning("system calls", call.sentence(), advice)
    }
}

/// A device that cannot be on this machine.
pub fn absent_device(devices: &DeviceSet, plan: &Plan) -> Option<Finding> {
    let absent = devices.absence(plan.device_in_use())?;
    let advice = "the commands are started all the same, and may use another one";
    Some(warning("device", absent, advice))
}

/// Processes cannot be forked in this run.
pub(crate) fn not_forked(why: &str) -> Finding {
    warning(
        "fork",
        format!("nothing is forked: {why}"),
        "units with `spawn = \"fork\"` are executed",
    )
}

/// The memory of an attempt is not limited as a whole; that of each process is, where the system
/// can limit its address space.
pub(crate) fn memory_not_by_cgroup(device: &str) -> Finding {
    let may_be_cuda = device == "auto" || device.starts_with("cuda");
    let found = if process::LIMITS_ADDRESS_SPACE {
        "no usable cgroup controller: the address space of each process is limited instead"
    } else {
        "this system cannot limit the memory of a process: the limit is not set"
    };
    let advice = if process::LIMITS_ADDRESS_SPACE && may_be_cuda {
        "CUDA reserves far more address space than it uses and does not start under such a \
         limit: remove `memory`, or run in a delegated cgroup \
         (systemd-run --user --scope -p Delegate=yes)"
    } else {
        "an out-of-memory kill can then only be suspected, not proved: run in a delegated cgroup \
         with the memory controller"
    };
    warning("memory limit", found, advice)
}

/// The processes of an attempt are not limited as a whole.
pub(crate) fn processes_not_by_cgroup(user_is_root: bool) -> Finding {
    let found = if user_is_root {
        "no usable cgroup controller, and the per-user limit does not apply to root"
    } else {
        "no usable cgroup controller: the limit counts all processes of the user"
    };
    let advice = "run in a delegated cgroup with the pids controller";
    warning("process limit", found, advice)
}

/// All checks: the worker (`given`, or found `beside` this program), its devices, and the machine.
pub fn examine(given: Option<&Path>, beside: &Path, guardian: (&Path, &[&str])) -> Vec<Finding> {
    let mut findings = match worker::find(given, beside) {
        Ok((path, info)) => {
            let versions: Vec<_> = (info.versions.iter())
                .map(|(k, v)| format!("{k} {v}"))
                .collect();
            let found = format!("{} ({})", path.display(), versions.join(", "));
            vec![ok("worker", found), devices(&path)]
        }
        Err(error) => {
            let advice = "build it with `cargo xtask build`; commands can be measured without it";
            vec![warning("worker", error.to_string(), advice)]
        }
    };
    findings.extend(gpus());
    findings.extend(examine_machine());
    if process::TRACES {
        findings.push(tracing(&process::can_trace(guardian)));
    }
    let refused = process::refused_calls(guardian);
    findings.extend(refused.iter().map(refused_call));
    findings
}

/// The checks that are stored with a run: the workers' devices, the machine, and variables of the
/// suite that the system removes.
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

/// The devices that a worker sees; only the worker can know.
fn devices(worker: &Path) -> Finding {
    match worker::ask_text(worker, "devices") {
        Ok(text) => ok(
            DEVICES,
            text.split_whitespace().collect::<Vec<_>>().join(", "),
        ),
        Err(error) => warning(
            DEVICES,
            error.to_string(),
            "your own worker may print its device names when run as `WORKER devices`",
        ),
    }
}

/// Whether every worker has listed a CUDA device that works.
pub(crate) fn lists_cuda(findings: &[Finding]) -> bool {
    let mut listed = findings.iter().filter(|f| f.name == DEVICES).peekable();
    let has_cuda = |finding: &Finding| {
        let mut devices = finding.found.split(", ");
        finding.level == Level::Ok && devices.any(|device| device.starts_with("cuda:"))
    };
    listed.peek().is_some() && listed.all(has_cuda)
}

/// The NVIDIA GPUs and who uses them, a finding for each; none without NVIDIA's driver.
fn gpus() -> Vec<Finding> {
    let gpus = device::gpus().unwrap_or_default();
    let finding = |(index, gpu): (usize, &Gpu)| {
        let Gpu {
            uuid,
            model,
            driver,
        } = gpu;
        let found = format!("{index}: {model}, {uuid}, driver {driver}");
        match device::others_on(uuid) {
            others if others.is_empty() => ok("GPU", found),
            others => warning(
                "GPU",
                format!("{found}; in use by {}", others.join(", ")),
                "end what else uses it: it changes timings and crash rates, and rounds beside it \
                 are marked",
            ),
        }
    };
    gpus.iter().enumerate().map(finding).collect()
}

/// Load changes timings and the rates of races.
fn load() -> Option<Finding> {
    let cores = device::processors();
    let load = device::load_average()?;
    let found = format!("{load:.1} on {cores} cores");
    Some(if load > cores as f64 {
        warning(
            "load",
            found,
            "wait until the machine is idle: timings and crash rates shift under load",
        )
    } else {
        ok("load", found)
    })
}

/// Variables that the system removes before the program of a chapter starts.
fn stripped_variables(plan: &Plan, workers: &Workers) -> Vec<Finding> {
    let mut findings = Vec::new();
    let by_id = ById::of(&plan.suite);
    for unit in &plan.units {
        let Some(chapter) = unit.chapters.first().and_then(|id| by_id.chapter(id)) else {
            continue;
        };
        let variant = (plan.suite.variants.iter()).find(|v| v.id == unit.suite_variant());
        // Without variables there is no need to search for the program.
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
                let advice = "the system removes it for protected programs: use one outside \
                              /usr/bin and /bin";
                findings.push(warning("environment", found, advice));
            }
        }
    }
    findings
}
