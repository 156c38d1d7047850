//! Where macOS puts its crash reports.
