//! Compiles the one thing that Rust cannot do by itself: an uncaught C++ exception.

fn main() {
    cc::Build::new()
        .cpp(true)
        .file("src/misbehave/uncaught.cpp")
        .compile("crashrate_testkit_uncaught");
    println!("cargo:rerun-if-changed=src/misbehave/uncaught.cpp");
    // Which target this is built for: a build on demand must be for the same one.
    let target = std::env::var("TARGET").expect("cargo sets TARGET for build scripts");
    println!("cargo:rustc-env=CRASHRATE_TESTKIT_TARGET={target}");
}
