//! A context: the parameters of a layer norm in one block of memory.

use anyhow::Result;
use tch::{Device, Kind, Tensor};

/// The smallest block, in four-byte numbers. Above 32 MiB glibc's allocator always maps a separate
/// block and unmaps it on free. Smaller blocks may be kept, and a late reader would then see old
/// numbers instead of faulting. Only pages that are used become resident.
const SMALLEST: i64 = 9 << 20;
/// The difference between two sizes.
const STEP: i64 = 1 << 18;
/// The number of different sizes.
const SIZES: i64 = 16;

/// The parameters of a layer norm as PyTorch initialises them, at the start of their block.
#[derive(Debug)]
pub(super) struct Context {
    weight: Tensor,
    bias: Tensor,
    /// How often the context was returned to the pool.
    pub(super) returns: u32,
}

impl Context {
    /// Creates a context. `turn` selects the size of its block.
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

    /// The number of features.
    pub(super) fn features(&self) -> i64 {
        self.weight.numel() as i64
    }

    /// Returns the tensors themselves, not copies: changes to the context are visible through them.
    pub(super) fn tensors(&self) -> (Tensor, Tensor) {
        (self.weight.shallow_clone(), self.bias.shallow_clone())
    }

    /// Returns a second handle to the same context.
    pub(super) fn alias(&self) -> Self {
        let (weight, bias) = self.tensors();
        Context {
            weight,
            bias,
            returns: self.returns,
        }
    }

    /// Moves the context to a new block with the same numbers. The old block is freed, even if
    /// another thread is reading it.
    ///
    /// This is the race, and it is deliberate. There is no `unsafe` block because tch requires
    /// none: libtorch forbids changing a tensor while another thread uses it, but tch lets clones
    /// of one tensor be used in several threads. A reader finds the old pointer, the new one, or,
    /// in the middle of a kernel, no memory behind its pointer. Only libtorch's bookkeeping of the
    /// tensor is written; sizes do not change, so no kernel reads or writes out of bounds.
    pub(super) fn replace_memory(&mut self, turn: u64) -> Result<()> {
        let new = Context::new(self.features(), turn)?;
        self.weight.f_set_data(&new.weight)?;
        self.bias.f_set_data(&new.bias)?;
        Ok(())
    }
}
