//! Linux: evidence of a stopped thread of another process, gathered from outside. Nothing runs in that process.

#[cfg(target_arch = "aarch64")]
#[path = "linux/aarch64.rs"]
mod arch;
#[cfg(target_arch = "x86_64")]
#[path = "linux/x86_64.rs"]
mod arch;
mod codes;
mod image;
mod images;
mod maps;
mod memory;
mod snapshot;
mod stack;
mod status;
mod thread;

pub use images::Images;
pub use maps::Maps;
pub use snapshot::{Died, Snapshot, choose, hang, unseen};
pub use status::peak_memory;
pub use thread::ThreadShot;
