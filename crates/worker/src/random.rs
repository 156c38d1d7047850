//! Random tensors from a seed: the same on every device, since they are made on the CPU.

use anyhow::Result;
use tch::{Device, Kind, Tensor};

/// Makes random tensors one after another. The generator is libtorch's own, of which there is one in a process: only
/// the thread that sets a chapter up may hold a `Random`, and one at a time.
#[derive(Debug)]
pub(crate) struct Random(());

impl Random {
    /// A generator at the beginning of the row that belongs to `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        tch::manual_seed(seed.cast_signed());
        Random(())
    }

    /// Evenly distributed between `-bound` and `bound`.
    pub(crate) fn uniform(&mut self, size: &[i64], bound: f64) -> Result<Tensor> {
        let tensor = Tensor::f_rand(size, (Kind::Float, Device::Cpu))?;
        Ok(tensor.f_sub_scalar(0.5)?.f_mul_scalar(2.0 * bound)?)
    }

    /// Normally distributed around 0 with deviation 1.
    pub(crate) fn normal(&mut self, size: &[i64]) -> Result<Tensor> {
        Ok(Tensor::f_randn(size, (Kind::Float, Device::Cpu))?)
    }
}

/// A deep copy: the same values in storage of its own, on `device`.
pub(crate) fn deep_copy(tensor: &Tensor, device: Device) -> Result<Tensor> {
    let mut copy = Tensor::f_empty(tensor.size(), (tensor.f_kind()?, device))?;
    copy.f_copy_(tensor)?;
    Ok(copy)
}
