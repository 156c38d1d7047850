//! `fixtures/measured/evidence.md`.

use anyhow::Result;
use crashrate_stats::{Counts, Interval, risk_ratio};

use super::{Block, Measured};
use crate::bench::table::Spread;

const PAGE: &str = include_str!("page.md");

pub(super) fn markdown(measured: &[Measured], conditions: &str) -> Result<String> {
    let rate: Vec<String> = (measured.iter())
        .map(Measured::rate_row)
        .collect::<Result<_>>()?;
    let cost: Vec<String> = measured.iter().map(Measured::cost_row).collect();
    let auto: Vec<String> = measured.iter().map(Measured::auto_row).collect();
    Ok(PAGE
        .replace("{conditions}", conditions)
        .replace("{rate}", &rate.join("\n"))
        .replace("{cost}", &cost.join("\n"))
        .replace("{auto}", &auto.join("\n")))
}

impl Measured {
    fn rate_row(&self) -> Result<String> {
        let count = |blocks: &Vec<Block>| {
            let bad = blocks.iter().map(|block| block.bad).sum();
            Counts::new(bad, blocks.iter().map(|block| block.rounds).sum())
        };
        let [none, core, trace] = self.modes.each_ref().map(count);
        let (none, core, trace) = (none?, core?, trace?);
        Ok(format!(
            "| {} | {} | {} | {} | {} | {} |",
            self.name(),
            rate(none),
            rate(core),
            rate(trace),
            ratio(core, none)?,
            ratio(trace, none)?
        ))
    }

    fn name(&self) -> String {
        let name = self.program.file_stem().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    fn cost_row(&self) -> String {
        let millis = Spread::of(self.modes[0].iter().map(|block| block.median * 1e3));
        format!(
            "| {} | {:.2} | {} | {} | {} | {} |",
            self.name(),
            millis.map_or(0.0, |spread| spread.median),
            self.cost(1, |block| block.median),
            self.cost(2, |block| block.median),
            self.cost(1, |block| block.whole),
            self.cost(2, |block| block.whole),
        )
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
        let asked = || bad.iter().filter(|block| block.evidence_rounds > 0);
        let median = |of: fn(&Block) -> f64| {
            Spread::of(asked().map(|block| of(block)))
                .map_or_else(|| "-".to_owned(), |spread| format!("{:.0}", spread.median))
        };
        format!(
            "| {} | {} of {} | {} | {} of {} | {} |",
            self.name(),
            bad.len(),
            self.auto.len(),
            median(|block| block.evidence_rounds as f64),
            asked().filter(|block| block.seen).count(),
            asked().count(),
            median(|block| block.evidence_secs * 1e3),
        )
    }
}

fn rate(counts: Counts) -> String {
    let percent = format!("{:.1}", counts.rate().unwrap_or(0.0) * 100.0);
    let percent = percent.strip_suffix(".0").unwrap_or(&percent);
    format!("{}/{} ({percent}%)", counts.bad(), counts.n())
}

fn ratio(one: Counts, two: Counts) -> Result<String> {
    if one.bad() + two.bad() == 0 {
        return Ok("-".to_owned());
    }
    let Interval { lo, hi } = risk_ratio(one, two, 0.05)?;
    let point = one.rate().unwrap_or(0.0) / two.rate().unwrap_or(0.0);
    Ok(format!("{point:.2} ({lo:.2} to {hi:.2})"))
}
