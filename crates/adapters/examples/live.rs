//! Development: lists the tests of a command, runs them one by one (`--isolated`), or together in
//! the given or a shuffled order (`--sequence`, `--shuffled SEED`).
//!
//! ```sh
//! cargo run -p crashrate-adapters --example live -- gtest ./math_test
//! cargo run -p crashrate-adapters --example live -- --sequence go ./...
//! ```

use std::error::Error;
use std::io::Write;
use std::process::{Command, ExitCode, Stdio};

use crashrate_adapters::{
    Context, Framework, Group, Invocation, Order, Output, Step, Test, TestList, list,
};

fn main() -> ExitCode {
    match measured() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measured() -> Result<(), Box<dyn Error>> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let isolated = words.first().is_some_and(|word| word == "--isolated");
    let order = match words.first().map(String::as_str) {
        Some("--sequence") => Some(Order::Given),
        Some("--shuffled") => Some(Order::Shuffled {
            seed: words.remove(1).parse()?,
        }),
        _ => None,
    };
    let run = isolated || order.is_some();
    words.drain(..usize::from(run));
    let framework: Framework = words.remove(0).parse()?;
    let tests = listed(framework, &words)?;
    for note in &tests.notes {
        println!("note: {note}");
    }
    println!("{} tests in {} groups", tests.len(), tests.groups.len());
    for group in &tests.groups {
        let chosen: Vec<&Test> = group.tests.iter().collect();
        if !run {
            for test in chosen {
                println!("{}", serde_json::to_string(test)?);
            }
            continue;
        }
        for test in chosen.iter().filter(|_| isolated) {
            println!("isolated {}", test.id);
            measure(group, &group.isolated(test), &[test])?;
        }
        if let Some(order) = order {
            measure(group, &group.sequential(&chosen, order)?, &chosen)?;
        }
    }
    Ok(())
}

fn listed(framework: Framework, words: &[String]) -> Result<TestList, Box<dyn Error>> {
    let scratch = std::env::temp_dir().join("crashrate-adapters-live");
    std::fs::create_dir_all(&scratch)?;
    let env = std::env::vars().collect();
    let context = Context {
        scratch: &scratch,
        env: &env,
    };
    let mut step = list(framework, words, context)?;
    loop {
        step = match step {
            Step::Run(listing) => {
                let outputs: Result<Vec<Output>, _> =
                    listing.processes().iter().map(output).collect();
                listing.outputs(outputs?)?
            }
            Step::Done(tests) => return Ok(tests),
        }
    }
}

fn command(process: &Invocation) -> Command {
    let mut command = Command::new(&process.command[0]);
    command.args(&process.command[1..]).envs(&process.env);
    for name in &process.unset {
        command.env_remove(name);
    }
    if let Some(directory) = &process.directory {
        command.current_dir(directory);
    }
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped());
    command.stderr(Stdio::piped());
    command
}

fn output(process: &Invocation) -> std::io::Result<Output> {
    eprintln!("$ {process}");
    let output = command(process).output()?;
    Ok(Output {
        exit: output.status.code(),
        stdout: output.stdout,
        stderr: output.stderr,
    })
}

/// Runs a process, and prints the events that the reader makes of its output.
fn measure(group: &Group, process: &Invocation, tests: &[&Test]) -> Result<(), Box<dyn Error>> {
    eprintln!("$ {process}");
    let mode = if tests.len() == 1 {
        "isolated"
    } else {
        "sequential"
    };
    // For the plugin of pytest; standard error is a pipe.
    let mut command = command(process);
    command
        .env("CRASHRATE_EVENTS_FD", "2")
        .env("CRASHRATE_MODE", mode);
    let mut child = command.spawn()?;
    if let Some(mut task) = child.stdin.take() {
        let chapters: Vec<_> = tests
            .iter()
            .map(|test| serde_json::json!({"id": test.id}))
            .collect();
        // A program that reads no task may have closed its standard input.
        let _ = writeln!(
            task,
            "{}",
            serde_json::json!({"v": 1, "chapters": chapters})
        );
    }
    let output = child.wait_with_output()?;
    if let Some(mut reader) = group.reader(tests) {
        for event in reader.push(&output.stdout) {
            println!("  {}", serde_json::to_string(&event)?);
        }
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    for event in stderr.lines().filter(|line| line.starts_with("{\"v\"")) {
        println!("  {event}");
    }
    println!("  {}", output.status);
    Ok(())
}
