//! Checks the library against a file of expected values: `vectors FILE`.
//!
//! Prints one line per vector: its kind or name, then `ok` or the difference. Exits with code 1
//! if one fails or its kind is unknown.

#[path = "../tests/it/oracle/mod.rs"]
mod oracle;

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(file) = std::env::args_os().nth(1) else {
        eprintln!("usage: vectors FILE");
        return ExitCode::from(2);
    };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{}: {error}", file.display());
            return ExitCode::from(2);
        }
    };
    let results = match oracle::results(&text) {
        Ok(results) => results,
        Err(error) => {
            eprintln!("{}: {error}", file.display());
            return ExitCode::from(2);
        }
    };
    let mut failed = 0;
    for result in &results {
        match &result.difference {
            None => println!("{} ok", result.name),
            Some(difference) => {
                failed += 1;
                println!("{} {difference}", result.name);
            }
        }
    }
    println!("{} vectors, {failed} failed", results.len());
    ExitCode::from(u8::from(failed > 0))
}
