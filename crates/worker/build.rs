//! Lets the worker find libtorch by itself: the folder it was linked against becomes its RUNPATH,
//! which `LD_LIBRARY_PATH` overrides on another machine. Also records the version of tch.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    for variable in ["LIBTORCH", "LIBTORCH_LIB", "LIBTORCH_USE_PYTORCH"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    // torch-sys has already located the folder; a second search could give another answer. The
    // variable is unset only with the feature doc-only, which links nothing.
    if let Ok(folder) = env::var("DEP_TCH_LIBTORCH_LIB") {
        let folder = fs::canonicalize(&folder).unwrap_or_else(|_| PathBuf::from(folder));
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
        if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
            println!("cargo:rustc-link-arg=-Wl,--enable-new-dtags");
        }
    }
    println!("cargo:rerun-if-changed=../../Cargo.lock");
    println!("cargo:rustc-env=CRASHRATE_TCH_VERSION={}", tch_version());
}

/// The version of tch in the workspace's lock file.
fn tch_version() -> String {
    let lock = fs::read_to_string("../../Cargo.lock").unwrap_or_default();
    lock.split("[[package]]")
        .find(|package| package.contains("\nname = \"tch\"\n"))
        .and_then(|package| package.split("version = \"").nth(1)?.split('"').next())
        .unwrap_or("unknown")
        .to_owned()
}
