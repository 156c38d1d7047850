//! `misbehave KIND [ARGUMENT...]`: does one bad thing for real. Without arguments it lists the
//! kinds. It can be a zygote.

use crashrate_testkit::{misbehave, warm_up};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    std::process::exit(crashrate_zygote::serve(warm_up, || misbehave::main(&args)));
}
