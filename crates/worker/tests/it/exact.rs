//! A second, plain implementation of the encoder in double precision, for references of any size.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, TensorView};

/// The sizes of a reference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) d_model: usize,
    pub(crate) heads: usize,
    pub(crate) feed_forward: usize,
    pub(crate) layers: usize,
    pub(crate) batch: usize,
    pub(crate) sequence: usize,
}

/// The shape and values of a tensor.
pub(crate) type Values = (Vec<usize>, Vec<f64>);

/// Tensors by name.
pub(crate) type Tensors = HashMap<String, Values>;

/// Generates weights and input of these sizes, and computes each layer's output.
pub(crate) fn reference(sizes: Sizes) -> Tensors {
    let Sizes {
        d_model: d,
        feed_forward: f,
        ..
    } = sizes;
    let mut state = 1_u64;
    let mut made = |shape: &[usize], scale: f64, shift: f64| {
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            // Exact in single precision, so that files of either precision hold the same weights.
            f64::from((state >> 40) as f32 / (1 << 23) as f32 - 1.0)
        };
        let count = shape.iter().product();
        let values = (0..count).map(|_| f64::from((next() * scale + shift) as f32));
        (shape.to_vec(), values.collect())
    };
    let mut all = Tensors::new();
    for layer in 0..sizes.layers {
        let wide = 1.0 / (d as f64).sqrt();
        for (name, shape, scale, shift) in [
            ("self_attn.in_proj_weight", &[3 * d, d][..], wide, 0.0),
            ("self_attn.in_proj_bias", &[3 * d], 0.1, 0.0),
            ("self_attn.out_proj.weight", &[d, d], wide, 0.0),
            ("self_attn.out_proj.bias", &[d], 0.1, 0.0),
            ("linear1.weight", &[f, d], wide, 0.0),
            ("linear1.bias", &[f], 0.1, 0.0),
            ("linear2.weight", &[d, f], 1.0 / (f as f64).sqrt(), 0.0),
            ("linear2.bias", &[d], 0.1, 0.0),
            ("norm1.weight", &[d], 0.2, 1.0),
            ("norm1.bias", &[d], 0.1, 0.0),
            ("norm2.weight", &[d], 0.2, 1.0),
            ("norm2.bias", &[d], 0.1, 0.0),
        ] {
            all.insert(format!("layers.{layer}.{name}"), made(shape, scale, shift));
        }
    }
    let shape = [sizes.batch, sizes.sequence, d];
    all.insert("input".to_owned(), made(&shape, 1.7, 0.0));
    for (layer, output) in outputs(&all, sizes).into_iter().enumerate() {
        all.insert(format!("output.{layer}"), (shape.to_vec(), output));
    }
    all
}

/// Computes each layer's output.
pub(crate) fn outputs(all: &Tensors, sizes: Sizes) -> Vec<Vec<f64>> {
    let mut x = all["input"].1.clone();
    let layer = |number| {
        let get = |name: &str| all[&format!("layers.{number}.{name}")].1.as_slice();
        x = one_layer(&x, sizes, &get);
        x.clone()
    };
    (0..sizes.layers).map(layer).collect()
}

fn one_layer<'a>(x: &[f64], sizes: Sizes, get: &dyn Fn(&str) -> &'a [f64]) -> Vec<f64> {
    let d = sizes.d_model;
    let seen = attention(x, sizes, get);
    let seen = linear(
        &seen,
        d,
        get("self_attn.out_proj.weight"),
        get("self_attn.out_proj.bias"),
    );
    let x = norm(&add(x, &seen), get("norm1.weight"), get("norm1.bias"));
    let mut wide = linear(&x, d, get("linear1.weight"), get("linear1.bias"));
    wide.iter_mut().for_each(|value| *value = value.max(0.0));
    let fed = linear(
        &wide,
        sizes.feed_forward,
        get("linear2.weight"),
        get("linear2.bias"),
    );
    norm(&add(&x, &fed), get("norm2.weight"), get("norm2.bias"))
}

fn attention<'a>(x: &[f64], sizes: Sizes, get: &dyn Fn(&str) -> &'a [f64]) -> Vec<f64> {
    let (d, length) = (sizes.d_model, sizes.sequence);
    let size = d / sizes.heads;
    let parts = linear(
        x,
        d,
        get("self_attn.in_proj_weight"),
        get("self_attn.in_proj_bias"),
    );
    // Query, key or value of one position and head.
    let part = |which: usize, position: usize, head: usize| {
        let start = position * 3 * d + which * d + head * size;
        &parts[start..start + size]
    };
    let mut out = vec![0.0; x.len()];
    for head in 0..sizes.heads {
        for position in 0..sizes.batch * length {
            let first = position / length * length;
            let query = part(0, position, head);
            let scores = (first..first + length)
                .map(|other| dot(query, part(1, other, head)) / (size as f64).sqrt());
            let weights: Vec<f64> = scores.map(f64::exp).collect();
            let sum: f64 = weights.iter().sum();
            for (other, weight) in weights.iter().enumerate() {
                let value = part(2, first + other, head);
                for (place, value) in value.iter().enumerate() {
                    out[position * d + head * size + place] += weight / sum * value;
                }
            }
        }
    }
    out
}

fn linear(x: &[f64], width: usize, weight: &[f64], bias: &[f64]) -> Vec<f64> {
    let row = |row| {
        let outputs = weight.chunks(width).zip(bias);
        outputs.map(move |(weight, bias)| dot(row, weight) + bias)
    };
    x.chunks(width).flat_map(row).collect()
}

fn norm(x: &[f64], weight: &[f64], bias: &[f64]) -> Vec<f64> {
    let row = |row: &[f64]| -> Vec<f64> {
        let count = row.len() as f64;
        let mean = row.iter().sum::<f64>() / count;
        let variance = row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
        let scale = 1.0 / (variance + 1e-5).sqrt();
        let scaled = row.iter().zip(weight).zip(bias);
        scaled
            .map(|((v, w), b)| (v - mean) * scale * w + b)
            .collect()
    };
    x.chunks(weight.len()).flat_map(row).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// The metadata for the sizes.
pub(crate) fn metadata(sizes: Sizes) -> HashMap<String, String> {
    [
        ("d_model", sizes.d_model),
        ("nhead", sizes.heads),
        ("dim_feedforward", sizes.feed_forward),
        ("layers", sizes.layers),
    ]
    .map(|(name, size)| (name.to_owned(), size.to_string()))
    .into()
}

/// The bytes of a safetensors file in single or double precision.
pub(crate) fn file(tensors: &Tensors, metadata: HashMap<String, String>, double: bool) -> Vec<u8> {
    let kind = if double { Dtype::F64 } else { Dtype::F32 };
    let bytes = |values: &[f64]| -> Vec<u8> {
        let bytes = values.iter().flat_map(|&value| match double {
            true => value.to_le_bytes().to_vec(),
            false => (value as f32).to_le_bytes().to_vec(),
        });
        bytes.collect()
    };
    let all: Vec<_> = tensors
        .iter()
        .map(|(name, (shape, values))| (name, shape.clone(), bytes(values)))
        .collect();
    let views = all.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(kind, shape.clone(), bytes);
        (name.as_str(), view.expect("the data fits the shape"))
    });
    safetensors::serialize(views, Some(metadata)).expect("the tensors can be serialised")
}
