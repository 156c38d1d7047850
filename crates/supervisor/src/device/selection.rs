//! Which devices a run measures on.

use std::collections::HashSet;

use crashrate_model::Device;
use thiserror::Error;

use super::visible::{Visible, is_uuid};
use super::{ALL_CUDA, Gpu, VISIBLE, cuda_number, platform};
use crate::machine;

/// The devices of a run that has a slot for each; empty for a run that has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceSet {
    /// The devices.
    pub devices: Vec<Device>,
    /// Indices of devices that the run had when it began and that are not here any more.
    pub missing: Vec<u32>,
}

/// Devices that cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DeviceError {
    /// Nothing lists the devices.
    #[error(
        "device {ALL_CUDA}: the GPUs of this machine cannot be listed: NVML, which is part of \
         NVIDIA's driver, is not here, and {VISIBLE} is not set; name them with --devices \
         cuda:0,cuda:1"
    )]
    NoList,
    /// There are none.
    #[error("device {ALL_CUDA}: no GPU is visible{}", hint(*is_limited))]
    None {
        /// Whether `CUDA_VISIBLE_DEVICES` is set.
        is_limited: bool,
    },
    /// There is no such device.
    #[error("{name}: there is no such device: {count} visible{}", hint(*is_limited))]
    Missing {
        /// The device.
        name: String,
        /// How many there are.
        count: usize,
        /// Whether `CUDA_VISIBLE_DEVICES` is set.
        is_limited: bool,
    },
    /// A device is named twice.
    #[error("--devices: {0} is named twice")]
    Twice(String),
    /// The device is no CUDA device.
    #[error("--devices: `{0}` is not a CUDA device: expected names such as cuda:0,cuda:1")]
    NotCuda(String),
    /// None of the devices of a resumed run is here.
    #[error("the run cannot be resumed: none of its devices is on this machine: {0}")]
    AllMissing(String),
}

fn hint(is_limited: bool) -> String {
    match is_limited {
        true => format!(", because {VISIBLE} is set"),
        false => String::new(),
    }
}

/// What is known of the GPUs of this machine.
struct Machine {
    visible: Visible,
    /// `None` without a driver.
    gpus: Option<Vec<Gpu>>,
}

impl Machine {
    fn here() -> Machine {
        Machine {
            visible: Visible::of_environment(),
            gpus: platform::gpus(),
        }
    }

    fn known(&self) -> &[Gpu] {
        self.gpus.as_deref().unwrap_or_default()
    }

    /// The number of CUDA devices, if anything says it.
    fn count(&self) -> Option<usize> {
        let listed = self.visible.entries().map(<[String]>::len);
        listed.or_else(|| self.gpus.as_ref().map(Vec::len))
    }

    fn is_limited(&self) -> bool {
        self.visible.entries().is_some()
    }

    fn cuda(&self, number: u32) -> Result<Device, DeviceError> {
        let name = format!("cuda:{number}");
        let place = number as usize;
        if let Some(count) = self.count().filter(|count| place >= *count) {
            let is_limited = self.is_limited();
            return Err(DeviceError::Missing {
                name,
                count,
                is_limited,
            });
        }
        let listed = self.visible.entries().map(|entries| entries[place].clone());
        let entry = listed.clone().unwrap_or_else(|| number.to_string());
        let gpu = match &listed {
            Some(entry) => self.visible.gpu_of(entry, self.known()),
            // The attempts see it by its UUID, whatever number CUDA gives it.
            None => self.known().get(place),
        };
        let uuid = gpu.map(|gpu| gpu.uuid.clone());
        let uuid = uuid.or_else(|| is_uuid(&entry).then(|| entry.clone()));
        Ok(Device {
            name,
            visible: listed.or_else(|| uuid.clone()).or(Some(entry)),
            model: gpu.map(|gpu| gpu.model.clone()),
            driver: gpu.map(|gpu| gpu.driver.clone()),
            uuid,
            cpus: Vec::new(),
        })
    }

    fn all(&self) -> Result<Vec<Device>, DeviceError> {
        match self.count() {
            None => Err(DeviceError::NoList),
            Some(0) => Err(DeviceError::None {
                is_limited: self.is_limited(),
            }),
            Some(count) => (0..count as u32).map(|number| self.cuda(number)).collect(),
        }
    }

