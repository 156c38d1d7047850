//! Compiles the one thing that Rust cannot do by itself: an uncaught C++ exception.

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
        // Checking the types for another system needs no C++ compiler for it; linking would say what is missing.
        Err(error) if host != target => println!("cargo:warning=no C++ for {target}: {error}"),
        Err(error) => panic!("a C++ compiler is needed: {error}"),
    }
    // Which target this is built for: a build on demand must be for the same one.
    println!("cargo:rustc-env=CRASHRATE_TESTKIT_TARGET={target}");
}
