//! NVIDIA's driver, through NVML, which is loaded when it is first needed.

use std::sync::OnceLock;

use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;

use super::Gpu;

/// `None` where there is no driver.
fn nvml() -> Option<&'static Nvml> {
    static NVML: OnceLock<Option<Nvml>> = OnceLock::new();
    let load = || match Nvml::init() {
        Ok(nvml) => Some(nvml),
        Err(error) => {
            tracing::debug!("NVML cannot be used: {error}");
            None
        }
    };
    NVML.get_or_init(load).as_ref()
}

pub(super) fn gpus() -> Option<Vec<Gpu>> {
    let nvml = nvml()?;
    let driver = nvml.sys_driver_version().unwrap_or_default();
    let gpu = |index| -> Result<Gpu, NvmlError> {
        let device = nvml.device_by_index(index)?;
        Ok(Gpu {
            uuid: device.uuid()?,
            model: device.name()?,
            driver: driver.clone(),
        })
    };
    let count = nvml.device_count().ok()?;
    // A GPU that fell off the bus has an index, but no answers.
    Some((0..count).filter_map(|index| gpu(index).ok()).collect())
}

pub(super) fn processes_on(uuid: &str) -> Vec<u32> {
    let processes = nvml().and_then(|nvml| {
        let device = nvml.device_by_uuid(uuid).ok()?;
        device.running_compute_processes().ok()
    });
    let processes = processes.unwrap_or_default();
    processes.into_iter().map(|process| process.pid).collect()
}

/// The one GPU of a Mac.
pub(super) const HAS_MPS: bool = false;
