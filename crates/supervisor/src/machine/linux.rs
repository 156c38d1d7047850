//! Facts from /proc and /etc.

use std::fs;
use std::path::Path;

/// CPU model.
pub(super) fn cpu() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    field(&text, "model name").or_else(|| field(&text, "Processor"))
}

/// Memory, in GiB.
pub(super) fn memory() -> Option<String> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let total = field(&text, "MemTotal")?;
    let kib: f64 = total.split_whitespace().next()?.parse().ok()?;
    Some(format!("{:.1} GiB", kib / 1024.0 / 1024.0))
}

/// NVIDIA GPUs, by the names of their driver.
pub(super) fn gpu() -> Option<String> {
    let folders = fs::read_dir("/proc/driver/nvidia/gpus").ok()?.flatten();
    let model = |folder: fs::DirEntry| {
        let text = fs::read_to_string(folder.path().join("information")).ok()?;
        field(&text, "Model")
    };
    let models: Vec<String> = folders.filter_map(model).collect();
    (!models.is_empty()).then(|| models.join(", "))
}

/// The name and version of the operating system, such as `Debian GNU/Linux 12 (bookworm)`, from
/// os-release(5).
pub fn distribution() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").ok()?;
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(name.trim_matches('"').to_owned())
}

/// Why a kind of device cannot be here. CUDA needs a device node of NVIDIA, Tegra, WSL or ROCm.
pub(super) fn missing_device(kind: &str) -> Option<&'static str> {
    let nodes = ["nvidiactl", "nvidia0", "nvmap", "nvhost-ctrl", "dxg", "kfd"];
    let exists = |node: &str| Path::new("/dev").join(node).exists();
    match kind {
        "mps" => Some("MPS needs macOS on Apple silicon"),
        "cuda" if !nodes.into_iter().any(exists) => {
            Some("this machine has no GPU device node (/dev/nvidiactl)")
        }
        _ => None,
    }
}

fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
