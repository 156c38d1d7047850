//! From sysctl. Not run by its authors yet.

use std::process::Command;

use super::output_of;

/// The processor's name.
pub(super) fn cpu() -> Option<String> {
    sysctl("machdep.cpu.brand_string")
}

/// The memory, in GiB.
pub(super) fn memory() -> Option<String> {
    let bytes: f64 = sysctl("hw.memsize")?.parse().ok()?;
    Some(format!("{:.1} GiB", bytes / (1u64 << 30) as f64))
}

/// The GPU is part of Apple's processor, and named with it.
pub(super) fn gpu() -> Option<String> {
    None
}

/// macOS and its version.
pub(super) fn distribution() -> Option<String> {
    let version = output_of(Command::new("sw_vers").arg("-productVersion"))?;
    Some(format!("macOS {version}"))
}

fn sysctl(name: &str) -> Option<String> {
    output_of(Command::new("sysctl").arg("-n").arg(name))
}