    fn has(&self, device: &Device) -> bool {
        match (&device.uuid, &self.gpus) {
            // The driver does not list parts of a GPU.
            (Some(uuid), Some(gpus)) if uuid.starts_with("GPU-") => {
                gpus.iter().any(|gpu| gpu.uuid.starts_with(uuid.as_str()))
            }
            _ => true,
        }
    }
}

impl DeviceSet {
    /// All CUDA devices that this process sees.
    ///
    /// # Errors
    /// There are none, or nothing can list them.
    pub fn all() -> Result<DeviceSet, DeviceError> {
        Machine::here().all().map(DeviceSet::of)
    }

    /// The CUDA devices of these names, such as `cuda:1`.
    ///
    /// # Errors
    /// There is no such device, or one is named twice.
    pub fn named(names: &[String]) -> Result<DeviceSet, DeviceError> {
        let machine = Machine::here();
        let mut seen = HashSet::new();
        let devices = names.iter().map(|name| {
            let number = cuda_number(name).ok_or_else(|| DeviceError::NotCuda(name.clone()))?;
            match seen.insert(number) {
                true => machine.cuda(number),
                false => Err(DeviceError::Twice(name.clone())),
            }
        });
        devices.collect::<Result<_, _>>().map(DeviceSet::of)
    }

    /// The devices of a run that is resumed. Those without a UUID are taken by their names.
    ///
    /// # Errors
    /// None of them is here.
    pub fn again(recorded: &[Device]) -> Result<DeviceSet, DeviceError> {
        let machine = Machine::here();
        let mut set = DeviceSet::of(recorded.to_vec());
        for (index, device) in (0..).zip(&mut set.devices) {
            if !machine.has(device) {
                set.missing.push(index);
            } else if device.uuid.is_some() {
                device.visible.clone_from(&device.uuid);
            } else if let Some(now) = cuda_number(&device.name).map(|n| machine.cuda(n)) {
                match now {
                    Ok(now) => {
                        let cpus = std::mem::take(&mut device.cpus);
                        *device = Device { cpus, ..now };
                    }
                    Err(_) => set.missing.push(index),
                }
            }
        }
        if !recorded.is_empty() && set.missing.len() == recorded.len() {
            return Err(DeviceError::AllMissing(set.names()));
        }
        Ok(set)
    }

    /// Divides the processors of this machine among the devices. Programs start a thread for each
    /// processor that they may use: two of them on one processor wait for each other.
    #[must_use]
    pub fn with_cpus(mut self, cpus: &[u32]) -> DeviceSet {
        let count = self.devices.len();
        if count < 2 || cpus.len() < count {
            return self;
        }
        for (place, device) in self.devices.iter_mut().enumerate() {
            let part = cpus.len() * place / count..cpus.len() * (place + 1) / count;
            device.cpus = cpus[part].to_vec();
        }
        self
    }

    fn of(devices: Vec<Device>) -> DeviceSet {
        DeviceSet {
            devices,
            missing: Vec::new(),
        }
    }

    /// The number of devices.
    pub fn count(&self) -> u32 {
        self.devices.len() as u32
    }

    /// The names, separated by commas.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.devices.iter().map(|d| d.name.as_str()).collect();
        names.join(", ")
    }

    /// The devices that a run uses: those that its slots have, or the one of this name.
    pub fn in_use(&self, name: Option<&str>) -> Vec<Device> {
        if !self.devices.is_empty() {
            return self.present().cloned().collect();
        }
        name.and_then(single).into_iter().collect()
    }

    /// Why devices that a run uses cannot be on this machine, as far as that is known.
    pub fn absence(&self, name: Option<&str>) -> Option<String> {
        let devices = self.in_use(name).into_iter();
        let absent = devices.filter_map(|Device { name, .. }| {
            let why = machine::missing_device(&name)?;
            Some((name, why))
        });
        let (names, why): (Vec<String>, Vec<&str>) = absent.unzip();
        Some(format!("{}: {}", names.join(", "), why.first()?))
    }

    /// The devices that are here.
    fn present(&self) -> impl Iterator<Item = &Device> {
        let devices = (0..).zip(&self.devices);
        devices.filter_map(|(index, device)| (!self.missing.contains(&index)).then_some(device))
    }
}

