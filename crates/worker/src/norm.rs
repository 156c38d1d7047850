//! Layer normalisation. The storage of its two parameters is created only here.

use anyhow::Result;
use tch::{Device, Kind, Tensor};

use crate::fault::Lease;
use crate::random::deep_copy;
use crate::repeat::Forward;

/// The epsilon that PyTorch adds to the variance.
const EPSILON: f64 = 1e-5;

/// Normalises the last dimension.
#[derive(Debug)]
pub(crate) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    /// The context that owns both parameters while a fault is active.
    lease: Option<Lease>,
}

impl LayerNorm {
    /// Creates one on the CPU with PyTorch's initial values: weight 1, bias 0.
    pub(crate) fn new(features: i64) -> Result<Self> {
        if let Some(lease) = Lease::take(features)? {
            return Ok(LayerNorm::leased(lease));
        }
        let on_cpu = (Kind::Float, Device::Cpu);
        Ok(LayerNorm {
            weight: Tensor::f_ones([features], on_cpu)?,
            bias: Tensor::f_zeros([features], on_cpu)?,
            lease: None,
        })
    }

    /// Uses the parameters of a context, which have PyTorch's initial values.
    fn leased(lease: Lease) -> Self {
        let (weight, bias) = lease.tensors();
        LayerNorm {
            weight,
            bias,
            lease: Some(lease),
        }
    }

    /// Creates one with the given parameters.
    pub(crate) fn of(weight: Tensor, bias: Tensor) -> Self {
        LayerNorm {
            weight,
            bias,
            lease: None,
        }
    }

    /// Copies the parameters to new storage on `device`.
    pub(crate) fn copy_to(&self, device: Device) -> Result<Self> {
        if self.lease.is_some() {
            // A fault exists only on the CPU, and all contexts hold the same numbers.
            return LayerNorm::new(self.weight.numel() as i64);
        }
        Ok(LayerNorm {
            weight: deep_copy(&self.weight, device)?,
            bias: deep_copy(&self.bias, device)?,
            lease: None,
        })
    }
}

impl Forward for LayerNorm {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let features = self.weight.size();
        Ok(x.f_layer_norm(
            features,
            Some(&self.weight),
            Some(&self.bias),
            EPSILON,
            true,
        )?)
    }
}
