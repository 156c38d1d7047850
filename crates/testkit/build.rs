//! Compiles an uncaught C++ exception, which Rust cannot produce.

use std::env::var;

fn main() {
    println!("cargo:rerun-if-changed=src/misbehave/uncaught.cpp");
    let [host, target] = ["HOST", "TARGET"].map(|name| var(name).expect("cargo sets it"));
    let compiled = cc::Build::new()
        .cpp(true)
        .file("src/misbehave/uncaught.cpp")
        .try_compile("crashrate_testkit_uncaught");
    match compiled {
        Ok(()) => {}
        // Type checks for another system need no C++ compiler for it; linking would report it
        // missing.
        Err(error) if host != target => println!("cargo:warning=no C++ for {target}: {error}"),
        Err(error) => panic!("a C++ compiler is needed: {error}"),
    }
    // Builds on demand must use the same target.
    println!("cargo:rustc-env=CRASHRATE_TESTKIT_TARGET={target}");
}
