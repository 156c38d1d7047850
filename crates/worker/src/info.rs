//! The worker's description of itself.

use std::collections::BTreeMap;

use crashrate_protocol::{VERSION, WorkerInfo};

use crate::chapter;
use crate::device::{Device, libtorch_version};

/// The versions of the libraries in this process.
pub(crate) fn versions(device: Option<Device>) -> BTreeMap<String, String> {
    let libtorch = libtorch_version().unwrap_or_else(|| "unknown".to_owned());
    let mut versions = BTreeMap::from([
        ("libtorch".to_owned(), libtorch),
        ("tch".to_owned(), env!("CRASHRATE_TCH_VERSION").to_owned()),
        (
            "crashrate-worker".to_owned(),
            env!("CARGO_PKG_VERSION").to_owned(),
        ),
    ]);
    if let Some(cuda) = device.and_then(Device::cuda_version) {
        versions.insert("cuda".to_owned(), cuda);
    }
    versions
}

/// The output of `list`.
pub(crate) fn worker() -> WorkerInfo {
    WorkerInfo {
        v: VERSION,
        versions: versions(None),
        chapters: chapter::ALL.iter().map(|chapter| chapter.info()).collect(),
    }
}
