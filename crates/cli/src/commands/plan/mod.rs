//! `crashrate plan`: how many rounds a question takes, and how long they take.

mod pilot;

use std::fmt::Write as _;
use std::path::Path;

use clap::Args;
use crashrate_model::ALPHA;
use crashrate_report::{View, count, plural, seconds, units};
use crashrate_stats::{
    Gate, Method, StatsError, blocks_until_decided, power_curve, rounds_to_detect,
    rounds_without_failure,
};

use crate::error::{Exit, Failure};
use crate::output::answer;
use crate::run_folder::view_of;
use crate::values::{exact_percent, open_rate, two_rates};
use pilot::pilot;

#[derive(Args, Debug)]
#[command(
    group = clap::ArgGroup::new("question").required(true).multiple(true),
    after_help = "\
Examples:
  crashrate plan --below 1%                  to show a rate below 1%
  crashrate plan --detect 90%:99%            to tell 90% from 99%
  crashrate plan --see-one 30% --from 12     with durations of run 12
  crashrate plan --pilot latest              from a pilot run"
)]
pub(crate) struct PlanArguments {
    /// Rounds to show that a rate is below this, such as 1%
    #[arg(long, value_name = "RATE", group = "question", value_parser = open_rate)]
    below: Option<f64>,

    /// Rounds to tell two rates apart, such as 90%:99%
    #[arg(long, value_name = "RATE:RATE", group = "question", value_parser = two_rates)]
    detect: Option<[f64; 2]>,

    /// Number of comparisons that share the error of 5%
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    comparisons: u32,

    /// Chance with which two rates are told apart
    #[arg(long, value_name = "RATE", default_value = "80%", value_parser = open_rate)]
    power: f64,

    /// Rounds to see at least one crash, if the crash rate is this, such as 30%
    #[arg(long, value_name = "RATE", group = "question", value_parser = open_rate)]
    see_one: Option<f64>,

    /// Rounds by the rates of this pilot run (folder, id, number or `latest`), with their
    /// uncertainty
    #[arg(long, value_name = "RUN", group = "question")]
    pilot: Option<String>,

    /// Add how long the rounds take, by the durations of this run (folder, id, number or `latest`)
    #[arg(long, value_name = "RUN")]
    from: Option<String>,
}

pub(crate) fn plan(runs: &Path, arguments: &PlanArguments) -> Result<Exit, Failure> {
    let from = arguments.from.as_deref();
    let from = from.map(|name| view_of(runs, name)).transpose()?;
    let mut text = String::new();
    for (answer, rounds) in answers(arguments).map_err(Failure::usage)? {
        let _ = writeln!(text, "{answer}");
        if let Some(view) = &from {
            text += &durations(view, rounds);
        }
    }
    if let Some(name) = &arguments.pilot {
        let view = view_of(runs, name)?;
        let alpha = ALPHA / f64::from(arguments.comparisons);
        text += &pilot(&view, arguments.power, alpha).map_err(Failure::usage)?;
    }
    answer(&text)
}

/// The answers to the questions, each with the rounds of each unit.
fn answers(arguments: &PlanArguments) -> Result<Vec<(String, u64)>, StatsError> {
    let mut answers = Vec::new();
    if let Some(limit) = arguments.below {
        answers.push(below(limit)?);
    }
    if let Some(rates) = arguments.detect {
        answers.push(detect(rates, arguments)?);
    }
    if let Some(rate) = arguments.see_one {
        let n = rounds_without_failure(rate, ALPHA)?;
        let text = format!(
            "see one at {}: {} have at least one crash with 95% (exact)",
            exact_percent(rate),
            plural(n, "round")
        );
        answers.push((text, n));
    }
    Ok(answers)
}

fn below(limit: f64) -> Result<(String, u64), StatsError> {
    let fixed = rounds_without_failure(limit, ALPHA)?;
    let mut text = format!(
        "below {}: {} without a bad one show it with 95% (exact)",
        exact_percent(limit),
        plural(fixed, "round")
    );
    if let Ok(n) = Gate::new(limit)?.rounds_to_pass(0, ALPHA) {
        let n = plural(n, "round");
        let _ = write!(text, "; with a look after every round (run --gate), {n}");
    }
    Ok((text, fixed))
}

fn detect([one, two]: [f64; 2], arguments: &PlanArguments) -> Result<(String, u64), StatsError> {
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
    let text = format!(
        "{} v {}: {} a side tell them apart with a power of {} ({method}; {shared}, error {})",
        exact_percent(one),
        exact_percent(two),
        plural(plan.per_side, "round"),
        exact_percent(arguments.power),
        exact_percent(alpha),
    );
    Ok((text + &curve([one, two], alpha)?, plan.per_side))
}

/// The chance of a verdict by the number of rounds, and the length of a run with `--until decided`.
fn curve([one, two]: [f64; 2], alpha: f64) -> Result<String, StatsError> {
    let mut text = "\n  rounds a side  chance of a verdict".to_owned();
    for (per_side, power) in power_curve(one, two, alpha)? {
        let per_side = count(per_side);
        let _ = write!(text, "\n  {per_side:>13}  {:>17.1}%", 100.0 * power);
    }
    // `--detect` takes shares of good rounds; the number of blocks is the same for bad ones.
    let _ = match blocks_until_decided(one, two, alpha) {
        Err(_) => write!(
            text,
            "\n  run --until decided takes more blocks than can be computed"
        ),
        Ok(until) => write!(
            text,
            "\n  run --until decided takes {:.0} blocks on average, and at most {} in nine of ten \
             runs",
            until.mean,
            count(until.nine_of_ten)
        ),
    };
    Ok(text)
}

/// How long this number of rounds of each unit takes, without concurrency.
fn durations(view: &View, rounds: u64) -> String {
    let mut text = String::new();
    let (mut total, mut timed) = (0.0, 0);
    for (unit, results) in units(view) {
        let _ = match results.secs {
            None => writeln!(text, "  {unit}: no duration on record"),
            Some(secs) => {
                let takes = rounds as f64 * secs.median;
                (total, timed) = (total + takes, timed + 1);
                let (median, takes) = (seconds(secs.median), seconds(takes));
                writeln!(text, "  {unit}: {takes} (median {median} a round)")
            }
        };
    }
    if timed > 1 {
        let total = seconds(total);
        let _ = writeln!(text, "  all of them, one attempt at a time: {total}");
    }
    text
}
