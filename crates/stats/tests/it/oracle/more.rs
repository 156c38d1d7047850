//! The cases of the second file: matched pairs, margins, exposure, strata and histories.

use crashrate_stats::{
    Counts, MarginProcess, farrington_manning, garwood, mantel_haenszel, tango_interval, tango_test,
};
use serde_json::Value;

use super::{Answer, Answers, Vector, number, said};

impl Vector {
    pub(super) fn more_answers(&self) -> Result<Answers<'_>, String> {
        match self.kind.as_str() {
            "mcnemar_exact" => {
                let p = crashrate_stats::mcnemar_exact(self.count("b")?, self.count("c")?);
                Ok(vec![("p", p.into())])
            }
            "tango_interval" | "tango_test" => self.matched(),
            "log_e_margin" => self.margin(),
            "farrington_manning" => self.score_of_difference(),
            "garwood" => {
                let (events, exposure) = (self.count("k")?, self.number("exposure")?);
                let interval = garwood(events, exposure, self.alpha()?).map_err(said)?;
                Ok(vec![("lo", interval.lo.into()), ("hi", interval.hi.into())])
            }
            "mantel_haenszel" => self.strata(),
            _ => Err("unknown kind".into()),
        }
    }

    fn matched(&self) -> Result<Answers<'_>, String> {
        let (b, c, n) = (self.count("b")?, self.count("c")?, self.count("n")?);
        if self.kind == "tango_test" {
            let p = tango_test(b, c, n, self.number("margin")?).map_err(said)?;
            return Ok(vec![("p", p.into())]);
        }
        let interval = tango_interval(b, c, n, self.alpha()?).map_err(said)?;
        Ok(vec![("lo", interval.lo.into()), ("hi", interval.hi.into())])
    }

    fn margin(&self) -> Result<Answers<'_>, String> {
        let (one, two) = (self.rounds("seq_one")?, self.rounds("seq_two")?);
        let mut process = MarginProcess::new(self.number("margin")?).map_err(said)?;
        let each_round = one
            .into_iter()
            .zip(two)
            .map(|(one, two)| {
                process.update(one, two);
                process.ln_e()
            })
            .collect();
        Ok(vec![("log_e_each_round", Answer::Numbers(each_round))])
    }

    fn score_of_difference(&self) -> Result<Answers<'_>, String> {
        let (one, two) = (self.counts("x1", "n1")?, self.counts("x2", "n2")?);
        let p = farrington_manning(one, two, self.number("margin")?).map_err(said)?;
        Ok(vec![("p", p.into())])
    }

    fn strata(&self) -> Result<Answers<'_>, String> {
        let ones = self.list_of_counts("x1", "n1")?;
        let twos = self.list_of_counts("x2", "n2")?;
        let strata: Vec<(Counts, Counts)> = ones.into_iter().zip(twos).collect();
        let got = mantel_haenszel(&strata, self.alpha()?).map_err(said)?;
        let mut answers: Answers<'_> = vec![("p", got.p.into())];
        if let Some(difference) = got.difference {
            answers.push(("diff", difference.into()));
        }
        if let Some(interval) = got.interval {
            answers.push(("diff_lo", interval.lo.into()));
            answers.push(("diff_hi", interval.hi.into()));
        }
        if let Some(ratio) = got.odds_ratio {
            answers.push(("or", ratio.estimate.into()));
            answers.push(("or_lo", ratio.interval.lo.into()));
            answers.push(("or_hi", ratio.interval.hi.into()));
        }
        Ok(answers)
    }

    fn list_of_counts(&self, bad: &str, n: &str) -> Result<Vec<Counts>, String> {
        let (bad, n) = (self.list(bad)?, self.list(n)?);
        if bad.len() != n.len() {
            return Err("the lists differ in length".into());
        }
        bad.into_iter()
            .zip(n)
            .map(|(bad, n)| Counts::new(bad as u64, n as u64).map_err(said))
            .collect()
    }

    fn list(&self, name: &str) -> Result<Vec<f64>, String> {
        let values = self.inputs.get(name).and_then(Value::as_array);
        let values = values.and_then(|values| values.iter().map(number).collect());
        values.ok_or_else(|| format!("no list of numbers {name} in the inputs"))
    }
}
