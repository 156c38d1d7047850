//! The contexts that nobody uses, and what is still to be done to those that somebody gave back.

use std::collections::BinaryHeap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use crashrate_protocol::Fault;

use super::clock::computed;
use super::context::Context;
use super::recycler::Handle;

/// How many returned contexts are held back until the chapter ends. One more, and all are released at once.
const HELD_BACK: usize = 32;
/// For how long a return has consequences, in computing time of the process: longer than a chapter of the story.
const CONSEQUENCES: Duration = Duration::from_secs(3);

/// The pool.
#[derive(Debug)]
pub(super) struct Pool {
    dose: u32,
    carry_over: bool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// For whoever asks; the last one that came is the first to go.
    free: Vec<Context>,
    /// Returned, and not yet there for others.
    held_back: Vec<Context>,
    /// What is to be replaced, the next one on top.
    handles: BinaryHeap<Handle>,
    /// How often everything was thrown away: a handle from before that is dropped.
    cleared: u64,
    /// How many contexts and replacements there have been.
    turn: u64,
    stopped: bool,
}

/// What the recycler is to do next.
#[derive(Debug)]
pub(super) enum Next {
    /// Replace the memory of this one, and then say so.
    Replace(Handle),
    /// Look again soon: the next one is not due yet.
    Wait,
    /// End.
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

    /// A context that was returned before, or a new one.
    pub(super) fn take(&self, features: i64) -> Result<Context> {
        let mut state = self.state();
        let fits = |context: &Context| context.features() == features;
        if let Some(last) = state.free.iter().rposition(fits) {
            return Ok(state.free.remove(last));
        }
        state.turn += 1;
        Context::new(features, state.turn)
    }

    /// Takes a context back.
    pub(super) fn give_back(&self, mut context: Context) {
        context.returns += 1;
        let mut state = self.state();
        state.held_back.push(context);
        if state.held_back.len() > HELD_BACK {
            self.release(&mut state);
        }
    }

    /// Releases what the chapter has returned, and says how many contexts are free now.
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

    /// Makes returned contexts free. The recycler keeps a handle on each, whoever takes it next.
    fn release(&self, state: &mut State) {
        let contexts = std::mem::take(&mut state.held_back);
        let (now, count) = (computed(), contexts.len() as u32);
        for (index, context) in (1..).zip(contexts) {
            // Worn: what was given back twice is replaced four times as often.
            let worn = context.returns.saturating_pow(2);
            let dose = self.dose.saturating_mul(worn);
            if let Some(every) = CONSEQUENCES.checked_div(dose) {
                state.handles.push(Handle {
                    // Spread out, so that not all are due together.
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

    /// Waits until there is something to do or to wait for.
    pub(super) fn next(&self) -> Next {
        let idle = |state: &mut State| state.handles.is_empty() && !state.stopped;
        let state = self.changed.wait_while(self.state(), idle);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if state.stopped {
            return Next::Stop;
        }
        if state
            .handles
            .peek()
            .is_none_or(|next| next.due > computed())
        {
            return Next::Wait;
        }
        state.turn += 1;
        let turn = state.turn;
        state.handles.pop().map_or(Next::Wait, |handle| {
            Next::Replace(Handle { turn, ..handle })
        })
    }

    /// Takes back a handle that has been used once.
    pub(super) fn used(&self, mut handle: Handle) {
        handle.left -= 1;
        handle.due += handle.every;
        let mut state = self.state();
        if handle.left > 0 && handle.cleared == state.cleared {
            state.handles.push(handle);
        }
    }

    /// Ends the recycler.
    pub(super) fn stop(&self) {
        self.state().stopped = true;
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
