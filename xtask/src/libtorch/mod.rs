//! Which libtorch is used: the user's, or one that set-up downloads.
//!
//! | file | subject |
//! |---|---|
//! | `choice.rs` | reads `LIBTORCH` and its relatives |
//! | `platform.rs` | per platform: wheels, hashes, files |
//! | `setup.rs` | downloads, unpacks, checks and puts in place |
//! | `stamp.rs` | records what was put in place and checks it later |
//! | `python.rs`, `unpack.py` | python3, pip, unpacking |

mod choice;
mod platform;
mod python;
mod setup;
mod stamp;

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use self::choice::Choice;
use crate::workspace::Workspace;

/// The version that tch 0.24 requires.
const VERSION: &str = "2.11.0";

/// The libtorch of a build.
pub(crate) struct Libtorch {
    /// The value of `LIBTORCH` for torch-sys; `None` if torch-sys finds libtorch by another
    /// variable.
    folder: Option<PathBuf>,
}

impl Libtorch {
    /// Makes a build use it.
    pub(crate) fn configure(&self, cargo: &mut Command) {
        if let Some(folder) = &self.folder {
            cargo.env("LIBTORCH", folder);
        }
    }
}

/// Checks the user's libtorch, or sets ours up if needed.
pub(crate) fn provide(workspace: &Workspace, force: bool) -> Result<Libtorch> {
    let ours = workspace.libtorch();
    let choice = Choice::of_environment(&ours)?;
    let folder = match choice {
        Choice::Ours => {
            setup::ensure(&ours, force)?;
            Some(ours)
        }
        Choice::Folder(folder) => {
            choice::check_folder(&folder)?;
            say!(
                "LIBTORCH is set: using the libtorch in {}, nothing to set up",
                folder.display()
            );
            Some(folder)
        }
        Choice::Parts => {
            say!("LIBTORCH_INCLUDE or LIBTORCH_LIB is set: nothing to set up");
            None
        }
        Choice::PyTorch => {
            let found = choice::check_pytorch()?;
            say!("LIBTORCH_USE_PYTORCH is set: using {found}, nothing to set up");
            None
        }
    };
    Ok(Libtorch { folder })
}

/// Whether a libtorch is in place, so that `provide` would not download one.
pub(crate) fn is_in_place(workspace: &Workspace) -> Result<bool> {
    let ours = workspace.libtorch();
    Ok(match Choice::of_environment(&ours)? {
        Choice::Ours => choice::check_folder(&ours).is_ok(),
        Choice::Folder(_) | Choice::Parts | Choice::PyTorch => true,
    })
}
