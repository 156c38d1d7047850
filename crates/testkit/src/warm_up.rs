//! The warm-up of a zygote: nothing, or a deliberate mistake.

use std::fs::File;
use std::time::Duration;

/// Selects the mistake: `thread`, `descriptor` or `exit`.
pub const WARM_UP: &str = "TESTKIT_WARM_UP";

/// Warms up as [`WARM_UP`] says.
///
/// # Panics
/// The value is unknown.
pub fn warm_up() {
    match std::env::var(WARM_UP).as_deref() {
        Err(_) => {}
        Ok("thread") => {
            std::thread::spawn(|| std::thread::sleep(Duration::from_secs(3600)));
        }
        Ok("descriptor") => {
            let file = File::open("/dev/zero").expect("there is one");
            std::mem::forget(file);
        }
        Ok("exit") => {
            eprintln!("the warm-up exits");
            std::process::exit(7);
        }
        Ok(other) => panic!("{WARM_UP}={other}?"),
    }
}
