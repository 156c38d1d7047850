//! The racy programs do their work, and without their fault they pass.

use std::process::Command;

use crashrate_testkit::racy::{Linking, Racy};

#[test]
fn fixed_programs_pass() {
    for racy in Racy::ALL {
        for linking in [Linking::Dynamic, Linking::Static] {
            let status = Command::new(racy.program(linking)).arg("fixed").status();
            assert!(status.unwrap().success(), "{racy:?}");
        }
    }
}
