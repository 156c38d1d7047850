fn main() {}

#[test]
fn other_program() {}
