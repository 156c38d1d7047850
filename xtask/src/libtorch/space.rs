//! Room on the disk.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use nix::sys::statvfs::statvfs;

use super::setup::megabytes;

/// Says before half a gigabyte is fetched that it will not fit.
pub(super) fn check(folder: &Path, needed: u64) -> Result<()> {
    let found = statvfs(folder)
        .with_context(|| format!("the disk of {} could not be asked", folder.display()))?;
    // These types differ between platforms.
    #[allow(clippy::useless_conversion)]
    let free = u64::from(found.blocks_available()) * u64::from(found.fragment_size());
    ensure!(
        free >= needed,
        "the disk of {} has {} free, and set-up needs {} there while it works\n\
         what to do: free some space on that disk, then call `cargo xtask setup` again",
        folder.display(),
        megabytes(free),
        megabytes(needed)
    );
    Ok(())
}
