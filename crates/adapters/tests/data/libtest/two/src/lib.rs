#[test]
fn library() {}
