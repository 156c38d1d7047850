//! Fault injection: a real race over the lifetime of a tensor inside libtorch on the CPU. It is off
//! unless a task requests it.
//!
//! It models the defect behind the published crashes: one thread replaces a context while another
//! still uses it. Layer norms take their storage from a process-wide pool of contexts. A returned
//! context stays in the pool for the next model, and a background thread replaces its storage a
//! bounded number of times without checking whether a model has taken it again. The old storage is
//! unmapped immediately, so a kernel that is reading it faults. The crash is the kernel's own; no
//! random number decides it, and no signal is raised or sent.
//!
//! Damage accumulates, as in a driver that releases resources late. Each return leaves a
//! handle for some seconds of computing time. The number of replacements grows
//! with the square of the number of returns, so a context that many models have used is replaced
//! often. Returned contexts become available when the chapter ends, or when many have accumulated.
//! A chapter that runs alone therefore meets few or none of its own contexts, while in a sequence
//! it also meets those of the chapters before it.

mod clock;
mod context;
mod pool;

use std::sync::OnceLock;
use std::thread::{self, JoinHandle};

use anyhow::Result;
use crashrate_protocol::{Fault, FaultKind};

use context::Context;
use pool::Pool;

/// The pool of this process, if a fault is active.
static POOL: OnceLock<Pool> = OnceLock::new();

/// An active fault. Dropping it stops all replacements.
#[derive(Debug)]
pub(crate) struct Injected {
    pool: &'static Pool,
    recycler: Option<JoinHandle<()>>,
}

impl Injected {
    /// Activates the fault.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn begin(fault: &Fault) -> Result<Self> {
        let pool = POOL.get_or_init(|| Pool::new(fault));
        let recycler = thread::Builder::new()
            .name("recycler".to_owned())
            .spawn(|| pool.recycle())?;
        Ok(Injected {
            pool,
            recycler: Some(recycler),
        })
    }

    /// Ends a chapter, whose models have all been dropped. Returns the number of contexts available
    /// to the next one.
    pub(crate) fn chapter_ended(&self) -> usize {
        self.pool.chapter_ended()
    }
}

impl Drop for Injected {
    /// libtorch destroys its globals at process exit: no thread may be using it then.
    fn drop(&mut self) {
        self.pool.stop();
        if let Some(recycler) = self.recycler.take() {
            let _ = recycler.join();
        }
    }
}

/// Describes the fault in one line, for people.
pub(crate) fn in_words(fault: &Fault) -> String {
    let FaultKind::TensorLifetime = fault.kind;
    let carried = match fault.carry_over {
        true => "damage carries over between chapters",
        false => "no damage carries over between chapters",
    };
    format!(
        "tensor-lifetime, dose {} (replacements after the first return), {carried}",
        fault.dose
    )
}

/// A context taken by a layer norm. Dropping it returns the context.
#[derive(Debug)]
pub(crate) struct Lease {
    pool: &'static Pool,
    context: Option<Context>,
}

impl Lease {
    /// Takes a context for this many features; `None` if no fault is active.
    ///
    /// # Errors
    /// The pool has no matching context and there is no memory for a new one.
    pub(crate) fn take(features: i64) -> Result<Option<Self>> {
        let Some(pool) = POOL.get() else {
            return Ok(None);
        };
        Ok(Some(Lease {
            pool,
            context: Some(pool.take(features)?),
        }))
    }

    /// Returns the weight and the bias: the tensors themselves, not copies.
    pub(crate) fn tensors(&self) -> (tch::Tensor, tch::Tensor) {
        let context = self.context.as_ref().expect("it is there until the drop");
        context.tensors()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(context) = self.context.take() {
            self.pool.give_back(context);
        }
    }
}
