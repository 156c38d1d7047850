//! Reads reference tensors of an encoder: weights with PyTorch's names, an input, and every layer's
//! output.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use safetensors::{Dtype, SafeTensors};
use tch::{Kind, Tensor};

use crate::encoder::{Encoder, Layer, Sizes};

/// The contents of a reference file.
#[derive(Debug)]
pub(crate) struct Reference {
    /// From the metadata.
    pub(crate) sizes: Sizes,
    /// The stack, in single precision on the CPU.
    pub(crate) encoder: Encoder,
    /// The input, in single precision on the CPU.
    pub(crate) input: Tensor,
    /// The expected output of each layer, in double precision.
    pub(crate) outputs: Vec<Tensor>,
}

impl Reference {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// The file cannot be read, is not a safetensors file, is incomplete, or contradicts its
    /// metadata.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        Self::parse(&fs::read(path).context("cannot be read")?)
    }

    /// Parses the bytes of a file.
    ///
    /// # Errors
    /// As for [`Reference::read`], except for reading.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let what = "not a safetensors file";
        let (_, header) = SafeTensors::read_metadata(bytes).context(what)?;
        let tensors = SafeTensors::deserialize(bytes).context(what)?;
        let sizes = sizes(header.metadata().as_ref())?;
        let file = File { tensors };
        file.check_no_more_layers(sizes.layers)?;

        let input = file.input(sizes)?;
        let shape = input.size();
        let layers = (0..sizes.layers).map(|number| {
            Layer::from_named(sizes, |name, shape| {
                let tensor = file.shaped(&format!("layers.{number}.{name}"), shape)?;
                Ok(tensor.f_to_kind(Kind::Float)?)
            })
        });
        let encoder = Encoder::of(layers.collect::<Result<_>>()?);
        let outputs = (0..sizes.layers).map(|number| {
            let tensor = file.shaped(&format!("output.{number}"), &shape)?;
            Ok(tensor.f_to_kind(Kind::Double)?)
        });
        Ok(Reference {
            sizes,
            encoder,
            outputs: outputs.collect::<Result<_>>()?,
            input,
        })
    }
}

/// Reads the sizes from the metadata.
fn sizes(metadata: Option<&HashMap<String, String>>) -> Result<Sizes> {
    let get = |name: &str| -> Result<i64> {
        let text = metadata
            .and_then(|metadata| metadata.get(name))
            .with_context(|| format!("the metadata does not give {name}"))?;
        match text.trim().parse::<u32>() {
            Ok(size) if size > 0 => Ok(size.into()),
            _ => {
                bail!("the metadata gives {name} as \"{text}\": a whole number from 1 was expected")
            }
        }
    };
    let sizes = Sizes {
        d_model: get("d_model")?,
        heads: get("nhead")?,
        feed_forward: get("dim_feedforward")?,
        layers: get("layers")?,
    };
    ensure!(
        sizes.d_model % sizes.heads == 0,
        "the metadata has d_model {} and nhead {}, which does not divide d_model",
        sizes.d_model,
        sizes.heads
    );
    Ok(sizes)
}

struct File<'a> {
    tensors: SafeTensors<'a>,
}

impl File<'_> {
    fn input(&self, sizes: Sizes) -> Result<Tensor> {
        let input = self.tensor("input")?;
        match input.size()[..] {
            [batch, sequence, d_model] if batch > 0 && sequence > 0 && d_model == sizes.d_model => {
                Ok(input.f_to_kind(Kind::Float)?)
            }
            ref shape => bail!(
                "tensor \"input\" has the shape {shape:?}: [batch, sequence, {}] was expected",
                sizes.d_model
            ),
        }
    }

    fn shaped(&self, name: &str, shape: &[i64]) -> Result<Tensor> {
        let tensor = self.tensor(name)?;
        ensure!(
            tensor.size() == shape,
            "tensor \"{name}\" has the shape {:?}: by the metadata {shape:?} was expected",
            tensor.size()
        );
        Ok(tensor)
    }

    fn tensor(&self, name: &str) -> Result<Tensor> {
        let view = self
            .tensors
            .tensor(name)
            .ok()
            .with_context(|| format!("missing tensor \"{name}\""))?;
        let kind = match view.dtype() {
            Dtype::F64 => Kind::Double,
            Dtype::F32 => Kind::Float,
            Dtype::F16 => Kind::Half,
            Dtype::BF16 => Kind::BFloat16,
            other => bail!("tensor \"{name}\" is of type {other:?}: F32 or F64 was expected"),
        };
        let shape: Vec<i64> = view.shape().iter().map(|&size| size as i64).collect();
        Ok(Tensor::f_from_data_size(view.data(), &shape, kind)?)
    }

    /// A truncated stack would agree layer by layer without being the stack in the file.
    fn check_no_more_layers(&self, layers: i64) -> Result<()> {
        let number = |name: &str| {
            let rest = name
                .strip_prefix("layers.")
                .or_else(|| name.strip_prefix("output."))?;
            rest.split('.').next()?.parse::<i64>().ok()
        };
        let beyond = self
            .tensors
            .names()
            .into_iter()
            .filter(|name| number(name).is_some_and(|number| number >= layers))
            .min();
        match beyond {
            Some(name) => {
                bail!("the metadata gives layers as {layers}, and there is a tensor \"{name}\"")
            }
            None => Ok(()),
        }
    }
}
