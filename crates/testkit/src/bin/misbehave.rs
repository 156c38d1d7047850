//! `misbehave KIND [ARGUMENT...]`: does one bad thing for real. Without arguments it lists the kinds.

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    std::process::exit(crashrate_testkit::misbehave::main(&args));
}
