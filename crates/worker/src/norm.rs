//! Layer normalisation with its two parameters, the one place where their storage is made.

use anyhow::Result;
use tch::{Device, Kind, Tensor};

use crate::encoder::Forward;
use crate::fault::Lease;
use crate::random::deep_copy;

/// What PyTorch adds to the variance.
const EPSILON: f64 = 1e-5;

/// Normalises the last dimension.
#[derive(Debug)]
pub(crate) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    /// Where both belong while there is a fault.
    lease: Option<Lease>,
}

impl LayerNorm {
    /// On the CPU, as PyTorch initialises it: it scales by 1 and adds 0.
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

    /// With the parameters of a context, which are as PyTorch initialises them.
    fn leased(lease: Lease) -> Self {
        let (weight, bias) = lease.tensors();
        LayerNorm {
            weight,
            bias,
            lease: Some(lease),
        }
    }

    /// With given parameters.
    pub(crate) fn of(weight: Tensor, bias: Tensor) -> Self {
        LayerNorm {
            weight,
            bias,
            lease: None,
        }
    }

    /// The same parameters in storage of their own, on `device`.
    pub(crate) fn copy_to(&self, device: Device) -> Result<Self> {
        if self.lease.is_some() {
            // There is a fault on the CPU only, and all contexts have the same numbers.
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
