//! Repeats one computation on one input and compares the results with the first.

use anyhow::{Result, ensure};
use tch::Tensor;

use crate::device::Device;
use crate::thread_group::Job;

/// Computes one tensor from another.
pub(crate) trait Forward: Send {
    /// Submits the computation to the device. It need not be complete on return.
    fn forward(&self, input: &Tensor) -> Result<Tensor>;
}

/// Which results are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// Every result, on the device and as part of the operation: for chapters that look for
    /// interference between threads.
    Every,
    /// The last result, after the clock has stopped: for chapters that measure the speed of the
    /// computation alone.
    Last,
}

/// A job that repeats a computation.
#[derive(Debug)]
pub(crate) struct Repeat<F> {
    computation: F,
    input: Tensor,
    /// The result when nothing else runs.
    expected: Tensor,
    operations: u64,
    check: Check,
    device: Device,
    /// The last result, or with [`Check::Every`] the largest difference so far in each element.
    last: Option<Tensor>,
}

impl<F: Forward> Repeat<F> {
    /// Computes the expected result, alone.
    ///
    /// # Errors
    /// The computation fails, or its result is not finite.
    pub(crate) fn new(
        device: Device,
        computation: F,
        input: Tensor,
        operations: u64,
        check: Check,
    ) -> Result<Self> {
        let expected = computation.forward(&input)?;
        let finite = expected.f_isfinite()?.f_all()?.f_int64_value(&[])? != 0;
        ensure!(
            finite,
            "the output is not finite, with nothing else running"
        );
        Ok(Repeat {
            computation,
            input,
            expected,
            operations,
            check,
            device,
            last: None,
        })
    }

    /// Returns the largest difference from the expected result: NaN if a result was not finite,
    /// `None` if none was compared.
    pub(crate) fn difference(&self) -> Result<Option<f64>> {
        let Some(last) = &self.last else {
            return Ok(None);
        };
        let largest = match self.check {
            Check::Every => last.f_max()?,
            Check::Last => last.f_sub(&self.expected)?.f_abs()?.f_max()?,
        };
        Ok(Some(largest.f_double_value(&[])?))
    }
}

impl<F: Forward> Job for Repeat<F> {
    fn operations(&self) -> u64 {
        self.operations
    }

    fn step(&mut self) -> Result<()> {
        let mut output = self.computation.forward(&self.input)?;
        if self.check == Check::Every {
            output = output.f_sub_(&self.expected)?.f_abs_()?;
            if let Some(largest) = &self.last {
                // Propagates NaN from either side.
                output = output.f_maximum(largest)?;
            }
        }
        self.last = Some(output);
        Ok(())
    }

    fn settle(&mut self) -> Result<()> {
        self.last
            .as_ref()
            .map_or(Ok(()), |last| self.device.wait(last))
    }
}

/// Returns the larger difference, or NaN if either is NaN.
pub(crate) fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.max(b)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use anyhow::anyhow;
    use tch::Kind;

    use super::*;

    /// Adds 0; adds `wrong` in the third call.
    struct Third {
        calls: AtomicU64,
        wrong: f64,
    }

    impl Forward for Third {
        fn forward(&self, input: &Tensor) -> Result<Tensor> {
            let third = self.calls.fetch_add(1, Ordering::Relaxed) == 2;
            let wrong = if third { self.wrong } else { 0.0 };
            input
                .f_add_scalar(wrong)
                .map_err(|error| anyhow!("{error}"))
        }
    }

    fn difference(check: Check, wrong: f64) -> f64 {
        let input = Tensor::ones([4], (Kind::Float, tch::Device::Cpu));
        let third = Third {
            calls: AtomicU64::new(0),
            wrong,
        };
        let mut job = Repeat::new(Device::CPU, third, input, 5, check).unwrap();
        for _ in 0..job.operations() {
            job.step().unwrap();
        }
        job.difference().unwrap().unwrap()
    }

    #[test]
    fn a_wrong_result_in_the_middle_is_found_if_all_are_checked() {
        assert_eq!(difference(Check::Every, 0.5), 0.5);
        assert_eq!(difference(Check::Last, 0.5), 0.0);
        assert!(difference(Check::Every, f64::NAN).is_nan());
        assert!(difference(Check::Every, f64::INFINITY).is_infinite());
    }
}
