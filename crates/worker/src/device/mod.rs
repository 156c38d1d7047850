//! Opens the requested device and waits for it.

mod loading;
#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod platform;
#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod platform;

use std::fmt;
use std::str::FromStr;

use anyhow::Result;
use tch::{Cuda, Kind, Tensor};

use crate::caught::{brief, caught};
pub(crate) use loading::libtorch_version;

/// A device as a task names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Requested {
    /// The best available: mps, then cuda, then cpu.
    Auto,
    /// The CPU.
    Cpu,
    /// Apple's GPU.
    Mps,
    /// An NVIDIA GPU by index.
    Cuda(usize),
}

impl FromStr for Requested {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "auto" => Ok(Requested::Auto),
            "cpu" => Ok(Requested::Cpu),
            "mps" => Ok(Requested::Mps),
            "cuda" => Ok(Requested::Cuda(0)),
            _ => name
                .strip_prefix("cuda:")
                .and_then(|number| number.parse::<u16>().ok())
                .map(|number| Requested::Cuda(number.into()))
                .ok_or_else(|| {
                    format!("unknown device \"{name}\": use auto, cpu, mps, cuda or cuda:N")
                }),
        }
    }
}

/// A device that exists and has been tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Device(tch::Device);

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            tch::Device::Cpu => f.write_str("cpu"),
            tch::Device::Cuda(number) => write!(f, "cuda:{number}"),
            tch::Device::Mps => f.write_str("mps"),
            tch::Device::Vulkan => f.write_str("vulkan"),
        }
    }
}

impl Device {
    /// The CPU, which always exists.
    pub(crate) const CPU: Device = Device(tch::Device::Cpu);

    /// Opens the requested device. `note` receives what a user of `auto` should know: a better
    /// device that exists but does not work.
    ///
    /// # Errors
    /// The device does not exist or does not work. The text says why and what to do.
    pub(crate) fn open(
        requested: Requested,
        mut note: impl FnMut(String),
    ) -> Result<Device, String> {
        let opened = match requested {
            Requested::Cpu => Ok(Device::CPU),
            Requested::Mps => mps(),
            Requested::Cuda(number) => cuda(number),
            Requested::Auto => {
                let best = [mps as fn() -> Opened, || cuda(0)];
                Ok(best
                    .into_iter()
                    .find_map(|open| match open() {
                        Ok(device) => Some(device),
                        Err(DeviceError::Absent(_)) => None,
                        Err(DeviceError::Broken(text)) => {
                            note(text);
                            None
                        }
                    })
                    .unwrap_or(Device::CPU))
            }
        };
        opened.map_err(|not_there| match not_there {
            DeviceError::Absent(text) | DeviceError::Broken(text) => text,
        })
    }

    /// Returns every device that exists and works.
    pub(crate) fn all() -> Vec<Device> {
        let cuda = (0..=usize::from(u8::MAX)).map_while(|number| cuda(number).ok());
        let mps = mps().ok();
        std::iter::once(Device::CPU)
            .chain(mps)
            .chain(cuda)
            .collect()
    }

    /// The device in tch's terms.
    pub(crate) fn tch(self) -> tch::Device {
        self.0
    }

    /// Returns whether this is the CPU.
    pub(crate) fn is_cpu(self) -> bool {
        self.0 == tch::Device::Cpu
    }

    /// Prepares the calling thread to use the device.
    pub(crate) fn enter_thread(self) {
        if let tch::Device::Cuda(number) = self.0 {
            // Binds CUDA's context to the thread. Otherwise cuBLAS does it itself and prints a
            // warning.
            Cuda::synchronize(number as i64);
        }
    }

    /// Waits until all work submitted up to `last` is done.
    pub(crate) fn wait(self, last: &Tensor) -> Result<()> {
        match self.0 {
            tch::Device::Cuda(number) => Cuda::synchronize(number as i64),
            // On MPS, `synchronize` is itself unsafe under threads. A value that has arrived on the
            // CPU has been computed, and so has everything before it in the same stream.
            tch::Device::Mps | tch::Device::Vulkan => {
                last.f_reshape([-1])?.f_double_value(&[0])?;
            }
            tch::Device::Cpu => {}
        }
        Ok(())
    }

    /// The CUDA version, if CUDA is in use.
    pub(crate) fn cuda_version(self) -> Option<String> {
        if !self.0.is_cuda() {
            return None;
        }
        let version = caught(|| Ok(tch::utils::version_cudart())).ok()?;
        Some(format!("{}.{}", version / 1000, version % 1000 / 10))
    }

    /// Checks that the device returns a computed value.
    fn tried(self) -> Opened {
        caught(|| {
            let one = Tensor::f_ones([1], (Kind::Float, self.0))?;
            Ok(one.f_double_value(&[0])?)
        })
        .map(|_| self)
        .map_err(|error| DeviceError::Broken(format!("{self} does not work: {}", brief(&error))))
    }
}

type Opened = Result<Device, DeviceError>;

/// Why a device cannot be used.
enum DeviceError {
    /// This machine or this libtorch has none.
    Absent(String),
    /// It exists but does not work.
    Broken(String),
}

fn mps() -> Opened {
    match caught(|| Ok(tch::utils::has_mps())) {
        Ok(true) => Device(tch::Device::Mps).tried(),
        Ok(false) => Err(DeviceError::Absent(
            "this libtorch has no mps: it needs macOS on Apple silicon".to_owned(),
        )),
        Err(error) => Err(DeviceError::Broken(brief(&error))),
    }
}

fn cuda(number: usize) -> Opened {
    load_cuda()?;
    let broken = |error| DeviceError::Broken(brief(&error));
    let count = caught(|| Ok(Cuda::device_count())).map_err(broken)?;
    match usize::try_from(count).unwrap_or(0) {
        0 => Err(DeviceError::Absent(
            "CUDA is installed, but no CUDA device was found: is the NVIDIA driver loaded?"
                .to_owned(),
        )),
        count if number >= count => Err(DeviceError::Absent(format!(
            "cuda:{number} does not exist: the last of {count} devices is cuda:{}",
            count - 1
        ))),
        _ => Device(tch::Device::Cuda(number)).tried(),
    }
}

/// Loads the CUDA library without calling it, which is safe before a fork.
pub(crate) fn load_cuda_library() {
    // If loading fails, opening the device reports why.
    let _ = load_cuda();
}

/// libtorch looks for CUDA once, on first use: the library must be loaded before that.
fn load_cuda() -> Result<(), DeviceError> {
    let Some(library) = platform::CUDA_LIBRARY else {
        let text = "this platform has no CUDA".to_owned();
        return Err(DeviceError::Absent(text));
    };
    loading::open_for_all(library).map_err(|why| {
        let version = libtorch_version().unwrap_or_else(|| "of the same version".to_owned());
        let text = format!(
            "{library} cannot be loaded ({why}); put the folder of the CUDA libraries of PyTorch \
             {version} (torch/lib) on LD_LIBRARY_PATH"
        );
        // The loader names the missing file: this library or one of its dependencies.
        if why.starts_with(&format!("{library}: cannot open")) {
            DeviceError::Absent(text)
        } else {
            DeviceError::Broken(text)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_devices() {
        assert_eq!("cuda".parse(), Ok(Requested::Cuda(0)));
        assert_eq!("cuda:3".parse(), Ok(Requested::Cuda(3)));
        for wrong in ["", "gpu", "cuda:", "cuda:-1", "cuda:x", "CPU"] {
            let said = wrong.parse::<Requested>().unwrap_err();
            assert!(said.contains("cuda:N"), "{said}");
        }
    }
}
