//! Random tensors from a seed. They are generated on the CPU and so are the same for every device.

use anyhow::Result;
use tch::{Device, Kind, Tensor};

/// Generates random tensors. The generator is libtorch's global one: only the thread that sets up a
/// chapter may hold a `Random`, and only one at a time.
#[derive(Debug)]
pub(crate) struct Random(());

impl Random {
    /// Seeds the generator.
    pub(crate) fn new(seed: u64) -> Self {
        tch::manual_seed(seed.cast_signed());
        Random(())
    }

    /// Uniform between `-bound` and `bound`.
    pub(crate) fn uniform(&mut self, size: &[i64], bound: f64) -> Result<Tensor> {
        let tensor = Tensor::f_rand(size, (Kind::Float, Device::Cpu))?;
        Ok(tensor.f_sub_scalar(0.5)?.f_mul_scalar(2.0 * bound)?)
    }

    /// Normal with mean 0 and standard deviation 1.
    pub(crate) fn normal(&mut self, size: &[i64]) -> Result<Tensor> {
        Ok(Tensor::f_randn(size, (Kind::Float, Device::Cpu))?)
    }
}

/// Copies the values to new storage on `device`.
pub(crate) fn deep_copy(tensor: &Tensor, device: Device) -> Result<Tensor> {
    let mut copy = Tensor::f_empty(tensor.size(), (tensor.f_kind()?, device))?;
    copy.f_copy_(tensor)?;
    Ok(copy)
}
