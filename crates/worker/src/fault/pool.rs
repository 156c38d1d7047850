//! The unused contexts, and the thread that replaces the memory of returned ones.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use crashrate_protocol::Fault;

use super::clock::computed;
use super::context::Context;

/// How many returned contexts are held back until the chapter ends. One more releases them all.
const HELD_BACK: usize = 32;
/// The poll interval while nothing is due: short relative to the time between two replacements.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// The pause between two replacements. The next replacement may reuse the memory that the last one
/// freed; without a pause a late reader would find the same numbers there and not fault.
const PAUSE: Duration = Duration::from_micros(100);
/// How long a return has consequences, in computing time: longer than a chapter of the story.
const CONSEQUENCES: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct Pool {
    dose: u32,
    carry_over: bool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Available contexts; the last one returned is taken first.
    free: Vec<Context>,
    /// Returned, but not available yet.
    held_back: Vec<Context>,
    /// Pending replacements.
    handles: Vec<Handle>,
    /// How often the pool was cleared. Handles from before the last clearing are dropped.
    cleared: u64,
    /// The number of contexts and replacements so far.
    turn: u64,
    stopped: bool,
}

/// The next step of [`Pool::recycle`].
#[derive(Debug)]
enum Next {
    /// Replace this context's memory, then report it with `used`.
    Replace(Handle),
    /// Try again soon: the next replacement is not due yet.
    Wait,
    Stop,
}

impl Pool {
    pub(super) fn new(fault: &Fault) -> Self {
        Pool {
            dose: fault.dose,
            carry_over: fault.carry_over,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Takes an available context or creates one.
    pub(super) fn take(&self, features: i64) -> Result<Context> {
        let mut state = self.state();
        let fits = |context: &Context| context.features() == features;
        if let Some(last) = state.free.iter().rposition(fits) {
            return Ok(state.free.remove(last));
        }
        state.turn += 1;
        Context::new(features, state.turn)
    }

    /// Returns a context to the pool.
    pub(super) fn give_back(&self, mut context: Context) {
        context.returns += 1;
        let mut state = self.state();
        state.held_back.push(context);
        if state.held_back.len() > HELD_BACK {
            self.release(&mut state);
        }
    }

    /// Releases the chapter's contexts. Returns the number now available.
    pub(super) fn chapter_ended(&self) -> usize {
        let mut state = self.state();
        self.release(&mut state);
        if !self.carry_over {
            state.free.clear();
            state.handles.clear();
            state.cleared += 1;
        }
        state.free.len()
    }

    /// Makes returned contexts available. The recycler keeps a handle to each, even after the next
    /// model has taken it.
    fn release(&self, state: &mut State) {
        let contexts = std::mem::take(&mut state.held_back);
        let (now, count) = (computed(), contexts.len() as u32);
        for (index, context) in (1..).zip(contexts) {
            // Wear: a context returned twice is replaced four times as often.
            let worn = context.returns.saturating_pow(2);
            let dose = self.dose.saturating_mul(worn);
            if let Some(every) = CONSEQUENCES.checked_div(dose) {
                state.handles.push(Handle {
                    // Spread the replacements so that they are not all due at once.
                    due: now + every * index / count,
                    every,
                    left: dose,
                    cleared: state.cleared,
                    turn: 0,
                    context: context.alias(),
                });
            }
            state.free.push(context);
        }
        self.changed.notify_all();
    }

    /// Makes the due replacements until stopped. Does not hold the pool's lock meanwhile, and
    /// deliberately does not check whether a context is in use.
    pub(super) fn recycle(&self) {
        loop {
            match self.next() {
                Next::Replace(mut handle) => {
                    // If there is no memory for a new block, the old one stays: a smaller fault,
                    // but no other harm.
                    let _ = handle.context.replace_memory(handle.turn);
                    self.used(handle);
                    thread::sleep(PAUSE);
                }
                Next::Wait => thread::sleep(LOOK_AGAIN),
                Next::Stop => return,
            }
        }
    }

    /// Waits for the next step.
    fn next(&self) -> Next {
        let ignored = |state: &mut State| state.handles.is_empty() && !state.stopped;
        let state = self.changed.wait_while(self.state(), ignored);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if state.stopped {
            return Next::Stop;
        }
        let earliest = (0..state.handles.len()).min_by_key(|&at| state.handles[at].due);
        let Some(next) = earliest.filter(|&at| state.handles[at].due <= computed()) else {
            return Next::Wait;
        };
        state.turn += 1;
        let turn = state.turn;
        let handle = state.handles.swap_remove(next);
        Next::Replace(Handle { turn, ..handle })
    }

    /// Takes back a handle after one replacement.
    fn used(&self, mut handle: Handle) {
        handle.left -= 1;
        handle.due += handle.every;
        let mut state = self.state();
        if handle.left > 0 && handle.cleared == state.cleared {
            state.handles.push(handle);
        }
    }

    /// Stops the recycler.
    pub(super) fn stop(&self) {
        self.state().stopped = true;
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a return leaves behind: a handle to the context, and the number of replacements left.
#[derive(Debug)]
struct Handle {
    /// When the next replacement is due, in computing time of the process.
    due: Duration,
    /// The interval to the one after that.
    every: Duration,
    /// Replacements left.
    left: u32,
    /// The last clearing of the pool that it has seen.
    cleared: u64,
    /// Selects the size of the new memory.
    turn: u64,
    context: Context,
}
