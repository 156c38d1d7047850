//! A test binary with one empty test: what `cargo xtask bench` lets every runner start again and again.

#[test]
fn passes() {}
