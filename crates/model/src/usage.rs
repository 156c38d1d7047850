//! The resources that an attempt used, and their form in the journal.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// The resources that an attempt used. The journal holds `cpu`, and `peak` or `peak_at_most`.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Serialize,
    Deserialize,
    JsonSchema
)]
#[serde(try_from = "UsageRecord", into = "UsageRecord")]
pub struct Usage {
    /// Processor time of the process and of the children it waited for, in seconds.
    pub cpu_secs: f64,
    /// The largest resident memory of any one of its processes, in bytes.
    pub peak_bytes: u64,
    /// Whether `peak_bytes` is only an upper bound: the kernel's count starts with the supervisor's
    /// memory at the fork.
    pub at_most: bool,
}

#[skip_serializing_none]
#[derive(Serialize, Deserialize, JsonSchema)]
struct UsageRecord {
    cpu: f64,
    peak: Option<u64>,
    peak_at_most: Option<u64>,
}

impl TryFrom<UsageRecord> for Usage {
    type Error = &'static str;

    fn try_from(on_record: UsageRecord) -> Result<Self, Self::Error> {
        let (peak_bytes, at_most) = match (on_record.peak, on_record.peak_at_most) {
            (Some(peak), None) => (peak, false),
            (None, Some(peak)) => (peak, true),
            _ => return Err("usage must have either `peak` or `peak_at_most`"),
        };
        Ok(Usage {
            cpu_secs: on_record.cpu,
            peak_bytes,
            at_most,
        })
    }
}

impl From<Usage> for UsageRecord {
    fn from(usage: Usage) -> Self {
        let peak = Some(usage.peak_bytes);
        UsageRecord {
            cpu: usage.cpu_secs,
            peak: peak.filter(|_| !usage.at_most),
            peak_at_most: peak.filter(|_| usage.at_most),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upper_limit_has_a_separate_key() {
        for (on_record, at_most) in [
            (r#"{"cpu":0.5,"peak":8}"#, false),
            (r#"{"cpu":0.5,"peak_at_most":8}"#, true),
        ] {
            let usage: Usage = serde_json::from_str(on_record).unwrap();
            let expected = Usage {
                cpu_secs: 0.5,
                peak_bytes: 8,
                at_most,
            };
            assert_eq!(usage, expected);
            assert_eq!(serde_json::to_string(&usage).unwrap(), on_record);
        }
        assert!(serde_json::from_str::<Usage>(r#"{"cpu":0.5}"#).is_err());
    }
}
