//! A stack of transformer encoder layers: post-norm, ReLU, no dropout. Computes the function of
//! PyTorch's `nn.TransformerEncoderLayer(batch_first=True, dropout=0).eval()` with the operations
//! of its ordinary (not fused) path.

use anyhow::Result;
use tch::{Device, Tensor};

use crate::norm::LayerNorm;
use crate::random::{Random, deep_copy};
use crate::repeat::Forward;

/// The sizes of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Features per position.
    pub(crate) d_model: i64,
    /// Attention heads; they divide the features.
    pub(crate) heads: i64,
    /// Width of the feed-forward part.
    pub(crate) feed_forward: i64,
    /// Number of layers.
    pub(crate) layers: i64,
}

#[derive(Debug)]
pub(crate) struct Encoder {
    layers: Vec<Layer>,
}

#[derive(Debug)]
pub(crate) struct Layer {
    heads: i64,
    in_proj: Linear,
    out_proj: Linear,
    linear1: Linear,
    linear2: Linear,
    norm1: LayerNorm,
    norm2: LayerNorm,
}

#[derive(Debug)]
struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Encoder {
    /// Creates a stack on the CPU with random weights, distributed like PyTorch's initial weights.
    pub(crate) fn random(sizes: Sizes, random: &mut Random) -> Result<Self> {
        let layers = (0..sizes.layers).map(|_| Layer::random(sizes, random));
        let layers = layers.collect::<Result<_>>()?;
        Ok(Encoder { layers })
    }

    /// Creates a stack from layers.
    pub(crate) fn of(layers: Vec<Layer>) -> Self {
        Encoder { layers }
    }

    /// Copies the weights to new storage on `device`.
    pub(crate) fn copy_to(&self, device: Device) -> Result<Self> {
        let layers = self.layers.iter().map(|layer| layer.copy_to(device));
        let layers = layers.collect::<Result<_>>()?;
        Ok(Encoder { layers })
    }

    /// Returns the output of every layer.
    pub(crate) fn forward_each(&self, input: &Tensor) -> Result<Vec<Tensor>> {
        let mut outputs: Vec<Tensor> = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let output = layer.forward(outputs.last().unwrap_or(input))?;
            outputs.push(output);
        }
        Ok(outputs)
    }
}

impl Forward for Encoder {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let mut x = input.shallow_clone();
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        Ok(x)
    }
}

impl Layer {
    fn random(sizes: Sizes, random: &mut Random) -> Result<Self> {
        let (d_model, feed_forward) = (sizes.d_model, sizes.feed_forward);
        // PyTorch's MultiheadAttention initialises the joined projection with Xavier and the bias
        // with 0.
        let xavier = (6.0 / (d_model + 3 * d_model) as f64).sqrt();
        Ok(Layer {
            heads: sizes.heads,
            in_proj: Linear {
                weight: random.uniform(&[3 * d_model, d_model], xavier)?,
                bias: zeros(3 * d_model)?,
            },
            out_proj: Linear {
                bias: zeros(d_model)?,
                ..Linear::random(d_model, d_model, random)?
            },
            linear1: Linear::random(d_model, feed_forward, random)?,
            linear2: Linear::random(feed_forward, d_model, random)?,
            norm1: LayerNorm::new(d_model)?,
            norm2: LayerNorm::new(d_model)?,
        })
    }

    /// Builds a layer from tensors with PyTorch's parameter names, such as
    /// `self_attn.in_proj_weight`. `get` receives the name and the required shape.
    pub(crate) fn from_named(
        sizes: Sizes,
        mut get: impl FnMut(&str, &[i64]) -> Result<Tensor>,
    ) -> Result<Self> {
        let (d, f) = (sizes.d_model, sizes.feed_forward);
        let mut linear = |weight: &str, bias: &str, from: i64, to: i64| -> Result<Linear> {
            Ok(Linear {
                weight: get(weight, &[to, from])?,
                bias: get(bias, &[to])?,
            })
        };
        Ok(Layer {
            heads: sizes.heads,
            in_proj: linear(
                "self_attn.in_proj_weight",
                "self_attn.in_proj_bias",
                d,
                3 * d,
            )?,
            out_proj: linear("self_attn.out_proj.weight", "self_attn.out_proj.bias", d, d)?,
            linear1: linear("linear1.weight", "linear1.bias", d, f)?,
            linear2: linear("linear2.weight", "linear2.bias", f, d)?,
            norm1: LayerNorm::of(get("norm1.weight", &[d])?, get("norm1.bias", &[d])?),
            norm2: LayerNorm::of(get("norm2.weight", &[d])?, get("norm2.bias", &[d])?),
        })
    }

    fn copy_to(&self, device: Device) -> Result<Self> {
        Ok(Layer {
            heads: self.heads,
            in_proj: self.in_proj.copy_to(device)?,
            out_proj: self.out_proj.copy_to(device)?,
            linear1: self.linear1.copy_to(device)?,
            linear2: self.linear2.copy_to(device)?,
            norm1: self.norm1.copy_to(device)?,
            norm2: self.norm2.copy_to(device)?,
        })
    }

    /// `[batch, sequence, d_model]` to the same shape.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.norm1.forward(&x.f_add(&self.attention(x)?)?)?;
        let wide = self.linear1.forward(&x)?.f_relu()?;
        let fed = self.linear2.forward(&wide)?;
        self.norm2.forward(&x.f_add(&fed)?)
    }

    /// Each position attends to all positions of its sequence.
    fn attention(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, sequence, d_model) = x.size3()?;
        let parts = self
            .in_proj
            .forward(x)?
            .f_reshape([batch, sequence, 3, self.heads, d_model / self.heads])?
            .f_permute([2, 0, 3, 1, 4])?
            .f_contiguous()?;
        let (query, key, value) = (parts.f_get(0)?, parts.f_get(1)?, parts.f_get(2)?);
        let seen = Tensor::f_scaled_dot_product_attention(
            &query,
            &key,
            &value,
            None::<Tensor>,
            0.0,
            false,
            None,
            false,
        )?;
        let joined = seen
            .f_permute([0, 2, 1, 3])?
            .f_reshape([batch, sequence, d_model])?;
        self.out_proj.forward(&joined)
    }
}

impl Linear {
    /// Initialises like PyTorch's `nn.Linear`.
    fn random(from: i64, to: i64, random: &mut Random) -> Result<Self> {
        let bound = 1.0 / (from as f64).sqrt();
        Ok(Linear {
            weight: random.uniform(&[to, from], bound)?,
            bias: random.uniform(&[to], bound)?,
        })
    }

    fn copy_to(&self, device: Device) -> Result<Self> {
        Ok(Linear {
            weight: deep_copy(&self.weight, device)?,
            bias: deep_copy(&self.bias, device)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.f_linear(&self.weight, Some(&self.bias))?)
    }
}

fn zeros(size: i64) -> Result<Tensor> {
    Ok(Tensor::f_zeros([size], (tch::Kind::Float, Device::Cpu))?)
}
