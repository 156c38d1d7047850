//! What a zygote does before it forks: nothing, or something that it must not do.

use std::fs::File;
use std::time::Duration;

/// Says what the warm-up is to do wrong: `thread`, `descriptor` or `exit`.
pub const WARM_UP: &str = "TESTKIT_WARM_UP";

/// Warms up, as [`WARM_UP`] says.
///
/// # Panics
/// There is no such way.
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
            eprintln!("the warm-up gives up");
            std::process::exit(7);
        }
        Ok(other) => panic!("{WARM_UP}={other}?"),
    }
}
