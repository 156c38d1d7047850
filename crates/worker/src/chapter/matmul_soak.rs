//! `matmul-soak`: matrix products on many threads for a given time, with every result compared.

use anyhow::{Result, ensure};
use tch::{Kind, Tensor};

use super::{Chapter, Context, Verdict};
use crate::params::{self, Param, number, size, threads};
use crate::random::{Random, deep_copy};
use crate::thread_group::{self, Job, Tally};

pub(crate) const CHAPTER: Chapter = Chapter {
    name: "matmul-soak",
    about: "threads multiply matrices for a while, and compare every product with that of the CPU \
            in double precision before it counts",
    params: &[
        threads(8),
        Param {
            name: "duration",
            kind: params::Kind::Time { default: "20s" },
        },
        size("size", 256),
        number("tolerance", 1e-3),
    ],
    unused: &[
        "d_model",
        "heads",
        "feed_forward",
        "layers",
        "batch",
        "sequence",
    ],
    run,
};

/// The matrices of one thread.
struct Product {
    a: Tensor,
    b: Tensor,
    expected: Tensor,
    tolerance: f64,
}

fn run(context: &Context<'_>) -> Result<Verdict> {
    let mut random = context.random();
    let job = |_| Product::new(context, &mut random);
    let threads = 0..context.params.count("threads");
    let mut jobs = threads.map(job).collect::<Result<Vec<_>>>()?;
    let seconds = context.params.seconds("duration");
    let tally = thread_group::run(&mut jobs, &context.plan_for(seconds), |_, elapsed| {
        let elapsed = elapsed.as_secs_f64().min(seconds);
        Ok(context.sink.progress(elapsed, seconds, "s")?)
    })?;

    let sink = context.sink;
    sink.measure("operations", tally.done as f64, "", "")?;
    sink.measure("errors", tally.errors as f64, "", "")?;
    sink.measure("elapsed", tally.wall.as_secs_f64(), "s", "")?;
    sink.measure("throughput", tally.throughput(), "ops/s", "")?;
    Ok(judged(&tally))
}

fn judged(tally: &Tally) -> Verdict {
    match &tally.first_error {
        Some(first) => Verdict::Failed(format!(
            "{} of {} operations ended with an error, the first: {first}",
            tally.errors,
            tally.done + tally.errors
        )),
        None if tally.done == 0 => Verdict::Failed("no operation was done in time".to_owned()),
        None => Verdict::Passed,
    }
}

impl Product {
    fn new(context: &Context<'_>, random: &mut Random) -> Result<Self> {
        let (size, device) = (context.params.size("size"), context.device.tch());
        let a = random.normal(&[size, size])?;
        let b = random.normal(&[size, size])?;
        let exact = a
            .f_to_kind(Kind::Double)?
            .f_matmul(&b.f_to_kind(Kind::Double)?)?;
        Ok(Product {
            a: deep_copy(&a, device)?,
            b: deep_copy(&b, device)?,
            expected: deep_copy(&exact.f_to_kind(Kind::Float)?, device)?,
            tolerance: context.params.number("tolerance"),
        })
    }
}

impl Job for Product {
    fn operations(&self) -> u64 {
        u64::MAX
    }

    fn step(&mut self) -> Result<()> {
        let mut product = self.a.f_matmul(&self.b)?;
        let largest = product.f_sub_(&self.expected)?.f_abs_()?.f_max()?;
        // Copying the value to the CPU waits for the device, on all of them.
        let off = largest.f_double_value(&[])?;
        ensure!(
            off <= self.tolerance,
            "a product is {off:.2e} off; the tolerance is {:e}",
            self.tolerance
        );
        Ok(())
    }

    fn settle(&mut self) -> Result<()> {
        // Every step has already waited for its result.
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_no_operations_fail() {
        let tally = |done, first: Option<&str>| Tally {
            done,
            errors: first.iter().len() as u64,
            first_error: first.map(str::to_owned),
            ..Tally::default()
        };
        assert_eq!(judged(&tally(5, None)), Verdict::Passed);
        for tally in [tally(0, None), tally(4, Some("off"))] {
            assert!(matches!(judged(&tally), Verdict::Failed(_)));
        }
    }
}
