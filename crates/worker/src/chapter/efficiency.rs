//! The table of throughput by number of threads, which two chapters make with different sizes.

use anyhow::Result;

use super::team::Team;
use super::{Context, Verdict, stress};
use crate::crew::{self, Tally};
use crate::encoder::Encoder;
use crate::repeat::Check;

/// Measures `throughput`, `speedup` and `efficiency` for each number of threads, against one thread.
pub(super) fn run(context: &Context<'_>) -> Result<Verdict> {
    let mut random = context.random();
    let model = Encoder::random(context.sizes(), &mut random)?;
    let teams = teams(context);
    let total: u64 = teams.iter().map(Team::operations).sum();
    let (mut before, mut alone, mut complaints) = (0, None, Vec::new());
    for team in teams {
        let mut jobs = team.jobs(context, &model, &mut random)?;
        let tally = crew::run(&mut jobs, &context.plan(), |done, _| {
            let done = (before + done) as f64;
            Ok(context.voice.progress(done, total as f64, "ops")?)
        })?;
        before += team.operations();
        // Teams are in ascending order, and the first is one thread.
        let alone = *alone.get_or_insert(tally.throughput());
        row(context, &team, &tally, alone)?;

        let difference = stress::largest_difference(&jobs)?;
        let tolerance = context.params.number("tolerance");
        let wrong = stress::complaints(&tally, team.operations(), difference, tolerance);
        complaints.extend(
            wrong
                .iter()
                .map(|wrong| format!("{}: {wrong}", team.label())),
        );
    }
    Ok(Verdict::from_complaints(&complaints))
}

/// A team for each number of threads; one thread is always among them, for the others are compared with it.
fn teams(context: &Context<'_>) -> Vec<Team> {
    let mut counts = context.params.counts("threads");
    counts.push(1);
    counts.sort_unstable();
    counts.dedup();
    let team = |threads| Team {
        threads,
        batch: context.params.size("batch"),
        iterations: context.params.count("iterations"),
        check: Check::Last,
    };
    counts.into_iter().map(team).collect()
}

fn row(context: &Context<'_>, team: &Team, tally: &Tally, alone: f64) -> Result<()> {
    let (voice, label) = (context.voice, team.label());
    let throughput = tally.throughput();
    let speedup = throughput / alone;
    voice.measure("throughput", throughput, "ops/s", &label)?;
    voice.measure("speedup", speedup, "", &label)?;
    let efficiency = speedup / team.threads as f64;
    Ok(voice.measure("efficiency", efficiency, "", &label)?)
}
