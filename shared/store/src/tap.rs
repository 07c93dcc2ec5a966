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
/// Bytes that commits may change at once after a time in which they changed little.
const BURST: u64 = 4 << 20;

/// Where the storage thread leaves the groups that it has committed.
pub(crate) struct Tap {
    captured: Mutex<Captured>,
    granted: Condvar,
}

/// What happens when more is captured than the one who copies takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// The copy fails: a slow device for backups must not hold the store up.
    Fail,
    /// Commits wait: they may change as much as the one who copies grants, who must arrive.
    Wait,
    /// It grows: for the short time in which the one who copies waits for the storage thread.
    Grow,
}

struct Captured {
    groups: VecDeque<Arc<Changes>>,
    bytes: usize,
    /// Bytes changed since the copy began, and how many may be.
    changed: u64,
    grant: u64,
    full: Full,
    overflow: bool,
    closed: bool,
}

impl Captured {
    fn is_spent(&self) -> bool {
        self.changed > self.grant
    }
}

impl Tap {
    fn lock(&self) -> MutexGuard<'_, Captured> {
        self.captured.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new(full: Full) -> Self {
        let captured = Captured {
            groups: VecDeque::new(),
            bytes: 0,
            changed: 0,
            grant: BURST,
            full,
            overflow: false,
            closed: false,
        };
        Self { captured: Mutex::new(captured), granted: Condvar::new() }
    }

    /// From here on it grows.
    pub(crate) fn grow(&self) {
        self.lock().full = Full::Grow;
        self.granted.notify_one();
    }

    /// Commits may change so many bytes more; what they did not use before is kept up to a burst.
    pub(crate) fn grant(&self, bytes: u64) {
        let mut captured = self.lock();
        captured.grant = (captured.grant + bytes).min(captured.changed + BURST);
        self.granted.notify_one();
    }

    /// Commits may change so many bytes from here on, whatever was granted before.
    pub(crate) fn grant_only(&self, bytes: u64) {
        let mut captured = self.lock();
        captured.grant = captured.changed + bytes;
        self.granted.notify_one();
    }

    /// Bytes that commits have changed since the copy began.
    pub(crate) fn changed(&self) -> u64 {
        self.lock().changed
    }

    /// Whether commits have changed more than they may.
    pub(crate) fn is_spent(&self) -> bool {
        self.lock().is_spent()
    }

    /// Waits until a group may be committed.
    pub(crate) fn give_way(&self) {
        let mut captured = self.lock();
        while captured.full == Full::Wait && captured.is_spent() && !captured.closed {
            captured = self.granted.wait(captured).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Adds a group that changed so many bytes; false once nobody wants it.
    pub(crate) fn push(&self, changes: &Arc<Changes>, changed: u64) -> bool {
        let mut captured = self.lock();
        let bytes = weight(changes);
        captured.bytes += bytes;
        // Also what changes nothing has to be taken over. And those behind do not pay for all of a
        // large group: what it changed beyond a burst is forgiven.
        captured.changed += changed.max(bytes as u64);
        captured.grant = captured.grant.max(captured.changed.saturating_sub(BURST));
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
        Ok(std::mem::take(&mut captured.groups))
    }
}

/// A copy under way.
pub(crate) struct Stream<'a> {
    shared: &'a Shared,
    tap: Arc<Tap>,
    cursor: Vec<u8>,
    scanned: bool,
    copied: u64,
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
        Ok(Self { shared, tap, cursor: vec![FIRST], scanned: false, copied: 0 })
    }

    pub(crate) fn tap(&self) -> &Arc<Tap> {
        &self.tap
    }

    /// Bytes of records that the scan has handed on.
    pub(crate) fn copied(&self) -> u64 {
        self.copied
    }

    /// Hands on the next slice, and the changes since; false once the scan is through.
    pub(crate) fn next(&mut self, out: &mut Vec<Entry>) -> Result<bool, StoreError> {
        if self.shared.closing() {
            return Err(StoreError::new("copy", "the store is being closed"));
        }
        if !self.scanned {
            // The engine of this moment: the generation may change between slices.
            let engine = self.shared.slot.engine();
            let before = out.len();
            self.scanned = slice(&engine, &self.cursor, out)?;
            let sizes = out[before..].iter().map(|(key, value)| size(key, value));
            self.copied += sizes.sum::<usize>() as u64;
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
        self.tap.granted.notify_one();
    }
}

/// Bytes of keys and new values.
pub(crate) fn weight(changes: &Changes) -> usize {
    changes.iter().map(|(key, value)| size(key, value)).sum()
}

fn size(key: &[u8], value: &Option<Bytes>) -> usize {
    key.len() + value.as_ref().map_or(0, Bytes::len)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_behind_a_large_group_do_not_pay_for_all_of_it() {
        let tap = Tap::new(Full::Wait);
        tap.push(&Arc::new(Changes::new()), 100 << 20);
        assert!(tap.is_spent());
        tap.grant(BURST);
        assert!(!tap.is_spent());
    }

    #[test]
    fn removing_what_is_not_there_counts_as_well() {
        let tap = Tap::new(Full::Wait);
        let changes = (0..20_000u64).map(|n| ([&[7; 500][..], &n.to_be_bytes()].concat(), None));
        tap.push(&Arc::new(changes.collect()), 0);
        assert!(tap.is_spent());
    }
}
