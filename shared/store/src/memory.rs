//! The store in memory: for tests and replay. Its handle outlives the [`Store`](crate::Store) over
//! it, as a disk outlives a process, and decides when commits are done and what fails.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use annex_service::store::{Page, Scan, StoreError, Table};
use bytes::Bytes;

use crate::{
    fetch::Deliver,
    reader::{Collect, Stretch, bounds},
    schema::{Commit, Committed, Mark, Marks, Schema, Sink},
};

/// A store in memory and its controls. Clones are the same store.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    records: BTreeMap<Vec<u8>, Bytes>,
    marks: Marks,
    queue: VecDeque<Entry>,
    sink: Option<Sink>,
    schema: Option<Arc<Schema>>,
    held: bool,
    /// Entries that may be worked off although the store is held.
    allowed: usize,
    working: bool,
    fail_commit: Option<StoreError>,
    fail_read: Option<StoreError>,
    failed: Option<StoreError>,
}

enum Entry {
    Commit(Commit),
    Fetch(Scan, Deliver),
}

impl Memory {
    /// An empty store, which commits at once.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on commits stay in flight, and invisible, until they are released.
    pub fn hold(&self) {
        self.lock().held = true;
    }

    /// Commits that are in flight.
    pub fn in_flight(&self) -> usize {
        self.lock().queue.iter().filter(|entry| matches!(entry, Entry::Commit(_))).count()
    }

    /// Completes the oldest commit in flight and the fetches that waited for it; false if there is
    /// none.
    pub fn release_one(&self) -> bool {
        {
            let mut inner = self.lock();
            let Some(first) =
                inner.queue.iter().position(|entry| matches!(entry, Entry::Commit(_)))
            else {
                return false;
            };
            let fetches = inner.queue.iter().skip(first + 1);
            let fetches = fetches.take_while(|entry| matches!(entry, Entry::Fetch(..))).count();
            inner.allowed = first + 1 + fetches;
        }
        self.work();
        true
    }

    /// Completes all commits in flight, and from here on commits at once again.
    pub fn release(&self) {
        self.lock().held = false;
        self.work();
    }

    /// The process dies: what is in flight is lost, and nothing is reported any more. A new
    /// [`Store::memory`](crate::Store::memory) over this handle is the restart.
    pub fn crash(&self) {
        let mut inner = self.lock();
        let kept = Inner {
            records: std::mem::take(&mut inner.records),
            marks: inner.marks,
            ..Inner::default()
        };
        *inner = kept;
    }

    /// The next commit fails with `error`, and with it every later one.
    pub fn fail_next_commit(&self, error: StoreError) {
        self.lock().fail_commit = Some(error);
    }

    /// The next read fails with `error`.
    pub fn fail_next_read(&self, error: StoreError) {
        self.lock().fail_read = Some(error);
    }

    /// The next commit finds no space on the device.
    pub fn fill_up(&self) {
        let error = StoreError::new("commit", "no space left on device");
        self.fail_next_commit(StoreError { full: true, ..error });
    }

    /// All records by whole key, as committed.
    pub fn records(&self) -> BTreeMap<Vec<u8>, Bytes> {
        self.lock().records.clone()
    }

    pub(crate) fn attach(&self, schema: Arc<Schema>, sink: Sink) {
        let mut inner = self.lock();
        inner.schema = Some(schema);
        inner.sink = Some(sink);
    }

    pub(crate) fn commit(&self, commit: Commit) {
        self.lock().queue.push_back(Entry::Commit(commit));
        self.work();
    }

    pub(crate) fn fetch(&self, scan: Scan, deliver: Deliver) {
        {
            let mut inner = self.lock();
            if inner.queue.is_empty() {
                inner.allowed = 1;
            }
            inner.queue.push_back(Entry::Fetch(scan, deliver));
        }
        self.work();
    }

    pub(crate) fn confirm(&self, mark: Mark) {
        self.lock().marks.confirmed = mark;
    }

    pub(crate) fn marks(&self) -> Marks {
        self.lock().marks
    }

    pub(crate) fn queued(&self) -> usize {
        let size = |entry: &Entry| match entry {
            Entry::Commit(commit) => commit.size(),
            Entry::Fetch(..) => 0,
        };
        self.lock().queue.iter().map(size).sum()
    }

    pub(crate) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let mut inner = self.lock();
        if let Some(error) = inner.fail_read.take() {
            return Err(error);
        }
        Ok(inner.records.get(&table.key(key)).cloned())
    }

    pub(crate) fn scan(&self, scan: &Scan) -> Result<Page, StoreError> {
        let mut inner = self.lock();
        if let Some(error) = inner.fail_read.take() {
            return Err(error);
        }
        let mut collect = Collect::new(scan);
        if let Some(stretch) = bounds(scan) {
            let records = inner.records.range::<Vec<u8>, Stretch>(stretch);
            let mut take = |(key, value): (&Vec<u8>, &Bytes)| {
                let wants = collect.wants();
                if wants {
                    collect.push(&key[1..], value.clone());
                }
                wants
            };
            if scan.reverse {
                let _ = records.rev().all(&mut take);
            } else {
                let mut records = records;
                let _ = records.all(&mut take);
            }
        }
        Ok(collect.page())
    }

    /// Works off what may go on. The sink and the receivers of pages may commit again: they are
    /// called without the lock, and what they add is worked off here too.
    fn work(&self) {
        let mut inner = self.lock();
        if inner.working {
            return;
        }
        inner.working = true;
        loop {
            if inner.held && inner.allowed == 0 {
                break;
            }
            let Some(entry) = inner.queue.pop_front() else {
                break;
            };
            inner.allowed = inner.allowed.saturating_sub(1);
            match entry {
                Entry::Commit(commit) => {
                    let turn = commit.turn;
                    let result = inner.write(commit);
                    let sink = inner.sink.take();
                    drop(inner);
                    if let Some(sink) = &sink {
                        sink(Committed { turn, result });
                    }
                    inner = self.lock();
                    if inner.sink.is_none() {
                        inner.sink = sink;
                    }
                }
                Entry::Fetch(scan, deliver) => {
                    let failed = inner.failed.clone();
                    drop(inner);
                    deliver(failed.map_or_else(|| self.scan(&scan), Err));
                    inner = self.lock();
                }
            }
        }
        inner.allowed = 0;
        inner.working = false;
    }
}

impl Inner {
    fn write(&mut self, commit: Commit) -> Result<(), StoreError> {
        if self.failed.is_none() {
            let mut checks =
                commit.ops.iter().filter_map(|op| self.schema.as_ref()?.check(op).err());
            self.failed = self.fail_commit.take().or_else(|| checks.next());
        }
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.marks.committed = Mark { turn: commit.turn, stamp: commit.stamp };
        for op in commit.ops {
            let key = op.table().key(op.key());
            match op.value() {
                Some(value) => self.records.insert(key, value.clone()),
                None => self.records.remove(&key),
            };
        }
        Ok(())
    }
}
