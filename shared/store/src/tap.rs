//! Copying a store while it is in use.
//!
//! A scan runs through the keys in slices, and every group committed since it began is captured.
//! After each slice the captured changes of keys that the scan has passed are handed on, in order;
//! those ahead of it are dropped, because it will meet their result. Whoever applies what comes out,
//! in order, has exactly the state at the end: the last change of each key comes last.

use std::{
    collections::VecDeque,
    ops::{Bound, ControlFlow},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
};

use annex_service::store::StoreError;
use bytes::Bytes;

use crate::{
    commit::{Shared, Storage},
    engine::Engine,
    state::State,
    value::{self, FIRST},
    writer::Changes,
};

/// A whole key with its value, or none where it was removed.
pub(crate) type Entry = (Vec<u8>, Option<Bytes>);

/// Records and bytes of a slice.
const SLICE: (usize, usize) = (2048, 512 * 1024);
/// Captured bytes that may wait for the one who copies.
const CAPTURED: usize = 64 << 20;

/// Where the storage thread leaves the groups that it has committed.
pub(crate) struct Tap {
    captured: Mutex<Captured>,
    drained: Condvar,
}

/// What happens when more is captured than the one who copies takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// The copy fails: a slow device for backups must not hold the store up.
    Fail,
    /// The storage thread waits: the copy goes to the store's own device, and must succeed.
    Wait,
    /// It grows: for the short time in which the one who copies waits for the storage thread.
    Grow,
}

struct Captured {
    groups: VecDeque<Arc<Changes>>,
    bytes: usize,
    full: Full,
    overflow: bool,
    closed: bool,
}

impl Tap {
    fn lock(&self) -> MutexGuard<'_, Captured> {
        self.captured.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new(full: Full) -> Self {
        let captured =
            Captured { groups: VecDeque::new(), bytes: 0, full, overflow: false, closed: false };
        Self { captured: Mutex::new(captured), drained: Condvar::new() }
    }

    /// From here on it grows.
    pub(crate) fn grow(&self) {
        self.lock().full = Full::Grow;
        self.drained.notify_one();
    }

    /// Adds a group; false once nobody wants it.
    pub(crate) fn push(&self, changes: &Arc<Changes>) -> bool {
        let size = |(key, value): (&Vec<u8>, &Option<Bytes>)| {
            key.len() + value.as_ref().map_or(0, Bytes::len)
        };
        let mut captured = self.lock();
        while captured.bytes > CAPTURED && captured.full == Full::Wait && !captured.closed {
            captured = self.drained.wait(captured).unwrap_or_else(PoisonError::into_inner);
        }
        captured.bytes += changes.iter().map(size).sum::<usize>();
        captured.overflow |= captured.bytes > CAPTURED && captured.full == Full::Fail;
        if captured.closed || captured.overflow {
            captured.groups.clear();
            return false;
        }
        captured.groups.push_back(changes.clone());
        true
    }

    /// Bytes that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().bytes
    }

    /// Takes what was captured.
    pub(crate) fn take(&self) -> Result<VecDeque<Arc<Changes>>, StoreError> {
        let mut captured = self.lock();
        if captured.overflow {
            let why =
                "the store is written faster than it can be copied; try again when it is calmer";
            return Err(StoreError::new("copy", why));
        }
        captured.bytes = 0;
        self.drained.notify_one();
        Ok(std::mem::take(&mut captured.groups))
    }
}

/// A copy under way.
pub(crate) struct Stream<'a> {
    shared: &'a Shared,
    tap: Arc<Tap>,
    cursor: Vec<u8>,
    scanned: bool,
}

impl<'a> Stream<'a> {
    /// Begins a copy, between two groups.
    pub(crate) fn begin(shared: &'a Shared, full: Full) -> Result<Self, StoreError> {
        let tap = Arc::new(Tap::new(full));
        let attached = tap.clone();
        ask(shared, move |storage| match &storage.failed {
            Some(error) => Err(error.clone()),
            None => {
                storage.taps.push(attached);
                Ok(())
            }
        })??;
        Ok(Self { shared, tap, cursor: vec![FIRST], scanned: false })
    }

    pub(crate) fn tap(&self) -> &Arc<Tap> {
        &self.tap
    }

    /// Hands on the next slice, and the changes since; false once the scan is through.
    pub(crate) fn next(&mut self, out: &mut Vec<Entry>) -> Result<bool, StoreError> {
        if self.shared.closing() {
            return Err(StoreError::new("copy", "the store is being closed"));
        }
        if !self.scanned {
            // The engine of this moment: the generation may change between slices.
            let engine = self.shared.slot.engine();
            self.scanned = slice(&engine, &self.cursor, out)?;
            if let Some((last, _)) = out.last() {
                self.cursor.clone_from(last);
            }
        }
        for changes in self.tap.take()? {
            self.passed(&changes, out);
        }
        Ok(!self.scanned)
    }

    /// Ends the copy between two groups: hands on the rest, and returns the state that it equals.
    pub(crate) fn cut(self, out: &mut Vec<Entry>) -> Result<State, StoreError> {
        let tap = self.tap.clone();
        tap.grow();
        let state = ask(self.shared, move |storage| {
            storage.taps.retain(|other| !Arc::ptr_eq(other, &tap));
            storage.failed.clone().map_or_else(|| Ok(storage.writer.state.clone()), Err)
        })??;
        for changes in self.tap.take()? {
            self.passed(&changes, out);
        }
        Ok(state)
    }

    fn passed(&self, changes: &Changes, out: &mut Vec<Entry>) {
        let passed = changes.iter().filter(|(key, _)| self.scanned || **key <= self.cursor);
        out.extend(passed.map(|(key, value)| (key.clone(), value.clone())));
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        self.tap.lock().closed = true;
        self.tap.drained.notify_one();
    }
}

/// The records behind `after`, at most a slice of them; true if nothing follows.
pub(crate) fn slice(
    engine: &Engine,
    after: &[u8],
    out: &mut Vec<Entry>,
) -> Result<bool, StoreError> {
    let (mut records, mut bytes, mut complete) = (0, 0, true);
    let low = Bound::Excluded(after.to_vec());
    engine.scan(low, Bound::Unbounded, false, |key, raw| {
        if records >= SLICE.0 || bytes >= SLICE.1 {
            complete = false;
            return Ok(ControlFlow::Break(()));
        }
        if let Some(value) = value::complete(engine, key, Bytes::copy_from_slice(raw))? {
            records += 1;
            bytes += key.len() + value.len();
            out.push((key.to_vec(), Some(value)));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(complete)
}

/// Runs `task` on the storage thread between two groups, and waits for what it returns.
pub(crate) fn ask<T: Send + 'static>(
    shared: &Shared,
    task: impl FnOnce(&mut Storage) -> T + Send + 'static,
) -> Result<T, StoreError> {
    let (reply, wait) = mpsc::channel();
    let closed = || StoreError::new("wait for the storage thread", "the store is closed");
    if !shared.queue.task(Box::new(move |storage| drop(reply.send(task(storage))))) {
        return Err(closed());
    }
    wait.recv().map_err(|_| closed())
}
