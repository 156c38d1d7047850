//! `verify-encoder` with files that agree, files that differ, and files that it rejects.

use std::fs;
use std::path::PathBuf;

use safetensors::SafeTensors;
use tempfile::TempDir;

use crate::exact::{self, Sizes, Tensors};
use crate::support::{Ended, call};

const SMALL: Sizes = Sizes {
    d_model: 12,
    heads: 3,
    feed_forward: 20,
    layers: 2,
    batch: 2,
    sequence: 5,
};

fn fixture() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/encoder_small.safetensors")
}

fn verify(file: &str, more: &[&str]) -> Ended {
    let mut arguments = vec!["verify-encoder", file, "--device", "cpu"];
    arguments.extend(more);
    call(&arguments)
}

fn verify_bytes(bytes: &[u8]) -> Ended {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("reference.safetensors");
    fs::write(&file, bytes).unwrap();
    verify(file.to_str().unwrap(), &[])
}

/// The fixture's tensors and sizes.
fn fixture_tensors() -> (Tensors, Sizes) {
    let bytes = fs::read(fixture()).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensors: Tensors = file
        .iter()
        .map(|(name, view)| {
            let values = view.data().chunks(4);
            let values =
                values.map(|bytes| f64::from(f32::from_le_bytes(bytes.try_into().unwrap())));
            (name.to_owned(), (view.shape().to_vec(), values.collect()))
        })
        .collect();
    let sizes = Sizes {
        d_model: 64,
        heads: 4,
        feed_forward: 256,
        layers: 2,
        batch: 3,
        sequence: 7,
    };
    (tensors, sizes)
}

#[test]
fn the_reference_of_pytorch() {
    let file = fixture();
    let ended = verify(file.to_str().unwrap(), &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(
        ended.stdout.matches("largest difference").count(),
        2,
        "{ended:?}"
    );
    assert_eq!(
        ended.stdout.lines().last(),
        Some("passed: tolerance 2e-5"),
        "{ended:?}"
    );
    let ended = verify(file.to_str().unwrap(), &["--tolerance", "1e-9"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("differs"), "{ended:?}");
}

#[test]
fn the_encoder_of_these_tests_agrees_with_pytorch() {
    let (tensors, sizes) = fixture_tensors();
    for (layer, output) in exact::outputs(&tensors, sizes).iter().enumerate() {
        let expected = &tensors[&format!("output.{layer}")].1;
        let differences = output.iter().zip(expected).map(|(a, b)| (a - b).abs());
        assert!(differences.fold(0.0, f64::max) < 1e-6, "layer {layer}");
    }
}

#[test]
fn the_layer_that_differs_is_named() {
    let mut tensors = exact::reference(SMALL);
    let ended = verify_bytes(&exact::file(&tensors, exact::metadata(SMALL), true));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout.matches("agrees").count(), 2, "{ended:?}");

    tensors.get_mut("output.1").unwrap().1[7] = f64::NAN;
    let ended = verify_bytes(&exact::file(&tensors, exact::metadata(SMALL), false));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert!(lines[1].ends_with("agrees"), "{ended:?}");
    assert!(lines[2].ends_with("differs"), "{ended:?}");
    assert_eq!(lines[3], "failed: tolerance 2e-5");
}

#[test]
fn invalid_references_are_rejected() {
    verify_bytes(b"no tensors at all").assert_refused(2, "not a safetensors file");
    let mut tensors = exact::reference(SMALL);
    tensors.remove("input");
    let bytes = exact::file(&tensors, exact::metadata(SMALL), false);
    verify_bytes(&bytes).assert_refused(2, "missing tensor \"input\"");
}

#[test]
fn unreadable_files_are_rejected() {
    let folder = TempDir::new().unwrap();
    verify(folder.path().to_str().unwrap(), &[]).assert_refused(2, "cannot be read");
}

#[test]
fn a_tolerance_must_be_a_number() {
    let file = fixture();
    let ended = verify(file.to_str().unwrap(), &["--tolerance", "NaN"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("0 or more"), "{ended:?}");
}
