//! The frameworks.

use serde::{Deserialize, Serialize};

/// A test framework.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::VariantArray
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Framework {
    /// pytest for Python.
    Pytest,
    /// GoogleTest for C++.
    Gtest,
    /// Catch2 for C++, versions 2 and 3.
    Catch2,
    /// The harness of Rust's `cargo test`.
    Libtest,
    /// CTest, the test driver of CMake.
    Ctest,
    /// Go's `testing` package.
    Go,
}
