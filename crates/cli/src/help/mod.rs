//! `crashrate help`: of the program, of a command, or a page about how its verdicts are made.

use clap::{Args, CommandFactory};

use crate::args::Arguments;
use crate::exit::{Exit, Failure};
use crate::screen::print;

const STATISTICS: &str = include_str!("statistics.txt");

#[derive(Args, Debug)]
pub(crate) struct HelpArguments {
    /// A command, or `statistics`
    #[arg(value_name = "TOPIC")]
    topic: Vec<String>,
}

pub(crate) fn help(arguments: &HelpArguments) -> Result<Exit, Failure> {
    if let [topic] = arguments.topic.as_slice()
        && topic == "statistics"
    {
        print(STATISTICS)?;
        return Ok(Exit::Passed);
    }
    let mut command = Arguments::command();
    command.build();
    for name in &arguments.topic {
        command = command.find_subcommand(name).cloned().ok_or_else(|| {
            Failure::usage(format!(
                "there is no help on `{name}`: name a command, or `statistics`"
            ))
        })?;
    }
    print(&command.render_help().to_string())?;
    Ok(Exit::Passed)
}
