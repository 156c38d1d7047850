//! `bare-loop WAY THREADS ROUNDS PROGRAM [ARGUMENT...]`: starts a program repeatedly and discards
//! its output. Prints one JSON line with rounds per second and its own processor time per round.

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    std::process::exit(crashrate_testkit::bare_loop::main(&args));
}
