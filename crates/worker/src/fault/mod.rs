//! The fault: a real race for the life of a tensor inside libtorch on the CPU, off unless a task asks for it.
//!
//! It is the kind of fault behind the recorded crashes: one thread replaces a context while another still uses it. Layer
//! norms take their storage from a pool of contexts for the whole process. A context that a model gives back stays in
//! it for the next model, and a thread that tidies up gives it new storage a bounded number of times, without asking
//! whether somebody has taken it since. The old storage goes back to the system at once. A kernel that is reading it at
//! that moment faults: the crash is the kernel's own, no random number decides it, and nothing is raised or killed.
//!
//! Damage adds up as in a driver that releases late. Each return leaves a [handle](recycler::Handle) behind for some
//! seconds of computing, with the more replacements the more often the context was returned before, by the square: one
//! that has been through many models is worn. What a chapter returns is there for others from the chapter's end, or when
//! there is much of it. So a chapter alone meets little or nothing of what it returned itself, and in a sequence it also
//! meets what those before it left.

mod clock;
mod context;
mod pool;
mod recycler;

use std::sync::OnceLock;
use std::thread::{self, JoinHandle};

use anyhow::Result;
use crashrate_protocol::{Fault, FaultKind};

use context::Context;
use pool::Pool;

/// The pool of this process, if there is a fault in it.
static POOL: OnceLock<Pool> = OnceLock::new();

/// A fault in this process. When it is dropped, nothing is replaced any more.
#[derive(Debug)]
pub(crate) struct Injected {
    pool: &'static Pool,
    recycler: Option<JoinHandle<()>>,
}

impl Injected {
    /// Begins.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn begin(fault: &Fault) -> Result<Self> {
        let pool = POOL.get_or_init(|| Pool::new(fault));
        let recycler = thread::Builder::new()
            .name("recycler".to_owned())
            .spawn(|| recycler::run(pool))?;
        Ok(Injected {
            pool,
            recycler: Some(recycler),
        })
    }

    /// A chapter has ended, and all its models with it. Says how many contexts are there for the next one.
    pub(crate) fn chapter_ended(&self) -> usize {
        self.pool.chapter_ended()
    }
}

impl Drop for Injected {
    /// At the end of the process libtorch takes itself apart: nobody may work in it then.
    fn drop(&mut self) {
        self.pool.stop();
        if let Some(recycler) = self.recycler.take() {
            let _ = recycler.join();
        }
    }
}

/// A fault in a line, for people.
pub(crate) fn in_words(fault: &Fault) -> String {
    let FaultKind::TensorLifetime = fault.kind;
    let carried = match fault.carry_over {
        true => "carried over from chapter to chapter",
        false => "nothing is carried over from chapter to chapter",
    };
    format!(
        "tensor-lifetime, {} writes for each time that a context was returned, {carried}",
        fault.dose
    )
}

/// A context that a layer norm has taken; dropped, it goes back.
#[derive(Debug)]
pub(crate) struct Lease {
    pool: &'static Pool,
    context: Option<Context>,
}

impl Lease {
    /// A context for this many features; nothing where there is no fault.
    ///
    /// # Errors
    /// There is none to be had again, and no memory for a new one.
    pub(crate) fn take(features: i64) -> Result<Option<Self>> {
        let Some(pool) = POOL.get() else {
            return Ok(None);
        };
        Ok(Some(Lease {
            pool,
            context: Some(pool.take(features)?),
        }))
    }

    /// Its two tensors, the scale and what is added: not copies, but the same tensors.
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
