//! The text files of a checkout.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Folders that hold no source.
const SKIPPED: [&str; 4] = ["target", ".git", "crashrate-runs", "__pycache__"];

/// A text file of the checkout.
pub(crate) struct File {
    /// Relative to the root.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn is_rust(&self) -> bool {
        self.path.extension() == Some("rs".as_ref())
    }
}

/// Reads all text files below `root`, sorted by path.
pub(crate) fn files(root: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        for entry in entries {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let is_skipped = SKIPPED.iter().any(|name| entry.file_name() == *name);
            if kind.is_dir() && !is_skipped {
                folders.push(path);
            } else if kind.is_file() {
                // Tensors and the like are not text.
                let Ok(text) = fs::read_to_string(&path) else {
                    continue;
                };
                let path = path.strip_prefix(root)?.to_owned();
                files.push(File { path, text });
            }
        }
    }
    files.sort_by(|one, two| one.path.cmp(&two.path));
    Ok(files)
}
