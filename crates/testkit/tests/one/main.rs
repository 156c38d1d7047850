//! A test binary with one empty test, which `cargo xtask bench` runs repeatedly with every runner.

#[test]
fn passes() {}
