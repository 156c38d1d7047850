//! `correctness`: compares the device's results with the CPU's.

use anyhow::Result;
use tch::{Kind, Tensor};

use super::{Chapter, Context, Verdict};
use crate::device::Device;
use crate::encoder::Encoder;
use crate::params::{number, size};
use crate::random::deep_copy;
use crate::repeat::Forward;
use crate::repeat::larger;

pub(crate) const CHAPTER: Chapter = Chapter {
    name: "correctness",
    about: "the device's output against the CPU's for the same weights and inputs: \
            the average and the largest absolute difference",
    params: &[size("inputs", 10), number("tolerance", 1e-3)],
    unused: &[],
    run,
};

fn run(context: &Context<'_>) -> Result<Verdict> {
    let device = context.device.tch();
    let mut random = context.random();
    let on_cpu = Encoder::random(context.sizes(), &mut random)?;
    let on_device = on_cpu.copy_to(device)?;
    let shape = context.input_shape(context.params.size("batch"));
    let inputs = context.params.count("inputs");
    // One thread has one input in flight whatever the limit, and copying the output waits for the
    // device.
    let (mut mean, mut largest) = (0.0, 0.0);
    for done in 1..=inputs {
        let input = random.normal(&shape)?;
        let expected = on_cpu.forward(&input)?;
        let output = on_device.forward(&deep_copy(&input, device)?)?;
        let (average, most) = differences(&output, &expected)?;
        mean += average / inputs as f64;
        largest = larger(largest, most);
        context
            .sink
            .progress(done as f64, inputs as f64, "inputs")?;
    }
    context.sink.measure("difference_mean", mean, "", "")?;
    context.sink.measure("difference_max", largest, "", "")?;
    Ok(judged(largest, context.params.number("tolerance")))
}

/// Returns the mean and the largest absolute difference.
fn differences(output: &Tensor, expected: &Tensor) -> Result<(f64, f64)> {
    let difference = deep_copy(output, Device::CPU.tch())?
        .f_sub(expected)?
        .f_abs()?;
    let average = difference.f_mean(Kind::Double)?.f_double_value(&[])?;
    Ok((average, difference.f_max()?.f_double_value(&[])?))
}

fn judged(largest: f64, tolerance: f64) -> Verdict {
    let complaint = if !largest.is_finite() {
        "an output is not finite".to_owned()
    } else if largest > tolerance {
        format!(
            "the largest difference from the CPU is {largest:.2e}; the tolerance is {tolerance:e}"
        )
    } else {
        return Verdict::Passed;
    };
    Verdict::Failed(complaint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_differences_within_the_tolerance_pass() {
        assert_eq!(judged(1e-6, 1e-3), Verdict::Passed);
        for wrong in [2e-3, f64::NAN, f64::INFINITY] {
            assert!(matches!(judged(wrong, 1e-3), Verdict::Failed(_)));
        }
    }
}
