//! Linux: captures evidence from stopped threads of another process. No code runs inside that
//! process.

#[cfg(target_arch = "aarch64")]
#[path = "aarch64.rs"]
mod arch;
#[cfg(target_arch = "x86_64")]
#[path = "x86_64.rs"]
mod arch;
mod code;
mod codes;
pub mod core;
mod evidence;
mod functions;
mod hang;
mod image;
mod images;
mod maps;
mod memory;
mod registers;
mod snapshot;
mod stack;
mod status;
mod thread;

pub use code::LoadedCode;
pub use evidence::{Died, Evidence};
pub use hang::hang;
pub use image::imports;
pub use images::Images;
pub use maps::Maps;
pub use status::peak_memory;
pub use thread::ThreadShot;
