//! `bare-loop WAY THREADS ROUNDS PROGRAM [ARGUMENT...]`: starts a program again and again, and keeps nothing of it.
//! Prints one JSON line with its rounds per second and its own processor time for each.

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    std::process::exit(crashrate_testkit::bare_loop::main(&args));
}
