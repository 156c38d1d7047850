//! `fixtures/measured/evidence.md`.

use anyhow::Result;
use crashrate_stats::{Counts, Interval, risk_ratio};

use super::{Block, Measured};
use crate::bench::table::Spread;

const METHOD: &str = "\
Each block of a program holds the three modes, one run each, in a shuffled order. All runs use \
                      `--fresh-directory` and a time limit of 300 ms. The programs are in \
                      `fixtures/racy`, compiled with `-O1 -g`. Crashed and timed-out rounds both \
                      count as bad. `every_tenth` is the control: it crashes in every tenth round \
                      whatever the mode. `handled_signals` never crashes; it measures cost. The \
                      n1972 fault needs libtorch: see `n1972.md`.\n";

pub(super) fn markdown(measured: &[Measured], conditions: &str) -> Result<String> {
    let mut text = format!("# Evidence modes: rate and cost\n\n{conditions}\n\n{METHOD}");
    text += "\n## Rate\n\nBad rounds, and the ratio of rates to mode `none` (95% score interval, \
             Miettinen and Nurminen 1985; rounds are taken as independent). An interval that \
             contains 1 shows no effect.\n\n\
             | program | none | core | trace | core v none | trace v none |\n\
             |---|---|---|---|---|---|\n";
    for program in measured {
        let counts = program.counts()?;
        let [none, core, trace] = counts.map(rate);
        let (of_core, of_trace) = (ratio(counts[1], counts[0])?, ratio(counts[2], counts[0])?);
        let name = &program.name;
        text += &format!("| {name} | {none} | {core} | {trace} | {of_core} | {of_trace} |\n");
    }
    text += "\n## Cost\n\nA block's median time of a round, as a ratio to mode `none` in the same \
             block: the median of all blocks (least..most). The whole run divided by its rounds \
             includes what crashrate does between rounds, such as reading a core dump, and \
             depends on the number of crashes. A ratio whose spread contains 1 is within the \
             noise of this machine.\n\n\
             | program | none, ms | core, round | trace, round | core, whole run | trace, whole run \
             |\n|---|---:|---|---|---|---|\n";
    for program in measured {
        let millis = Spread::of(program.modes[0].iter().map(|block| block.median * 1e3));
        text += &format!(
            "| {} | {:.2} | {} | {} | {} | {} |\n",
            program.name,
            millis.map_or(0.0, |spread| spread.median),
            program.cost(1, |block| block.median),
            program.cost(2, |block| block.median),
            program.cost(1, |block| block.whole),
            program.cost(2, |block| block.whole),
        );
    }
    text += "\n## Evidence rounds of mode `auto`\n\nCounted rounds are not traced; traced \
             evidence rounds follow. A hang needs none: its threads are captured before the kill. \
             The rounds stop when the same exit recurs, with or without a stack. In \
             `exit_statics`, a thread faults while another ends the process, so the tracer often \
             gets no stack.\n\n\
             | program | runs with bad rounds | evidence rounds, median | with a stack at the end \
             | evidence rounds, ms in all, median |\n|---|---|---:|---|---:|\n";
    for program in measured {
        text += &program.auto_row();
    }
    Ok(text)
}

impl Measured {
    fn counts(&self) -> Result<[Counts; 3]> {
        let mut counts = Vec::new();
        for blocks in &self.modes {
            let bad = blocks.iter().map(|block| block.bad).sum();
            counts.push(Counts::new(
                bad,
                blocks.iter().map(|block| block.rounds).sum(),
            )?);
        }
        Ok([counts[0], counts[1], counts[2]])
    }

    fn cost(&self, mode: usize, of: fn(&Block) -> f64) -> String {
        let pairs = self.modes[mode].iter().zip(&self.modes[0]);
        Spread::of(pairs.map(|(block, none)| of(block) / of(none))).map_or_else(
            || "-".to_owned(),
            |Spread { median, min, max }| format!("{median:.2} ({min:.2}..{max:.2})"),
        )
    }

    fn auto_row(&self) -> String {
        let bad: Vec<_> = self.auto.iter().filter(|block| block.bad > 0).collect();
        let asked: Vec<_> = bad
            .iter()
            .filter(|block| !block.evidence.is_empty())
            .collect();
        let seen = (asked.iter())
            .filter(|block| block.evidence.iter().any(|round| round.seen))
            .count();
        let median = |of: fn(&Block) -> f64| {
            Spread::of(asked.iter().map(|block| of(block)))
                .map_or_else(|| "-".to_owned(), |spread| format!("{:.0}", spread.median))
        };
        format!(
            "| {} | {} of {} | {} | {seen} of {} | {} |\n",
            self.name,
            bad.len(),
            self.auto.len(),
            median(|block| block.evidence.len() as f64),
            asked.len(),
            median(|block| block.evidence.iter().map(|round| round.secs * 1e3).sum()),
        )
    }
}

fn rate(counts: Counts) -> String {
    let percent = counts.rate().unwrap_or(0.0) * 100.0;
    format!("{}/{} ({})", counts.bad(), counts.n(), short(percent))
}

fn short(percent: f64) -> String {
    let text = format!("{percent:.1}");
    format!("{}%", text.strip_suffix(".0").unwrap_or(&text))
}

fn ratio(one: Counts, two: Counts) -> Result<String> {
    if one.bad() + two.bad() == 0 {
        return Ok("-".to_owned());
    }
    let Interval { lo, hi } = risk_ratio(one, two, 0.05)?;
    let point = one.rate().unwrap_or(0.0) / two.rate().unwrap_or(0.0);
    Ok(format!("{point:.2} ({lo:.2} to {hi:.2})"))
}
