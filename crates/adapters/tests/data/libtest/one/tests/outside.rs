#[test]
fn directory() {
    assert!(std::path::Path::new("tests/outside.rs").exists());
    assert_eq!(std::env::var("CARGO_PKG_NAME").as_deref(), Ok("one"));
}
