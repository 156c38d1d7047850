//! The `[limits]` of a suite and of a chapter: how much of the machine an attempt may use.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::error::Source;
use super::{SuiteError, raw};

/// How much of the machine an attempt may use; nothing is limited that is not given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ResourceLimits {
    /// Memory, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// How many processes and threads there may be at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
    /// Processor time of a process, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u64>,
    /// The size of a file that it writes, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_size: Option<u64>,
}

impl ResourceLimits {
    /// Whether nothing is limited.
    pub fn is_none(&self) -> bool {
        *self == ResourceLimits::default()
    }

    /// These, and for what they do not say the others.
    pub fn or(self, other: ResourceLimits) -> ResourceLimits {
        ResourceLimits {
            memory: self.memory.or(other.memory),
            processes: self.processes.or(other.processes),
            cpu: self.cpu.or(other.cpu),
            file_size: self.file_size.or(other.file_size),
        }
    }
}

/// Bytes as people write them.
pub(crate) fn bytes_text(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.iter().find(|(size, _)| bytes >= *size) {
        Some((size, unit)) if bytes.is_multiple_of(*size) => format!("{} {unit}", bytes / size),
        Some((size, unit)) => format!("{:.1} {unit}", bytes as f64 / *size as f64),
        None => format!("{bytes} B"),
    }
}

impl Source<'_> {
    pub(super) fn limits(
        &self,
        raw: Option<&raw::ResourceLimits>,
        of: &str,
    ) -> Result<ResourceLimits, SuiteError> {
        let Some(raw) = raw else {
            return Ok(ResourceLimits::default());
        };
        Ok(ResourceLimits {
            memory: self.size(raw.memory.as_ref(), &format!("{of}.memory"))?,
            processes: self.count(raw.processes.as_ref(), &format!("{of}.processes"))?,
            cpu: self.cpu(raw.cpu.as_ref(), &format!("{of}.cpu"))?,
            file_size: self.size(raw.file_size.as_ref(), &format!("{of}.file-size"))?,
        })
    }

    fn size(&self, text: Option<&Spanned<String>>, key: &str) -> Result<Option<u64>, SuiteError> {
        let Some(text) = text else {
            return Ok(None);
        };
        let bytes = parse_size(text.get_ref()).ok_or_else(|| {
            let given = text.get_ref().escape_debug();
            let problem = format!("{key}: `{given}` is no size; write it as 512MiB, 2GiB or 1.5GB");
            self.error(text.span(), problem)
        })?;
        Ok(Some(bytes))
    }

    fn count(&self, number: Option<&Spanned<i64>>, key: &str) -> Result<Option<u64>, SuiteError> {
        let Some(number) = number else {
            return Ok(None);
        };
        match u64::try_from(*number.get_ref()) {
            Ok(n) if n > 0 => Ok(Some(n)),
            _ => {
                let problem = format!(
                    "{key}: {} does not do; it must be at least 1",
                    number.get_ref()
                );
                Err(self.error(number.span(), problem))
            }
        }
    }

    /// The system counts it in whole seconds.
    fn cpu(&self, text: Option<&Spanned<String>>, key: &str) -> Result<Option<u64>, SuiteError> {
        let Some(text) = text else {
            return Ok(None);
        };
        let time = self.duration(Some(text), key, Duration::ZERO)?;
        match time.as_secs() {
            0 => Err(self.error(text.span(), format!("{key}: must be at least 1s"))),
            secs => Ok(Some(secs)),
        }
    }
}

fn parse_size(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let size = match unit.trim() {
        "B" => 1.0,
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        "TiB" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let bytes = number * size;
    // Beyond that a TOML number ends.
    (bytes >= 1.0 && bytes < i64::MAX as f64).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(parse_size("2GiB"), Some(2 << 30));
        assert_eq!(parse_size("1.5 GB"), Some(1_500_000_000));
        for wrong in [
            "",
            "2",
            "GiB",
            "-1GiB",
            "0MB",
            "2gib",
            "1..5GB",
            "9999999999TB",
            "nanB",
        ] {
            assert_eq!(parse_size(wrong), None, "{wrong}");
        }
        assert_eq!(bytes_text(2 << 30), "2 GiB");
        assert_eq!(bytes_text(1_500_000_000), "1.4 GiB");
    }
}
