//! A worker without libtorch, and a program for sequences: acts out the task that it reads on standard input.

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    std::process::exit(crashrate_testkit::sequence::main(&args));
}