/// The only device of a run that has no slot for each: what `auto`, `cuda`, `cuda:N` or `mps`
/// means here. `None` for the CPU.
fn single(name: &str) -> Option<Device> {
    let mps = || Device {
        name: "mps".to_owned(),
        ..Device::default()
    };
    match name {
        "cpu" => None,
        "mps" => Some(mps()),
        "auto" if platform::HAS_MPS => Some(mps()),
        "auto" => {
            let machine = Machine::here();
            // Without a driver there is no GPU.
            machine.gpus.as_ref()?;
            machine.cuda(0).ok()
        }
        cuda => Machine::here().cuda(cuda_number(cuda)?).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(uuid: &str) -> Gpu {
        Gpu {
            uuid: uuid.into(),
            model: "M".into(),
            driver: "1".into(),
        }
    }

    fn machine(visible: Option<&str>, gpus: Option<&[&str]>) -> Machine {
        Machine {
            visible: Visible::of(visible, None),
            gpus: gpus.map(|gpus| gpus.iter().map(|uuid| gpu(uuid)).collect()),
        }
    }

    #[track_caller]
    fn is(device: &Device, visible: &str, uuid: Option<&str>) {
        assert_eq!(device.visible.as_deref(), Some(visible));
        assert_eq!(device.uuid.as_deref(), uuid);
    }

    #[test]
    fn without_a_driver_names_are_taken_as_given() {
        let machine = machine(None, None);
        is(&machine.cuda(7).unwrap(), "7", None);
        assert_eq!(machine.all(), Err(DeviceError::NoList));
    }

    #[test]
    fn numbers_are_those_of_the_visible_devices() {
        let machine = machine(Some("3,GPU-b"), Some(&["GPU-a", "GPU-b", "GPU-c", "GPU-d"]));
        let all = machine.all().unwrap();
        assert_eq!(all.len(), 2);
        is(&all[0], "3", Some("GPU-d"));
        is(&all[1], "GPU-b", Some("GPU-b"));
        let error = machine.cuda(2).unwrap_err().to_string();
        let expected = "cuda:2: there is no such device: 2 visible, because CUDA_VISIBLE_DEVICES \
                        is set";
        assert_eq!(error, expected);
    }

    #[test]
    fn a_number_is_no_gpu_if_cuda_may_order_them_otherwise() {
        let mut machine = machine(Some("0,GPU-b"), Some(&["GPU-a", "GPU-b"]));
        machine.gpus.as_mut().unwrap()[1].model = "faster".into();
        is(&machine.cuda(0).unwrap(), "0", None);
        is(&machine.cuda(1).unwrap(), "GPU-b", Some("GPU-b"));
        machine.visible = Visible::of(Some("0,1"), Some("PCI_BUS_ID"));
        is(&machine.cuda(0).unwrap(), "0", Some("GPU-a"));
        // Without a list, the UUID chooses the GPU.
        machine.visible = Visible::of(None, None);
        is(&machine.cuda(1).unwrap(), "GPU-b", Some("GPU-b"));
    }

    #[test]
    fn processors_are_divided_among_several_devices() {
        let set = |names: &[&str]| {
            let name = |name: &&str| Device {
                name: (*name).into(),
                ..Device::default()
            };
            DeviceSet::of(names.iter().map(name).collect())
        };
        let parts = |names: &[&str], cpus: &[u32]| -> Vec<Vec<u32>> {
            let divided = set(names).with_cpus(cpus);
            divided.devices.into_iter().map(|one| one.cpus).collect()
        };
        assert_eq!(
            parts(&["a", "b", "c"], &[0, 1, 4, 5, 6, 7, 9]),
            [vec![0, 1], vec![4, 5], vec![6, 7, 9]]
        );
        assert_eq!(parts(&["a"], &[0, 1]), [Vec::<u32>::new()]);
        assert_eq!(parts(&["a", "b"], &[0]), [Vec::<u32>::new(), Vec::new()]);
    }

    #[test]
    fn a_known_gpu_is_shown_by_its_uuid() {
        let machine = machine(None, Some(&["GPU-a"]));
        is(&machine.cuda(0).unwrap(), "GPU-a", Some("GPU-a"));
        assert!(!machine.has(&Device {
            uuid: Some("GPU-x".into()),
            ..Device::default()
        }));
    }
}
