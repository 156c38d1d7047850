//! A worker without libtorch, and a program for sequences: acts out the task on standard input. It
//! can be a zygote.

use crashrate_testkit::{sequence, warm_up};

fn main() {
    // A worker is asked to be a zygote on its command line as well.
    let args: Vec<String> = (std::env::args().skip(1))
        .filter(|arg| arg != "--zygote")
        .collect();
    std::process::exit(crashrate_zygote::serve(warm_up, || sequence::main(&args)));
}
