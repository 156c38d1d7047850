//! Which libtorch is used, and bringing one where the user has none.
//!
//! | file | subject |
//! |---|---|
//! | `choice.rs` | the user's own libtorch, or ours |
//! | `platform.rs` | for each platform: which wheels, and what is taken out of them |
//! | `setup.rs` | from nothing to a folder in place, step by step |
//! | `stamp.rs` | what was put there, and whether it is still so |
//! | `lock.rs` | one set-up at a time |
//! | `space.rs` | room on the disk |
//! | `python.rs` | python3 and its pip |
//! | `fetch.rs` | a wheel from the package index, by pip |
//! | `unpack.rs` | out of the wheels into the folder |

mod choice;
mod fetch;
mod lock;
mod platform;
mod python;
mod setup;
mod space;
mod stamp;
mod unpack;

use std::path::PathBuf;

use anyhow::Result;

use self::choice::Choice;
use crate::workspace::Workspace;

/// The version that tch 0.24 is made for.
const VERSION: &str = "2.11.0";

/// The libtorch that a build is to use.
pub(crate) struct Libtorch {
    /// What torch-sys reads in `LIBTORCH`; nothing where it finds its libtorch in another way.
    pub(crate) folder: Option<PathBuf>,
}

/// Sees to it that there is a libtorch: the user's own, or ours, which is brought if it is not there.
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
            say!("LIBTORCH_INCLUDE or LIBTORCH_LIB is set: left to you, nothing to set up");
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

/// Whether `provide` would find a libtorch in place, and fetch nothing.
pub(crate) fn is_there(workspace: &Workspace) -> Result<bool> {
    let ours = workspace.libtorch();
    Ok(match Choice::of_environment(&ours)? {
        Choice::Ours => choice::check_folder(&ours).is_ok(),
        Choice::Folder(_) | Choice::Parts | Choice::PyTorch => true,
    })
}
