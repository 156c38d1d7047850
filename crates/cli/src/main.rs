//! Runs each test chapter in a process of its own, counts how it dies, and says what the numbers mean.
fn main() {}
