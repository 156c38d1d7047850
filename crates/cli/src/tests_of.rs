//! Lists the tests of frameworks for `run`, `list` and others.

use std::path::{self, Path};

use clap::builder::TypedValueParser;
use crashrate_adapters::Framework;
use crashrate_supervisor::build::KeptBuilds;
use crashrate_supervisor::listing::{PythonPackage, TestLister};

use crate::values::one_of;

/// The folder in the folder of all runs where files that tests need are kept.
const FOLDER: &str = ".tests";

/// The Python package, for a Python in which it is not installed.
const PYTHON: PythonPackage = &[
    (
        "__init__.py",
        include_str!("../python/crashrate/__init__.py"),
    ),
    ("_events.py", include_str!("../python/crashrate/_events.py")),
    (
        "pytest_plugin.py",
        include_str!("../python/crashrate/pytest_plugin.py"),
    ),
    ("py.typed", include_str!("../python/crashrate/py.typed")),
];

pub(crate) fn lister(runs: &Path) -> TestLister {
    // Tests run in folders of their own, so that the path of what was built must be absolute.
    let folder = runs.join(FOLDER);
    let folder = path::absolute(&folder).unwrap_or(folder);
    TestLister::new(folder, PYTHON, KeptBuilds::of_runs(runs))
}

/// Accepts the name of a framework; `auto` is none.
pub(crate) fn framework() -> impl TypedValueParser<Value = Option<Framework>> {
    one_of([
        ("auto", None),
        ("pytest", Some(Framework::Pytest)),
        ("gtest", Some(Framework::Gtest)),
        ("catch2", Some(Framework::Catch2)),
        ("libtest", Some(Framework::Libtest)),
        ("ctest", Some(Framework::Ctest)),
        ("go", Some(Framework::Go)),
    ])
}
