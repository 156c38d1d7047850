//! Layer normalisation with its two parameters, the one place where their storage is made.

use anyhow::Result;
use tch::{Device, Kind, Tensor};

use crate::encoder::Forward;
use crate::random::deep_copy;

/// What PyTorch adds to the variance.
const EPSILON: f64 = 1e-5;

/// Normalises the last dimension.
#[derive(Debug)]
pub(crate) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
}

impl LayerNorm {
    /// On the CPU, as PyTorch initialises it: it scales by 1 and adds 0.
    pub(crate) fn new(features: i64) -> Result<Self> {
        let on_cpu = (Kind::Float, Device::Cpu);
        Ok(LayerNorm {
            weight: Tensor::f_ones([features], on_cpu)?,
            bias: Tensor::f_zeros([features], on_cpu)?,
        })
    }

    /// With given parameters.
    pub(crate) fn of(weight: Tensor, bias: Tensor) -> Self {
        LayerNorm { weight, bias }
    }

    /// The same parameters in storage of their own, on `device`.
    pub(crate) fn copy_to(&self, device: Device) -> Result<Self> {
        Ok(LayerNorm {
            weight: deep_copy(&self.weight, device)?,
            bias: deep_copy(&self.bias, device)?,
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
