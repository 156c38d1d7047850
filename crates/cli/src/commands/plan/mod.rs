//! `crashrate plan`: how many rounds a question takes, and how long that is.

mod pilot;

use std::fmt::Write as _;
use std::path::Path;

use clap::Args;
use crashrate_model::{ALPHA, Mode};
use crashrate_report::{View, count, seconds};
use crashrate_stats::{
    Gate, Method, StatsError, blocks_until_decided, power_curve, rounds_to_detect,
    rounds_without_failure,
};

use crate::error::{Exit, Failure};
use crate::output::print;
use crate::run_folder::view_of;
use crate::values::{exact_percent, open_rate, two_rates};
use pilot::pilot;

#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("question").required(true).multiple(true))]
pub(crate) struct PlanArguments {
    /// To show that a rate is below this: 1%
    #[arg(long, value_name = "RATE", group = "question", value_parser = open_rate)]
    below: Option<f64>,

    /// To tell two rates apart: 90%:99%
    #[arg(long, value_name = "RATE:RATE", group = "question", value_parser = two_rates)]
    detect: Option<[f64; 2]>,

    /// How many comparisons share the error of 5%
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    comparisons: u32,

    /// How surely two rates are to be told apart
    #[arg(long, value_name = "SHARE", default_value = "80%", value_parser = open_rate)]
    power: f64,

    /// To see at least one crash of a chapter that crashes at this rate: 30%
    #[arg(long, value_name = "RATE", group = "question", value_parser = open_rate)]
    see_one: Option<f64>,

    /// What a pilot run says of further rounds, with its uncertainty: its folder, id, number, or `latest`
    #[arg(long, value_name = "RUN", group = "question")]
    pilot: Option<String>,

    /// Also how long that takes, by the durations of this run: its folder, id, number, or `latest`
    #[arg(long, value_name = "RUN")]
    from: Option<String>,
}

pub(crate) fn plan(runs: &Path, arguments: &PlanArguments) -> Result<Exit, Failure> {
    let from = match &arguments.from {
        Some(name) => Some(view_of(runs, name)?),
        None => None,
    };
    let mut text = String::new();
    for (said, rounds) in answers(arguments).map_err(Failure::usage)? {
        let _ = writeln!(text, "{said}");
        if let Some(view) = &from {
            text += &times(view, rounds);
        }
    }
    if let Some(name) = &arguments.pilot {
        let view = view_of(runs, name)?;
        let alpha = ALPHA / f64::from(arguments.comparisons);
        text += &pilot(&view, arguments.power, alpha).map_err(Failure::usage)?;
    }
    print(&text)?;
    Ok(Exit::Passed)
}

/// What is asked, each with its answer and the rounds of each unit that it takes.
fn answers(arguments: &PlanArguments) -> Result<Vec<(String, u64)>, StatsError> {
    let mut answers = Vec::new();
    if let Some(limit) = arguments.below {
        let fixed = rounds_without_failure(limit, ALPHA)?;
        let gate = Gate::new(limit)?.rounds_to_pass(0, ALPHA);
        let gate = gate.map_or_else(
            |_| String::new(),
            |n| format!("; looked at after every round (run --gate), {}", rounds(n)),
        );
        let rate = exact_percent(limit);
        answers.push((
            format!(
                "below {rate}: {} without a bad one show it with 95% (exact){gate}",
                rounds(fixed)
            ),
            fixed,
        ));
    }
    if let Some([one, two]) = arguments.detect {
        let alpha = ALPHA / f64::from(arguments.comparisons);
        let plan = rounds_to_detect(one, two, arguments.power, alpha)?;
        let method = match plan.method {
            Method::Exact => "exact",
            Method::Normal => "normal approximation",
        };
        let shared = match arguments.comparisons {
            1 => "one comparison".to_owned(),
            n => format!("one of {n} comparisons that share 5%"),
        };
        let told = format!(
            "{} v {}: {} a side tell them apart with a power of {} ({method}; {shared}, error {})",
            exact_percent(one),
            exact_percent(two),
            rounds(plan.per_side),
            exact_percent(arguments.power),
            exact_percent(alpha),
        );
        answers.push((told + &curve([one, two], alpha)?, plan.per_side));
    }
    if let Some(rate) = arguments.see_one {
        let n = rounds_without_failure(rate, ALPHA)?;
        let rate = exact_percent(rate);
        answers.push((
            format!(
                "see one at {rate}: {} have at least one crash with 95% (exact)",
                rounds(n)
            ),
            n,
        ));
    }
    Ok(answers)
}

/// The chance of a verdict by the number of rounds, and how long a run until decided takes.
fn curve([one, two]: [f64; 2], alpha: f64) -> Result<String, StatsError> {
    let mut text = "\n  rounds a side  chance of a verdict".to_owned();
    for (per_side, power) in power_curve(one, two, alpha)? {
        let _ = write!(
            text,
            "\n  {:>13}  {:>17.1}%",
            count(per_side),
            100.0 * power
        );
    }
    // The rates are of rounds that are not bad: for a difference that is the same.
    let until = blocks_until_decided(one, two, alpha).map_or_else(
        |_| "takes more blocks than this can follow".to_owned(),
        |until| {
            format!(
                "takes {:.0} blocks on average, and at most {} in nine of ten runs",
                until.mean,
                count(until.nine_of_ten)
            )
        },
    );
    let _ = write!(text, "\n  run --until decided {until}");
    Ok(text)
}

fn rounds(n: u64) -> String {
    match n {
        1 => "1 round".to_owned(),
        n => format!("{} rounds", count(n)),
    }
}

/// How long so many rounds of each unit take, one after the other.
fn times(view: &View, rounds: u64) -> String {
    let isolated = view.chapters.iter().filter(|row| row.sequence.is_none());
    let isolated = isolated.map(|row| (&row.chapter, Mode::Isolated, &row.variant, &row.results));
    let sequences = view.sequences.iter();
    let sequences =
        sequences.map(|row| (&row.sequence, Mode::Sequential, &row.variant, &row.results));
    let mut text = String::new();
    let (mut total, mut units) = (0.0, 0);
    for (name, mode, variant, results) in isolated.chain(sequences) {
        let variant = match variant.as_str() {
            "default" => String::new(),
            variant => format!(", {variant}"),
        };
        let _ = match results.secs {
            None => writeln!(text, "  {name} ({mode}{variant}): no duration on record"),
            Some(secs) => {
                let takes = rounds as f64 * secs.median;
                (total, units) = (total + takes, units + 1);
                let (median, takes) = (seconds(secs.median), seconds(takes));
                writeln!(
                    text,
                    "  {name} ({mode}{variant}): {takes} (median {median} a round)"
                )
            }
        };
    }
    if units > 1 {
        let _ = writeln!(
            text,
            "  all of them, one attempt at a time: {}",
            seconds(total)
        );
    }
    text
}
