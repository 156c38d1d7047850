//! The tracer of a zygote and of all its children: one thread, since only the thread that took hold of the zygote is handed
//! what it forks.

use std::io;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::sync::{Arc, LazyLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crashrate_postmortem::linux::Images;
use nix::errno::Errno;
use nix::sys::ptrace;
use nix::unistd::Pid;

use super::super::Watched;
use super::calls;
use super::capture_hang::Hang;
use super::gate::Keeper;
use super::tracer::{Order, Tracer, options};

/// How often a tracer that waits is interrupted until it has heard an order.
const KNOCK_EVERY: Duration = Duration::from_millis(1);
/// How often a child is heard whose zygote is gone.
const ORPHAN_EVERY: Duration = Duration::from_millis(1);
/// How long an order may take at most.
const LONGEST: Duration = Duration::from_secs(10);

/// What is known of programs and libraries: every zygote of a run has much the same ones.
static IMAGES: LazyLock<Arc<Images>> = LazyLock::new(Arc::default);

enum Answer {
    Seized(nix::Result<()>),
    Looked,
    Finished(Box<Watched>),
}

/// The slot's end of a zygote's tracer. The thread ends with the zygote, or with this.
pub(super) struct ZygoteTracer {
    orders: Option<Sender<Order>>,
    answers: Receiver<Answer>,
    tid: Arc<AtomicI32>,
    handle: Option<JoinHandle<()>>,
}

impl ZygoteTracer {
    /// Starts a thread that waits at the gate for the zygote.
    pub(super) fn start(keeper: Keeper) -> io::Result<ZygoteTracer> {
        let (orders, inbox) = channel();
        let (outbox, answers) = channel();
        let tid = Arc::new(AtomicI32::new(0));
        let own = tid.clone();
        let handle = std::thread::Builder::new()
            .name("zygote-tracer".into())
            .spawn(move || {
                calls::can_be_woken();
                own.store(calls::this_thread(), Ordering::Release);
                follow(keeper, &inbox, &outbox);
            })?;
        Ok(ZygoteTracer {
            orders: Some(orders),
            answers,
            tid,
            handle: Some(handle),
        })
    }

    /// Whether it has hold of the zygote. Asked once, after that was spawned: it has said so before it let it pass.
    pub(super) fn seized(&mut self) -> io::Result<()> {
        match self.answers.try_recv() {
            Ok(Answer::Seized(Ok(()))) => Ok(()),
            Ok(Answer::Seized(Err(error))) => Err(error.into()),
            _ => Err(Errno::ESRCH.into()),
        }
    }

    /// Looks at all threads of the child.
    pub(super) fn capture_hang(&mut self) {
        self.ask(Order::Look);
    }

    /// Has it kill what is left of the child's, and say what was seen of it.
    pub(super) fn finish(&mut self) -> Watched {
        match self.ask(Order::Finish) {
            Some(Answer::Finished(watched)) => *watched,
            _ => Watched::default(),
        }
    }

    fn ask(&self, order: Order) -> Option<Answer> {
        self.orders.as_ref()?.send(order).ok()?;
        let deadline = Instant::now() + LONGEST;
        while Instant::now() < deadline {
            self.knock();
            match self.answers.recv_timeout(KNOCK_EVERY) {
                Ok(answer) => return Some(answer),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        None
    }

    fn knock(&self) {
        match self.tid.load(Ordering::Acquire) {
            0 => {}
            tid => calls::wake(tid),
        }
    }
}

impl Drop for ZygoteTracer {
    fn drop(&mut self) {
        self.orders = None;
        let Some(handle) = self.handle.take() else {
            return;
        };
        // Its end kills the zygote (EXITKILL), if that is not dead yet.
        while !handle.is_finished() {
            self.knock();
            std::thread::sleep(Duration::from_micros(100));
        }
        let _ = handle.join();
    }
}

fn follow(mut keeper: Keeper, orders: &Receiver<Order>, answers: &Sender<Answer>) {
    let Some(zygote) = keeper.who() else {
        return;
    };
    let seized = ptrace::seize(Pid::from_raw(zygote), options());
    let failed = seized.is_err();
    let _ = answers.send(Answer::Seized(seized));
    keeper.open();
    if failed {
        return;
    }
    let mut tracer = Tracer::of_zygote(zygote, IMAGES.clone());
    loop {
        let order = match tracer.hear_zygote() {
            true => orders.try_recv(),
            // The zygote is gone, and its child is dying: it has to be let go on at its stops.
            false => match orders.recv_timeout(ORPHAN_EVERY) {
                Ok(order) => Ok(order),
                Err(RecvTimeoutError::Timeout) => Err(TryRecvError::Empty),
                Err(RecvTimeoutError::Disconnected) => Err(TryRecvError::Disconnected),
            },
        };
        match order {
            Ok(Order::Look) => {
                tracer.hang = Hang::capture_hang(&mut tracer);
                let _ = answers.send(Answer::Looked);
            }
            Ok(Order::Finish) => {
                let watched = tracer.finish_child();
                let _ = answers.send(Answer::Finished(Box::new(watched)));
            }
            Err(TryRecvError::Disconnected) => return,
            Err(TryRecvError::Empty) => {}
        }
    }
}
