fn main() {}

#[test]
fn program() {}
