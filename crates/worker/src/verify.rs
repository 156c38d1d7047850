//! `verify-encoder`: compares the encoder with reference tensors, layer by layer.

use std::io::{self, Write};

use anyhow::Result;
use tch::{Kind, Tensor};

use crate::caught::{brief, caught};
use crate::cli::VerifyEncoder;
use crate::device::Device;
use crate::event_sink::ReceiverGone;
use crate::exit::Refusal;
use crate::random::deep_copy;
use crate::reference::Reference;

/// Prints the largest difference of each layer and returns whether all are within the tolerance.
///
/// # Errors
/// The file is not a reference, or the device is not available.
pub(crate) fn run(arguments: &VerifyEncoder) -> Result<bool, Refusal> {
    let name = arguments.file.display();
    let requested = arguments.device.parse().map_err(Refusal::Usage)?;
    let reference = caught(|| Reference::read(&arguments.file))
        .map_err(|error| Refusal::Usage(format!("{name}: {}", brief(&error))))?;
    let device = Device::open(requested, |_| {}).map_err(Refusal::Unavailable)?;
    // A computation that fails on an available device disagrees; it is not a usage error.
    let differences = caught(|| differences(&reference, device));
    print(arguments, &reference, device, &differences)?;
    let agrees = |difference: &f64| *difference <= arguments.tolerance;
    Ok(differences.is_ok_and(|all| all.iter().all(agrees)))
}

/// The largest absolute difference of each layer; NaN if either side is not a number.
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
    arguments: &VerifyEncoder,
    reference: &Reference,
    device: Device,
    differences: &Result<Vec<f64>>,
) -> Result<(), ReceiverGone> {
    let (mut out, sizes) = (io::stdout().lock(), reference.sizes);
    writeln!(
        out,
        "{}: d_model {}, nhead {}, dim_feedforward {}, layers {}, input {:?}; float32 on {device}",
        arguments.file.display(),
        sizes.d_model,
        sizes.heads,
        sizes.feed_forward,
        sizes.layers,
        reference.input.size()
    )?;
    let tolerance = arguments.tolerance;
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

#[cfg(test)]
#[path = "../tests/it/exact.rs"]
mod exact;

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::exact::{self, Sizes, Tensors};
    use super::*;

    const SMALL: Sizes = Sizes {
        d_model: 12,
        heads: 3,
        feed_forward: 20,
        layers: 2,
        batch: 2,
        sequence: 5,
    };

    fn found(bytes: &[u8]) -> Result<Vec<f64>> {
        differences(&Reference::parse(bytes)?, Device::CPU)
    }

    #[test]
    fn other_sizes_in_both_precisions() {
        let one = Sizes {
            d_model: 8,
            heads: 1,
            feed_forward: 3,
            layers: 1,
            batch: 1,
            sequence: 1,
        };
        let wide = Sizes {
            d_model: 96,
            heads: 12,
            feed_forward: 200,
            layers: 5,
            batch: 3,
            sequence: 17,
        };
        for sizes in [SMALL, one, wide] {
            let tensors = exact::reference(sizes);
            for double in [false, true] {
                let file = exact::file(&tensors, exact::metadata(sizes), double);
                let found = found(&file).unwrap();
                assert_eq!(found.len(), sizes.layers);
                assert!(found.iter().all(|&largest| largest < 2e-5), "{found:?}");
            }
        }
    }

    #[test]
    fn a_difference_is_found_in_its_layer() {
        let mut tensors = exact::reference(SMALL);
        tensors.get_mut("output.1").unwrap().1[7] += 1e-3;
        let file = exact::file(&tensors, exact::metadata(SMALL), true);
        let [first, second] = found(&file).unwrap()[..] else {
            panic!("expected two layers")
        };
        assert!(first < 2e-5 && (second - 1e-3).abs() < 2e-5);
        // Every number computed from a NaN weight is NaN.
        tensors.get_mut("layers.0.linear1.bias").unwrap().1[0] = f64::NAN;
        let file = exact::file(&tensors, exact::metadata(SMALL), false);
        assert!(found(&file).unwrap().iter().all(|largest| largest.is_nan()));
    }

    /// The small reference file with a change.
    fn changed(change: impl FnOnce(&mut Tensors, &mut HashMap<String, String>)) -> Vec<u8> {
        let (mut tensors, mut metadata) = (exact::reference(SMALL), exact::metadata(SMALL));
        change(&mut tensors, &mut metadata);
        exact::file(&tensors, metadata, false)
    }

    #[test]
    fn invalid_references_are_rejected() {
        let set = |name: &'static str, value: &'static str| {
            changed(move |_, metadata| drop(metadata.insert(name.to_owned(), value.to_owned())))
        };
        let without = |name: &'static str| changed(move |tensors, _| drop(tensors.remove(name)));
        let fine = changed(|_, _| {});
        for (bytes, expected_text) in [
            (Vec::new(), "not a safetensors file"),
            (fine[..100].to_vec(), "not a safetensors file"),
            (fine[..fine.len() - 1].to_vec(), "not a safetensors file"),
            (
                changed(|_, metadata| drop(metadata.remove("nhead"))),
                "the metadata does not give nhead",
            ),
            (set("layers", "two"), "gives layers as \"two\""),
            (set("layers", "0"), "gives layers as \"0\""),
            (set("layers", "1"), "gives layers as 1, and there is"),
            (set("layers", "3"), "missing tensor \"layers.2."),
            (set("layers", "4000000000"), "missing tensor \"layers.2."),
            (set("nhead", "5"), "does not divide"),
            (set("d_model", "24"), "[batch, sequence, 24] was expected"),
            (
                set("dim_feedforward", "21"),
                "by the metadata [21, 12] was expected",
            ),
            (without("output.1"), "missing tensor \"output.1\""),
            (
                without("layers.1.norm2.bias"),
                "missing tensor \"layers.1.norm2.bias\"",
            ),
            (
                changed(|tensors, _| tensors.get_mut("output.0").unwrap().0 = vec![5, 2, 12]),
                "\"output.0\" has the shape [5, 2, 12]",
            ),
        ] {
            let error = brief(&found(&bytes).unwrap_err());
            assert!(error.contains(expected_text), "{error}");
        }
    }
}
