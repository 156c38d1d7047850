//! The devices that `CUDA_VISIBLE_DEVICES` shows to this process.

use std::env;

use super::{Gpu, VISIBLE};

/// The variable that says how CUDA numbers GPUs.
const ORDER: &str = "CUDA_DEVICE_ORDER";
/// Its value for the order of the driver. By default the fastest GPU is the first.
const BUS_ORDER: &str = "PCI_BUS_ID";

/// What the variables of CUDA show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Visible {
    /// The entries of `CUDA_VISIBLE_DEVICES`; `None` if it is not set.
    entries: Option<Vec<String>>,
    /// The value of `CUDA_DEVICE_ORDER`.
    order: Option<String>,
}

impl Visible {
    pub(super) fn of_environment() -> Visible {
        let value = |name| env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        Visible::of(value(VISIBLE).as_deref(), value(ORDER).as_deref())
    }

    pub(super) fn of(visible: Option<&str>, order: Option<&str>) -> Visible {
        Visible {
            entries: visible.map(entries),
            order: order.map(str::to_owned),
        }
    }

    /// The entries, if the variable is set.
    pub(super) fn entries(&self) -> Option<&[String]> {
        self.entries.as_deref()
    }

    /// The GPU that an entry means, if that is known. A UUID may be abbreviated.
    pub(super) fn gpu_of<'g>(&self, entry: &str, gpus: &'g [Gpu]) -> Option<&'g Gpu> {
        match entry.parse::<usize>() {
            Ok(index) => gpus.get(index).filter(|_| self.has_order_of(gpus)),
            Err(_) => gpus.iter().find(|gpu| gpu.uuid.starts_with(entry)),
        }
    }

    /// Whether CUDA numbers GPUs as the driver lists them. GPUs of one model are equally fast.
    fn has_order_of(&self, gpus: &[Gpu]) -> bool {
        let are_equal = gpus.windows(2).all(|two| two[0].model == two[1].model);
        are_equal || self.order.as_deref() == Some(BUS_ORDER)
    }
}

/// CUDA ignores the first invalid entry and all that follow.
fn entries(value: &str) -> Vec<String> {
    let entries = value.split(',').map(str::trim);
    let valid = entries.take_while(|entry| {
        let is_index = !entry.is_empty() && entry.chars().all(|c| c.is_ascii_digit());
        is_index || is_uuid(entry)
    });
    valid.map(str::to_owned).collect()
}

/// Whether an entry is the UUID of a GPU or of a part of one.
pub(super) fn is_uuid(entry: &str) -> bool {
    entry.starts_with("GPU-") || entry.starts_with("MIG-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_end_at_the_first_invalid_one() {
        for (value, expected) in [
            ("", &[][..]),
            ("0", &["0"]),
            ("2, 0", &["2", "0"]),
            ("0,-1,1", &["0"]),
            ("GPU-8932,MIG-1f,x,1", &["GPU-8932", "MIG-1f"]),
        ] {
            assert_eq!(entries(value), expected, "{value}");
        }
    }
}
