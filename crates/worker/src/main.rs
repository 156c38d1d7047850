//! The chapters on libtorch.
fn main() {}
