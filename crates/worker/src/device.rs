//! Finding the device that was asked for, and waiting for it.

mod loading;
#[cfg(target_os = "linux")]
#[path = "device/linux.rs"]
mod platform;
#[cfg(target_os = "macos")]
#[path = "device/macos.rs"]
mod platform;

use std::fmt;
use std::str::FromStr;

use anyhow::Result;
use tch::{Cuda, Kind, Tensor};

use crate::caught::{brief, caught};
pub(crate) use loading::libtorch_version;

/// A device as a task names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The best there is: mps, then cuda, then cpu.
    Auto,
    /// The central processor.
    Cpu,
    /// Apple's GPU.
    Mps,
    /// An NVIDIA GPU by its number.
    Cuda(usize),
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "auto" => Ok(Asked::Auto),
            "cpu" => Ok(Asked::Cpu),
            "mps" => Ok(Asked::Mps),
            "cuda" => Ok(Asked::Cuda(0)),
            _ => name
                .strip_prefix("cuda:")
                .and_then(|number| number.parse::<u16>().ok())
                .map(|number| Asked::Cuda(number.into()))
                .ok_or_else(|| {
                    format!("no device is called \"{name}\": use auto, cpu, mps, cuda or cuda:N")
                }),
        }
    }
}

/// A device that is there and has been tried.
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
    /// The central processor: always there.
    pub(crate) const CPU: Device = Device(tch::Device::Cpu);

    /// Opens the device that was asked for. `note` is told what a user of `auto` should know.
    ///
    /// # Errors
    /// It is not there; the text says why and what to do.
    pub(crate) fn open(asked: Asked, mut note: impl FnMut(String)) -> Result<Device, String> {
        match asked {
            Asked::Cpu => Ok(Device::CPU),
            Asked::Mps => mps(),
            Asked::Cuda(number) => load_cuda().map_err(|e| e.text)?.then_cuda(number),
            Asked::Auto => Ok(mps()
                .or_else(|_| match load_cuda() {
                    Ok(loaded) => loaded.then_cuda(0),
                    Err(missing) if missing.is_absent => Err(missing.text),
                    Err(broken) => {
                        note(format!("CUDA is not used: {}", broken.text));
                        Err(broken.text)
                    }
                })
                .unwrap_or(Device::CPU)),
        }
    }

    /// The device as tch knows it.
    pub(crate) fn tch(self) -> tch::Device {
        self.0
    }

    /// Whether this is the central processor.
    pub(crate) fn is_cpu(self) -> bool {
        self.0 == tch::Device::Cpu
    }

    /// Waits until everything submitted up to `last` is done.
    pub(crate) fn wait(self, last: &Tensor) -> Result<()> {
        match self.0 {
            tch::Device::Cuda(number) => Cuda::synchronize(number as i64),
            // `synchronize` is itself unsafe under threads on MPS. A value that has arrived on the CPU has been
            // computed, and all before it in the same stream.
            tch::Device::Mps | tch::Device::Vulkan => {
                last.f_reshape([-1])?.f_double_value(&[0])?;
            }
            tch::Device::Cpu => {}
        }
        Ok(())
    }

    /// The version of CUDA in use, where it is.
    pub(crate) fn cuda_version(self) -> Option<String> {
        if !self.0.is_cuda() {
            return None;
        }
        let version = caught(|| Ok(tch::utils::version_cudart())).ok()?;
        Some(format!("{}.{}", version / 1000, version % 1000 / 10))
    }

    /// The device itself, if a value comes back from it.
    fn tried(self) -> Result<Device, String> {
        caught(|| {
            let one = Tensor::f_ones([1], (Kind::Float, self.0))?;
            Ok(one.f_double_value(&[0])?)
        })
        .map(|_| self)
        .map_err(|error| format!("{self} does not work: {}", brief(&error)))
    }
}

fn mps() -> Result<Device, String> {
    match caught(|| Ok(tch::utils::has_mps())) {
        Ok(true) => Device(tch::Device::Mps).tried(),
        Ok(false) => Err("this libtorch has no mps: it takes macOS on Apple silicon".to_owned()),
        Err(error) => Err(brief(&error)),
    }
}

/// Proof that CUDA's libraries are in the process.
struct CudaLoaded;

/// Why they are not.
struct NotLoaded {
    text: String,
    is_absent: bool,
}

/// libtorch looks for CUDA once, when first asked: its library has to be in the process before that.
fn load_cuda() -> Result<CudaLoaded, NotLoaded> {
    let Some(library) = platform::CUDA_LIBRARY else {
        return Err(NotLoaded {
            text: "there is no cuda on this platform".to_owned(),
            is_absent: true,
        });
    };
    loading::open_for_all(library)
        .map(|()| CudaLoaded)
        .map_err(|why| NotLoaded {
            is_absent: why.starts_with(&format!("{library}: cannot open")),
            text: format!(
                "{library} cannot be loaded ({why}); put the folder of the CUDA libraries of PyTorch {} (torch/lib) \
                 on LD_LIBRARY_PATH",
                libtorch_version().unwrap_or_else(|| "of the same version".to_owned())
            ),
        })
}

impl CudaLoaded {
    fn then_cuda(self, number: usize) -> Result<Device, String> {
        let count = caught(|| Ok(Cuda::device_count())).map_err(|error| brief(&error))?;
        match usize::try_from(count).unwrap_or(0) {
            0 => Err(
                "CUDA's libraries are there, and no CUDA device: is there an NVIDIA driver?"
                    .to_owned(),
            ),
            count if number >= count => Err(format!(
                "there is no cuda:{number}: the last of {count} is cuda:{}",
                count - 1
            )),
            _ => Device(tch::Device::Cuda(number)).tried(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_devices() {
        assert_eq!("cuda".parse(), Ok(Asked::Cuda(0)));
        assert_eq!("cuda:3".parse(), Ok(Asked::Cuda(3)));
        for wrong in ["", "gpu", "cuda:", "cuda:-1", "cuda:x", "CPU"] {
            let said = wrong.parse::<Asked>().unwrap_err();
            assert!(said.contains("cuda:N"), "{said}");
        }
    }
}
