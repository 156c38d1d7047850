//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use crashrate_protocol::{Task, TaskChapter, VERSION};
use serde_json::{Map, Value};

use crate::exit::Refusal;

const AFTER_HELP: &str = "\
Without a command, a task is read from standard input, one line of JSON:
  {\"v\":1,\"chapters\":[{\"id\":\"a\",\"worker\":\"thread-safety\",\
\"params\":{\"threads\":2}}],\"device\":\"cpu\",\"seed\":7}
Its chapters run one after another in this process. Events go to the descriptor that \
CRASHRATE_EVENTS_FD names; without
it, plain lines go to standard output.

Exit codes: 0 all passed, 1 a chapter failed, 2 the task or the command line is wrong, \
3 the device is not available,
4 nobody takes what is reported.";

/// Test chapters on libtorch: threads, efficiency, batching, correctness.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// Load libtorch once and fork for each task that crashrate sends (spawn = "fork"; Linux)
    #[arg(long)]
    pub(crate) zygote: bool,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Commands for use by hand.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print the chapters with their parameters and defaults, as JSON
    List,
    /// Print the available, working devices, one a line
    Devices,
    /// Run one chapter and print its measures
    Run(Run),
    /// Compare the encoder with reference tensors: exit code 1 if they differ by more than the
    /// tolerance
    VerifyEncoder(VerifyEncoder),
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The chapter; `crashrate-worker list` prints the names
    chapter: String,
    /// auto, mps, cuda, cuda:N or cpu
    #[arg(long, env = "CRASHRATE_DEVICE", default_value = "auto")]
    device: String,
    /// A parameter, such as threads=4 or threads=[1,2]; can be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = param)]
    params: Vec<(String, Value)>,
    /// The seed of weights and inputs
    #[arg(long, env = "CRASHRATE_SEED", default_value_t = 0)]
    seed: u64,
}

/// Arguments of `verify-encoder`.
#[derive(Debug, Args)]
pub(crate) struct VerifyEncoder {
    /// A safetensors file with weights under PyTorch's names, `input` and `output.0`, `output.1`,
    /// ...
    pub(crate) file: PathBuf,
    /// auto, mps, cuda, cuda:N or cpu
    #[arg(long, env = "CRASHRATE_DEVICE", default_value = "auto")]
    pub(crate) device: String,
    /// The largest absolute difference that counts as equal
    #[arg(long, default_value_t = 2e-5, value_parser = tolerance)]
    pub(crate) tolerance: f64,
}

impl Run {
    /// Converts the arguments to a task.
    ///
    /// # Errors
    /// A parameter is given twice.
    pub(crate) fn task(self) -> Result<Task, Refusal> {
        let mut params = Map::new();
        for (name, value) in self.params {
            if params.insert(name.clone(), value).is_some() {
                return Err(Refusal::Usage(format!(
                    "parameter \"{name}\" is given twice"
                )));
            }
        }
        Ok(Task {
            v: VERSION,
            chapters: vec![TaskChapter {
                id: self.chapter.clone(),
                worker: Some(self.chapter),
                params,
            }],
            device: self.device,
            seed: self.seed,
            fault: None,
        })
    }
}

/// Parses `threads=4`. A value that is not JSON is text; `1,2,4` is a list of numbers.
fn param(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("it has the form NAME=VALUE, such as threads=4")?;
    let value = serde_json::from_str(value)
        .or_else(|_| serde_json::from_str(&format!("[{value}]")))
        .unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((name.trim().to_owned(), value))
}

fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number),
        _ => Err("it is a number, 0 or more, such as 2e-5".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_of_parameters() {
        for (text, value) in [
            ("threads=4", json!(4)),
            ("threads=[1,2]", json!([1, 2])),
            ("threads=1,2", json!([1, 2])),
            ("tolerance=1e-3", json!(0.001)),
            ("duration=20s", json!("20s")),
            ("duration=", json!([])),
        ] {
            assert_eq!(param(text).unwrap().1, value, "{text}");
        }
        assert!(param("threads").is_err());
    }

    #[test]
    fn the_command_line_is_valid() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
