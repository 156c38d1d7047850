//! Set-up, build, demo and test of crashrate.
fn main() {}
