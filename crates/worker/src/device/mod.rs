//! Finding the device that was asked for, and waiting for it.

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

    /// Opens the device that was asked for. `note` is told what a user of `auto` should know: a better device that is
    /// there and does not work.
    ///
    /// # Errors
    /// It is not there; the text says why and what to do.
    pub(crate) fn open(asked: Asked, mut note: impl FnMut(String)) -> Result<Device, String> {
        let opened = match asked {
            Asked::Cpu => Ok(Device::CPU),
            Asked::Mps => mps(),
            Asked::Cuda(number) => cuda(number),
            Asked::Auto => {
                let best = [mps as fn() -> Opened, || cuda(0)];
                Ok(best
                    .into_iter()
                    .find_map(|open| match open() {
                        Ok(device) => Some(device),
                        Err(NotThere::Absent(_)) => None,
                        Err(NotThere::Broken(text)) => {
                            note(text);
                            None
                        }
                    })
                    .unwrap_or(Device::CPU))
            }
        };
        opened.map_err(|not_there| match not_there {
            NotThere::Absent(text) | NotThere::Broken(text) => text,
        })
    }

    /// Every device that is there and works.
    pub(crate) fn all() -> Vec<Device> {
        let cuda = (0..=usize::from(u8::MAX)).map_while(|number| cuda(number).ok());
        let mps = mps().ok();
        std::iter::once(Device::CPU)
            .chain(mps)
            .chain(cuda)
            .collect()
    }

    /// The device as tch knows it.
    pub(crate) fn tch(self) -> tch::Device {
        self.0
    }

    /// Whether this is the central processor.
    pub(crate) fn is_cpu(self) -> bool {
        self.0 == tch::Device::Cpu
    }

    /// Makes the device ready for work from the calling thread.
    pub(crate) fn enter_thread(self) {
        if let tch::Device::Cuda(number) = self.0 {
            // Binds CUDA's context to the thread; cuBLAS prints a warning where it has to do that itself.
            Cuda::synchronize(number as i64);
        }
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
    fn tried(self) -> Opened {
        caught(|| {
            let one = Tensor::f_ones([1], (Kind::Float, self.0))?;
            Ok(one.f_double_value(&[0])?)
        })
        .map(|_| self)
        .map_err(|error| NotThere::Broken(format!("{self} does not work: {}", brief(&error))))
    }
}

type Opened = Result<Device, NotThere>;

/// Why a device cannot be had.
enum NotThere {
    /// This machine, or this libtorch, has none.
    Absent(String),
    /// It has one that does not work.
    Broken(String),
}

fn mps() -> Opened {
    match caught(|| Ok(tch::utils::has_mps())) {
        Ok(true) => Device(tch::Device::Mps).tried(),
        Ok(false) => Err(NotThere::Absent(
            "this libtorch has no mps: it takes macOS on Apple silicon".to_owned(),
        )),
        Err(error) => Err(NotThere::Broken(brief(&error))),
    }
}

fn cuda(number: usize) -> Opened {
    load_cuda()?;
    let broken = |error| NotThere::Broken(brief(&error));
    let count = caught(|| Ok(Cuda::device_count())).map_err(broken)?;
    match usize::try_from(count).unwrap_or(0) {
        0 => Err(NotThere::Absent(
            "CUDA's libraries are there, and no CUDA device: is there an NVIDIA driver?".to_owned(),
        )),
        count if number >= count => Err(NotThere::Absent(format!(
            "there is no cuda:{number}: the last of {count} is cuda:{}",
            count - 1
        ))),
        _ => Device(tch::Device::Cuda(number)).tried(),
    }
}

/// Loads CUDA's library, and asks it for nothing: that is what may be done before a fork.
pub(crate) fn load_cuda_library() {
    // Where it cannot be loaded, opening the device says why.
    let _ = load_cuda();
}

/// libtorch looks for CUDA once, when first asked: its library has to be in the process before that.
fn load_cuda() -> Result<(), NotThere> {
    let Some(library) = platform::CUDA_LIBRARY else {
        let text = "there is no cuda on this platform".to_owned();
        return Err(NotThere::Absent(text));
    };
    loading::open_for_all(library).map_err(|why| {
        let version = libtorch_version().unwrap_or_else(|| "of the same version".to_owned());
        let text = format!(
            "{library} cannot be loaded ({why}); put the folder of the CUDA libraries of PyTorch {version} \
             (torch/lib) on LD_LIBRARY_PATH"
        );
        // The loader names the file that it missed: this one, or one that this one needs.
        if why.starts_with(&format!("{library}: cannot open")) {
            NotThere::Absent(text)
        } else {
            NotThere::Broken(text)
        }
    })
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
