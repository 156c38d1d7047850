//! `verify-encoder`: does the encoder compute what the reference says, layer by layer?

use std::io::{self, Write};

use anyhow::Result;
use tch::{Kind, Tensor};

use crate::caught::{brief, caught};
use crate::cli::VerifyEncoder;
use crate::device::Device;
use crate::exit::Refusal;
use crate::random::deep_copy;
use crate::reference::Reference;
use crate::voice::Unheard;

/// Prints the largest difference of each layer, and says whether all are within the tolerance.
///
/// # Errors
/// The file is not one, or the device is not there.
pub(crate) fn run(wanted: &VerifyEncoder) -> Result<bool, Refusal> {
    let name = wanted.file.display();
    let asked = wanted.device.parse().map_err(Refusal::Usage)?;
    let reference = caught(|| Reference::read(&wanted.file))
        .map_err(|error| Refusal::Usage(format!("{name} {}", brief(&error))))?;
    let device = Device::open(asked, |_| {}).map_err(Refusal::Unavailable)?;
    // Computing may fail on a device that is there: then nothing agrees, and nobody made a mistake.
    let differences = caught(|| differences(&reference, device));
    print(wanted, &reference, device, &differences)?;
    let agrees = |difference: &f64| *difference <= wanted.tolerance;
    Ok(differences.is_ok_and(|all| all.iter().all(agrees)))
}

/// The largest absolute difference of each layer; NaN where either side is not a number.
fn differences(reference: &Reference, device: Device) -> Result<Vec<f64>> {
    let _no_grad = tch::no_grad_guard();
    let encoder = reference.encoder.copy_to(device.tch())?;
    let input = deep_copy(&reference.input, device.tch())?;
    let outputs = encoder.forward_each(&input)?;
    let pairs = outputs.iter().zip(&reference.outputs);
    pairs
        .map(|(output, expected)| difference(output, expected))
        .collect()
}

fn difference(output: &Tensor, expected: &Tensor) -> Result<f64> {
    let output = deep_copy(output, Device::CPU.tch())?.f_to_kind(Kind::Double)?;
    let largest = output.f_sub(expected)?.f_abs()?.f_max()?;
    Ok(largest.f_double_value(&[])?)
}

fn print(
    wanted: &VerifyEncoder,
    reference: &Reference,
    device: Device,
    differences: &Result<Vec<f64>>,
) -> Result<(), Unheard> {
    let (mut out, sizes) = (io::stdout().lock(), reference.sizes);
    writeln!(
        out,
        "{}: d_model {}, nhead {}, dim_feedforward {}, layers {}, input {:?}; float32 on {device}",
        wanted.file.display(),
        sizes.d_model,
        sizes.heads,
        sizes.feed_forward,
        sizes.layers,
        reference.input.size()
    )?;
    let tolerance = wanted.tolerance;
    let differences = match differences {
        Ok(differences) => differences,
        Err(error) => {
            writeln!(out, "failed: {}", brief(error))?;
            return Ok(());
        }
    };
    let mut all = true;
    for (layer, difference) in differences.iter().enumerate() {
        let agrees = *difference <= tolerance;
        all &= agrees;
        let verdict = if agrees { "agrees" } else { "differs" };
        writeln!(
            out,
            "layer {layer}: largest difference {difference:.3e}  {verdict}"
        )?;
    }
    let verdict = if all { "passed" } else { "failed" };
    writeln!(out, "{verdict}: tolerance {tolerance:e}")?;
    Ok(())
}
