//! `max_in_flight`: how many threads may have work on the device at the same time.

use std::sync::{Condvar, Mutex, PoisonError};

/// A counting semaphore. A limit of 0 means unlimited.
#[derive(Debug)]
pub(crate) struct Semaphore {
    limit: usize,
    inside: Mutex<usize>,
    left: Condvar,
}

/// Permission to proceed, until dropped.
#[derive(Debug)]
pub(crate) struct Permit<'a>(&'a Semaphore);

impl Semaphore {
    /// Creates a semaphore for `limit` threads; 0 means unlimited.
    pub(crate) fn new(limit: usize) -> Self {
        Semaphore {
            limit,
            inside: Mutex::new(0),
            left: Condvar::new(),
        }
    }

    /// Waits for a permit. Returns `None` if unlimited.
    pub(crate) fn enter(&self) -> Option<Permit<'_>> {
        if self.limit == 0 {
            return None;
        }
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let mut inside = self
            .left
            .wait_while(inside, |inside| *inside >= self.limit)
            .unwrap_or_else(PoisonError::into_inner);
        *inside += 1;
        Some(Permit(self))
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.inside.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn no_more_threads_than_the_limit_enter() {
        let (semaphore, inside, most) =
            (Semaphore::new(2), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let _permit = semaphore.enter();
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
    }

    #[test]
    fn without_a_limit_no_thread_waits() {
        let semaphore = Semaphore::new(0);
        assert!(semaphore.enter().is_none() && semaphore.enter().is_none());
    }
}
