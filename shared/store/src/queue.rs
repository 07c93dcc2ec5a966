//! What waits for the storage thread.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    commit::Storage,
    schema::{Commit, Mark},
};

/// Something to do between two groups.
pub(crate) type Task = Box<dyn FnOnce(&mut Storage) + Send>;

enum Work {
    Commit(Commit, usize),
    Task(Task),
}

/// What the storage thread does next.
pub(crate) enum Next {
    /// Commits to write together.
    Group(Vec<Commit>),
    /// A task.
    Task(Task),
    /// Nothing came in time.
    Tick,
    /// The store is closed and everything queued before is done.
    Closed,
}

#[derive(Default)]
struct Inner {
    work: VecDeque<Work>,
    bytes: usize,
    queued: u64,
    confirmed: Option<Mark>,
    closed: bool,
}

/// The queue; its bytes are what bounds the daemon.
#[derive(Default)]
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    wake: Condvar,
}

/// Bytes of commits that are written as one group. A larger commit goes alone, whole.
const GROUP: usize = 1 << 20;

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a commit.
    pub(crate) fn commit(&self, commit: Commit) {
        let size = commit.size();
        let mut inner = self.lock();
        inner.bytes += size;
        inner.queued += 1;
        inner.work.push_back(Work::Commit(commit, size));
        drop(inner);
        self.wake.notify_one();
    }

    /// Queues a task; false if the store is closed, and the task is dropped.
    pub(crate) fn task(&self, task: Task) -> bool {
        let mut inner = self.lock();
        if inner.closed {
            return false;
        }
        inner.work.push_back(Work::Task(task));
        drop(inner);
        self.wake.notify_one();
        true
    }

    /// Notes the mark that is to be stored with the next group.
    pub(crate) fn confirm(&self, mark: Mark) {
        let mut inner = self.lock();
        // Without a wake-up: it is picked up by the next group or tick.
        let first = inner.confirmed.is_none();
        inner.confirmed = Some(mark);
        drop(inner);
        if first {
            self.wake.notify_one();
        }
    }

    /// The mark noted since the last call.
    pub(crate) fn take_confirmed(&self) -> Option<Mark> {
        self.lock().confirmed.take()
    }

    /// Commits queued since the store was opened.
    pub(crate) fn queued(&self) -> u64 {
        self.lock().queued
    }

    /// Bytes of the commits that are not reported yet.
    pub(crate) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Commits were reported.
    pub(crate) fn done(&self, bytes: usize) {
        self.lock().bytes -= bytes;
    }

    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    /// Waits for work; with `tick`, or while a confirmed mark waits, for a second at most.
    pub(crate) fn next(&self, tick: bool) -> Next {
        let mut inner = self.lock();
        loop {
            match inner.work.pop_front() {
                Some(Work::Task(task)) => return Next::Task(task),
                Some(Work::Commit(commit, mut size)) => {
                    let mut group = vec![commit];
                    while let Some(Work::Commit(_, next)) = inner.work.front() {
                        if size + next > GROUP {
                            break;
                        }
                        size += next;
                        if let Some(Work::Commit(commit, _)) = inner.work.pop_front() {
                            group.push(commit);
                        }
                    }
                    return Next::Group(group);
                }
                None if inner.closed => return Next::Closed,
                None => {}
            }
            if tick || inner.confirmed.is_some() {
                let (guard, timeout) = self
                    .wake
                    .wait_timeout(inner, Duration::from_secs(1))
                    .unwrap_or_else(PoisonError::into_inner);
                inner = guard;
                if timeout.timed_out() && inner.work.is_empty() && !inner.closed {
                    return Next::Tick;
                }
            } else {
                inner = self.wake.wait(inner).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}
