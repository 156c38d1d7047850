//! The crash reports that macOS writes.
