//! The devices that `CUDA_VISIBLE_DEVICES` shows to this process.

use super::{Gpu, VISIBLE};

/// The entries of `CUDA_VISIBLE_DEVICES`; `None` if it is not set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Visible(Option<Vec<String>>);

impl Visible {
    pub(super) fn of_environment() -> Visible {
        let value = std::env::var_os(VISIBLE);
        Visible(value.map(|value| entries(&value.to_string_lossy())))
    }

    #[cfg(test)]
    pub(super) fn of(value: Option<&str>) -> Visible {
        Visible(value.map(entries))
    }

    /// The entries, if the variable is set.
    pub(super) fn entries(&self) -> Option<&[String]> {
        self.0.as_deref()
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

/// The GPU that an entry means. A UUID may be abbreviated.
pub(super) fn gpu_of<'g>(entry: &str, gpus: &'g [Gpu]) -> Option<&'g Gpu> {
    match entry.parse::<usize>() {
        Ok(index) => gpus.get(index),
        Err(_) => gpus.iter().find(|gpu| gpu.uuid.starts_with(entry)),
    }
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
