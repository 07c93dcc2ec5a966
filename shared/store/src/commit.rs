//! The storage thread: groups of commits, one batch, one flush, then the reports, in order.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use annex_service::store::StoreError;

use crate::{
    compact,
    fetch::Fetches,
    generation::Home,
    queue::{Next, Queue},
    schema::{Commit, Committed, Config, Durability, Sink},
    slot::Slot,
    state::State,
    tap::Tap,
    writer::{Changes, Writer},
};

/// What the threads of an open store share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) slot: Arc<Slot>,
    pub(crate) queue: Queue,
    pub(crate) fetches: Fetches,
    pub(crate) closing: AtomicBool,
    pub(crate) compacting: AtomicBool,
    /// It is to be closed without anything that takes time.
    pub(crate) at_once: AtomicBool,
    /// When a compaction gives up.
    pub(crate) until: Mutex<Option<Instant>>,
    pub(crate) compactor: compact::Thread,
    pub(crate) compactions: AtomicU64,
    pub(crate) groups: AtomicU64,
    pub(crate) flushes: AtomicU64,
    /// The state as of the last group.
    view: Mutex<State>,
}

impl Shared {
    pub(crate) fn new(config: Config, slot: Arc<Slot>, state: State) -> Self {
        Self {
            config,
            slot,
            queue: Queue::default(),
            fetches: Fetches::default(),
            closing: AtomicBool::new(false),
            compacting: AtomicBool::new(false),
            at_once: AtomicBool::new(false),
            until: Mutex::new(None),
            compactor: compact::Thread::default(),
            compactions: AtomicU64::new(0),
            groups: AtomicU64::new(0),
            flushes: AtomicU64::new(0),
            view: Mutex::new(state),
        }
    }

    /// The state as of the last group.
    pub(crate) fn view(&self) -> MutexGuard<'_, State> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True once the store is being closed: long work ends early.
    pub(crate) fn closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }
}

/// What the storage thread owns.
pub(crate) struct Storage {
    pub(crate) shared: Arc<Shared>,
    pub(crate) writer: Writer,
    pub(crate) taps: Vec<Arc<Tap>>,
    pub(crate) failed: Option<StoreError>,
    sink: Sink,
    /// Bytes written or freed since the last compaction began, and since its need was last looked at.
    pub(crate) churn: u64,
    pub(crate) unchecked: u64,
    /// The last compaction left files larger than need be.
    pub(crate) loose: bool,
    /// How many in a row did.
    pub(crate) copies: u8,
    /// The store is about to be closed.
    pub(crate) ends: bool,
    /// Groups that are on the device; 0 until the first flush.
    noted: u64,
}

/// Bytes written or freed between two looks at the size of the files.
const LOOK: u64 = 4 << 20;

impl Storage {
    pub(crate) fn new(shared: Arc<Shared>, writer: Writer, sink: Sink) -> Self {
        // Whatever was written before this start counts as wear: a store that was left large is
        // looked at soon.
        let churn = u64::MAX / 2;
        Self {
            shared,
            writer,
            taps: Vec::new(),
            failed: None,
            sink,
            churn,
            unchecked: 1,
            loose: false,
            copies: 0,
            ends: false,
            noted: 0,
        }
    }

    /// Works until the store is closed.
    pub(crate) fn run(&mut self) {
        loop {
            match self.shared.queue.next(self.unchecked > 0 || self.loose) {
                Next::Group(group) => self.group(&group),
                Next::Task(task) => task(self),
                Next::Tick => self.tick(),
                Next::Closed => break,
            }
        }
        self.end();
    }

    fn group(&mut self, group: &[Commit]) {
        let result = match &self.failed {
            Some(error) => Err(error.clone()),
            None => self.write(group),
        };
        if let Err(error) = &result
            && self.failed.is_none()
        {
            tracing::error!(%error, full = error.full, "the store failed");
            self.failed = Some(error.clone());
        }
        let bytes = group.iter().map(Commit::size).sum();
        self.shared.queue.done(bytes);
        for commit in group {
            (self.sink)(Committed { turn: commit.turn, result: result.clone() });
        }
        self.shared.fetches.advance(group.len() as u64, self.failed.as_ref());
        if self.unchecked >= LOOK {
            self.look(false);
        }
    }

    fn write(&mut self, group: &[Commit]) -> Result<(), StoreError> {
        self.taps.iter().for_each(|tap| tap.give_way());
        let mut changes = Changes::new();
        for commit in group {
            for op in &commit.ops {
                self.shared.config.schema.check(op)?;
                changes.insert(op.table().key(op.key()), op.value().cloned());
            }
            let committed = &mut self.writer.state.marks.committed;
            committed.turn = commit.turn;
            committed.stamp = commit.stamp;
        }
        if let Some(mark) = self.shared.queue.take_confirmed() {
            self.writer.state.marks.confirmed = mark;
        }
        let churn = self.writer.apply(&changes)?;
        self.churn += churn;
        self.unchecked += churn;
        if self.shared.config.durability == Durability::Full {
            self.writer.engine.sync()?;
            self.noted = self.writer.state.groups;
            self.shared.flushes.fetch_add(1, Ordering::Relaxed);
        }
        self.shared.groups.fetch_add(1, Ordering::Relaxed);
        self.shared.view().clone_from(&self.writer.state);
        if !self.taps.is_empty() {
            let changes = Arc::new(changes);
            self.taps.retain(|tap| tap.push(&changes, churn));
        }
        Ok(())
    }

    fn tick(&mut self) {
        if self.failed.is_none() && self.noted > 0 {
            // Before anything else is written: so far everything is on the device.
            Home::note_seen(self.writer.engine.dir(), self.noted);
        }
        self.store_confirmed();
        if self.loose {
            // Now there is time.
            self.churn = u64::MAX / 2;
        }
        if self.unchecked > 0 || self.loose {
            self.look(true);
        }
    }

    /// Writes a confirmed mark that no group has taken along; it reaches the device when it may.
    fn store_confirmed(&mut self) {
        if self.failed.is_some() {
            return;
        }
        let Some(mark) = self.shared.queue.take_confirmed() else {
            return;
        };
        self.writer.state.marks.confirmed = mark;
        match self.writer.apply(&Changes::new()) {
            Ok(_) => self.shared.view().clone_from(&self.writer.state),
            Err(error) => self.failed = Some(error),
        }
    }

    fn look(&mut self, at_rest: bool) {
        if self.failed.is_none() {
            self.shared.slot.home().ballast().fit(&self.writer.state);
        }
        if self.shared.compacting.load(Ordering::Relaxed) {
            // Again at the next tick, or after the next portion of writes.
            self.unchecked = 1;
            return;
        }
        // What is small now is looked at again when there is time.
        self.unchecked = u64::from(!at_rest);
        self.loose = false;
        if self.failed.is_none() && !self.ends && compact::is_due(self, at_rest) {
            self.churn = 0;
            compact::start(&self.shared);
        }
    }

    fn end(&mut self) {
        self.store_confirmed();
        if self.failed.is_none() {
            match self.writer.engine.sync() {
                Ok(()) => Home::note_seen(self.writer.engine.dir(), self.writer.state.groups),
                Err(error) => tracing::error!(%error, "the last flush failed"),
            }
        }
        self.shared.fetches.close();
    }
}
