//! A context: what a layer norm computes with, in one piece of memory.

use anyhow::Result;
use tch::{Device, Kind, Tensor};

/// The smallest piece of memory, numbers of four bytes each. Beyond 32 MiB glibc's allocator always asks the system for
/// a piece of its own, and gives it back as soon as it is freed; smaller ones it may keep, and then a late reader would
/// see old numbers instead of faulting. Only the pages that are used are ever there.
const SMALLEST: i64 = 9 << 20;
/// By how much sizes differ.
const STEP: i64 = 1 << 18;
/// How many sizes there are.
const SIZES: i64 = 16;

/// The parameters of a layer norm as PyTorch initialises them, at the front of their memory.
#[derive(Debug)]
pub(super) struct Context {
    weight: Tensor,
    bias: Tensor,
    /// How often it was given back.
    pub(super) returns: u32,
}

impl Context {
    /// A new one. `turn` chooses the size of its memory.
    pub(super) fn new(features: i64, turn: u64) -> Result<Self> {
        let size = SMALLEST + 2 * features + STEP * (turn % SIZES as u64).cast_signed();
        let memory = Tensor::f_empty([size], (Kind::Float, Device::Cpu))?;
        let mut weight = memory.f_narrow(0, 0, features)?;
        let mut bias = memory.f_narrow(0, features, features)?;
        let _ = (weight.f_fill_(1.0)?, bias.f_zero_()?);
        Ok(Context {
            weight,
            bias,
            returns: 0,
        })
    }

    /// For how many features it is.
    pub(super) fn features(&self) -> i64 {
        self.weight.numel() as i64
    }

    /// The tensors themselves: what happens to them here happens to those.
    pub(super) fn tensors(&self) -> (Tensor, Tensor) {
        (self.weight.shallow_clone(), self.bias.shallow_clone())
    }

    /// Another hold on the same context.
    pub(super) fn alias(&self) -> Self {
        let (weight, bias) = self.tensors();
        Context {
            weight,
            bias,
            returns: self.returns,
        }
    }

    /// Gives it new memory with the same numbers. Its old memory is freed, whoever reads it now.
    ///
    /// This is the race. It is deliberate, and no `unsafe` block guards it because tch takes none: libtorch says that a
    /// tensor must not be changed while another thread uses it, and tch lets clones of one tensor go to several
    /// threads. A reader finds the old pointer, the new one, or, in the middle of a kernel, no memory behind it any
    /// more. What is written is only libtorch's own record of the tensor; the sizes do not change, so no kernel is
    /// misled about how much it may read or write.
    pub(super) fn replace_memory(&mut self, turn: u64) -> Result<()> {
        let new = Context::new(self.features(), turn)?;
        self.weight.f_set_data(&new.weight)?;
        self.bias.f_set_data(&new.bias)?;
        Ok(())
    }
}
