//! The reader thread: pages that are too large or too cold for a turn, one after another, each after
//! the commits that were queued before it.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use annex_service::store::{Page, Read as _, Scan, StoreError};

use crate::reader::Reader;

/// What is done with a page.
pub(crate) type Deliver = Box<dyn FnOnce(Result<Page, StoreError>) + Send>;

struct Request {
    after: u64,
    scan: Scan,
    deliver: Deliver,
}

#[derive(Default)]
struct Inner {
    requests: VecDeque<Request>,
    done: u64,
    failed: Option<StoreError>,
    closed: bool,
}

/// The requests that wait.
#[derive(Default)]
pub(crate) struct Fetches {
    inner: Mutex<Inner>,
    wake: Condvar,
}

impl Fetches {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads `scan` once `after` commits are done.
    pub(crate) fn request(&self, after: u64, scan: Scan, deliver: Deliver) {
        self.lock().requests.push_back(Request { after, scan, deliver });
        self.wake.notify_one();
    }

    /// More commits were reported, or the store has failed.
    pub(crate) fn advance(&self, commits: u64, failed: Option<&StoreError>) {
        let mut inner = self.lock();
        inner.done += commits;
        if inner.failed.is_none() {
            inner.failed = failed.cloned();
        }
        let waiting = !inner.requests.is_empty();
        drop(inner);
        if waiting {
            self.wake.notify_one();
        }
    }

    /// No commit will follow; what still waits is answered, then the thread ends.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    /// Serves until closed.
    pub(crate) fn run(&self, reader: &Reader) {
        loop {
            let mut inner = self.lock();
            let (request, failed) = loop {
                match inner.requests.front() {
                    Some(first) => {
                        let ready = inner.done >= first.after || inner.failed.is_some();
                        if (ready || inner.closed)
                            && let Some(request) = inner.requests.pop_front()
                        {
                            break (request, inner.failed.clone());
                        }
                    }
                    None if inner.closed => return,
                    None => {}
                }
                inner = self.wake.wait(inner).unwrap_or_else(PoisonError::into_inner);
            };
            drop(inner);
            (request.deliver)(match failed {
                Some(error) => Err(error),
                None => reader.scan(&request.scan),
            });
        }
    }
}
