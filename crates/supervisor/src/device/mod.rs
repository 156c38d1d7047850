//! The GPUs of this machine: which of them a run measures on, its locks on them, and what else
//! happens on the machine meanwhile.

#[cfg(target_os = "linux")]
mod linux;
mod lock;
#[cfg(target_os = "macos")]
mod macos;
mod selection;
mod surroundings;
mod visible;

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(target_os = "macos")]
use macos as platform;

pub use lock::{DeviceLocks, Holder, LOCKS_VARIABLE, LockError};
pub use selection::{DeviceError, DeviceSet};
pub use surroundings::{Before, Surroundings};

/// The name that stands for all CUDA devices.
pub const ALL_CUDA: &str = "cuda:*";
/// The name of the only CUDA device that an attempt sees if its slot has a device.
pub const OWN_CUDA: &str = "cuda:0";
/// The variable by which CUDA is shown only some devices.
pub const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";

/// A GPU as its driver lists it, in the order of PCI bus numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// Its UUID, such as `GPU-8932f937-d72c-4106-c12f-20bd9faed9f6`.
    pub uuid: String,
    /// Its model, such as `NVIDIA H200`.
    pub model: String,
    /// The version of its driver.
    pub driver: String,
}

/// The GPUs that the NVIDIA driver lists; `None` where there is no driver.
pub fn gpus() -> Option<Vec<Gpu>> {
    platform::gpus()
}

/// The processes that compute on a GPU and do not descend from this one, such as `python3 (4711)`.
/// Those of other PID namespaces are not known.
pub(crate) fn others_on(uuid: &str) -> Vec<String> {
    platform::others_on(uuid)
}

/// The load average of the last minute: how many threads of the host run or wait for a processor.
pub(crate) fn load_average() -> Option<f64> {
    platform::load_average()
}

/// The processors of the host that are online. This process may be limited to some of them, but the
/// load average counts the threads on all.
pub(crate) fn processors() -> usize {
    platform::processors()
}

/// The number of a CUDA device: 0 for `cuda`.
pub fn cuda_number(name: &str) -> Option<u32> {
    match name {
        "cuda" => Some(0),
        _ => name.strip_prefix("cuda:")?.parse().ok(),
    }
}
