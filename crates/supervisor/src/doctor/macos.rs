//! Checks of a Mac, from the system's own programs. Not run by its authors yet.

use std::path::Path;
use std::process::Command;

use crashrate_model::Finding;

use super::{ok, warning};

pub(super) fn examine() -> Vec<Finding> {
    vec![sip(), metal(), dyld()]
}

fn sip() -> Finding {
    let name = "system integrity protection";
    let status = output(Command::new("csrutil").arg("status"));
    if status.contains("disabled") {
        return ok(name, status);
    }
    let advice = "patched drivers cannot be installed, and system programs do not see DYLD_*";
    warning(name, status, advice)
}

fn metal() -> Finding {
    let name = "metal";
    let text = output(Command::new("system_profiler").args(["SPDisplaysDataType", "-json"]));
    let devices = device_names(&text);
    if devices.is_empty() {
        return warning(name, "no device found", "device `mps` needs one");
    }
    ok(name, devices.join(", "))
}

fn device_names(text: &str) -> Vec<String> {
    let json: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let displays = json["SPDisplaysDataType"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let name = |display: &serde_json::Value| {
        let model = display["sppci_model"].as_str()?;
        let cores = display["sppci_cores"].as_str().unwrap_or("?");
        Some(format!("{model} ({cores} cores)"))
    };
    displays.iter().filter_map(name).collect()
}

/// Starts a program that the system protects with such a variable.
fn dyld() -> Finding {
    let name = "DYLD_*";
    let mut probe = Command::new("/bin/sh");
    probe
        .args(["-c", "echo $DYLD_CRASHRATE_PROBE"])
        .env("DYLD_CRASHRATE_PROBE", "arrived");
    match output(&mut probe).as_str() {
        "arrived" => ok(name, "reaches children, also system programs"),
        _ => warning(
            name,
            "removed for system programs such as /bin/sh and /usr/bin/python3",
            "in a variant that sets it, use a worker or command outside /bin and /usr/bin",
        ),
    }
}

/// Whether the system removes this variable for this program.
pub(super) fn strips(name: &str, program: &Path) -> bool {
    let protected = [
        "/bin",
        "/sbin",
        "/usr/bin",
        "/usr/sbin",
        "/usr/libexec",
        "/System",
    ];
    name.starts_with("DYLD_") && protected.iter().any(|folder| program.starts_with(folder))
}

fn output(command: &mut Command) -> String {
    let output = command.output().map(|o| o.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}
