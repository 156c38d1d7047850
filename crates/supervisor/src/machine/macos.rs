//! Facts from sysctl and sw_vers. Not run by its authors yet.

use std::process::Command;

use super::output_of;

/// CPU model.
pub(super) fn cpu() -> Option<String> {
    sysctl("machdep.cpu.brand_string")
}

/// Memory, in GiB.
pub(super) fn memory() -> Option<String> {
    let bytes: f64 = sysctl("hw.memsize")?.parse().ok()?;
    Some(format!("{:.1} GiB", bytes / (1u64 << 30) as f64))
}

/// Apple's GPU is part of the CPU and named with it.
pub(super) fn gpu() -> Option<String> {
    None
}

/// macOS and its version.
pub fn distribution() -> Option<String> {
    let version = output_of(Command::new("sw_vers").arg("-productVersion"))?;
    Some(format!("macOS {version}"))
}

/// Why a kind of device cannot be here.
pub(super) fn missing_device(kind: &str) -> Option<&'static str> {
    (kind == "cuda").then_some("macOS has no CUDA")
}

fn sysctl(name: &str) -> Option<String> {
    output_of(Command::new("sysctl").arg("-n").arg(name))
}
