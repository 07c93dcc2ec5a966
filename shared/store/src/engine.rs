//! sled, behind calls that never panic: the only file that names it.
//!
//! What was read in the source of sled 0.34.7 and is relied on here:
//!
//! * `Tree::apply_batch` reserves a batch manifest in the log before the first change and fills in
//!   the last position of the batch after the last one (`pagecache/mod.rs` `pin_log`, `seal_batch`).
//!   Recovery stops at a manifest whose batch is not whole on disk (`pagecache/iterator.rs`), and
//!   snapshots are only written while opening. So a batch of any size is atomic across a crash.
//! * `apply_batch` excludes readers while it runs, for all databases of the process.
//! * `flush` ends in `sync_file_range`, which is no barrier for the device: `fdatasync` follows.
//! * Opening writes a new snapshot before it removes the old one, and fails where it cannot.
//! * A snapshot is written as `snap.X.generating` and renamed; what is left of one that was cut off
//!   is read all the same, before the whole one.
//! * Space is reclaimed by the flusher thread alone, one segment each time it wakes. When that
//!   thread panics, dropping the database waits for it for ever: see [`Engine`]'s `drop`.

use std::{
    cell::Cell,
    fs::File,
    io,
    ops::{Bound, ControlFlow},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use annex_service::store::StoreError;
use bytes::Bytes;
use rustix::{
    fs::{FallocateFlags, fallocate},
    io::retry_on_intr,
};

use crate::error::{from_io, is_full};

/// How often the flusher wakes, and so how fast space is reclaimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// A running store.
    Normal,
    /// A store that is being filled: reclaims up to one segment every five milliseconds, which is
    /// what filling one produces.
    Bulk,
}

/// Why the engine did not open.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Someone else holds its file.
    Locked,
    /// No room.
    Full(String),
    /// The system refused.
    Io(String),
    /// The files make no sense.
    Damaged(String),
}

/// Changes that are applied together.
#[derive(Default)]
pub(crate) struct Batch(sled::Batch);

impl Batch {
    pub(crate) fn put(&mut self, key: &[u8], value: &[u8]) {
        self.0.insert(key, value);
    }

    pub(crate) fn delete(&mut self, key: &[u8]) {
        self.0.remove(key);
    }
}

/// One sled database, its default tree, and its data file for `fdatasync`.
pub(crate) struct Engine {
    /// Taken out when it is dropped.
    db: Option<sled::Db>,
    data: File,
    dir: PathBuf,
    broken: AtomicBool,
}

/// Time for another owner in this process to let go of the file.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
/// Time for the flusher to end before the database is abandoned.
const CLOSE_PATIENCE: Duration = Duration::from_secs(20);

impl Engine {
    /// Opens or creates the database in `dir`. The caller holds the lock of the whole store.
    pub(crate) fn open(dir: &Path, cache: u64, pace: Pace) -> Result<Self, Fault> {
        let data = dir.join("db");
        if data.metadata().is_ok_and(|meta| meta.len() > 0) {
            // Files that exist may be damaged. Opened without a flusher, which could panic on them
            // and hang the drop that follows a failed open.
            let probe = open_sled(dir, cache, None)?;
            drop_sled(probe);
        }
        let every = match pace {
            Pace::Normal => 500,
            Pace::Bulk => 5,
        };
        let db = open_sled(dir, cache, Some(every))?;
        let data = match File::open(&data) {
            Ok(file) => file,
            Err(error) => {
                drop_sled(db);
                return Err(fault_of_io(&error));
            }
        };
        Ok(Self { db: Some(db), data, dir: dir.to_owned(), broken: AtomicBool::new(false) })
    }

    /// Its directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Bytes of the data file.
    pub(crate) fn file_len(&self) -> u64 {
        self.data.metadata().map_or(0, |meta| meta.len())
    }

    /// Takes room behind the end of the data file, where sled goes on.
    pub(crate) fn extend(&self, bytes: u64) -> io::Result<()> {
        let file = File::options().write(true).open(self.dir.join("db"))?;
        retry_on_intr(|| fallocate(&file, FallocateFlags::KEEP_SIZE, self.file_len(), bytes))?;
        Ok(())
    }

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.run("read", |db| Ok(db.get(key)?.map(|value| Bytes::copy_from_slice(&value))))
    }

    /// Visits the raw records between the bounds, until the visitor breaks.
    pub(crate) fn scan(
        &self,
        low: Bound<Vec<u8>>,
        high: Bound<Vec<u8>>,
        reverse: bool,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let mut failed = None;
        self.run("scan", |db| {
            let mut records = db.range::<Vec<u8>, _>((low, high));
            loop {
                let next = if reverse { records.next_back() } else { records.next() };
                let Some(record) = next else { return Ok(()) };
                let (key, value) = record?;
                match visit(&key, &value) {
                    Ok(ControlFlow::Continue(())) => {}
                    Ok(ControlFlow::Break(())) => return Ok(()),
                    Err(error) => {
                        failed = Some(error);
                        return Ok(());
                    }
                }
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// Applies all of it or, after a crash, none. Not yet on the device.
    pub(crate) fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.run("commit", |db| db.apply_batch(batch.0))
    }

    /// Everything applied so far is on the device when this returns.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.run("flush", |db| db.flush().map(drop))?;
        rustix::fs::fdatasync(&self.data).map_err(|errno| {
            self.broken.store(true, Ordering::Relaxed);
            from_io("fdatasync", &errno.into())
        })?;
        Ok(())
    }

    fn run<T>(
        &self,
        what: &str,
        call: impl FnOnce(&sled::Db) -> sled::Result<T>,
    ) -> Result<T, StoreError> {
        let Some(db) = &self.db else {
            return Err(StoreError::new(what, "the store is closed"));
        };
        let result = match caught(|| call(db)) {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => Err(describe(what, &error)),
            Err(panic) => Err(StoreError::damaged(what, panicked(panic.as_ref()))),
        };
        self.broken.store(true, Ordering::Relaxed);
        result
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let Some(db) = self.db.take() else { return };
        if self.broken.load(Ordering::Relaxed) {
            // Its threads may be gone, and its drop would wait for them. What was acknowledged is on
            // disk; the process is about to end.
            std::mem::forget(db);
        } else {
            drop_sled(db);
        }
    }
}

/// Drops a database with its threads, but waits for them only so long.
fn drop_sled(db: sled::Db) {
    let (done, wait) = mpsc::channel();
    let thread = thread::Builder::new().name("store-close".into()).spawn(move || {
        let _ = catch_unwind(AssertUnwindSafe(move || drop(db)));
        let _ = done.send(());
    });
    if thread.is_ok() && wait.recv_timeout(CLOSE_PATIENCE).is_err() {
        tracing::error!("the storage engine did not close; left to the end of the process");
    }
}

fn open_sled(dir: &Path, cache: u64, flush_every_ms: Option<u64>) -> Result<sled::Db, Fault> {
    remove_unfinished(dir);
    let start = Instant::now();
    loop {
        let opened = caught(|| {
            sled::Config::new()
                .path(dir)
                .cache_capacity(cache)
                .mode(sled::Mode::LowSpace)
                .flush_every_ms(flush_every_ms)
                .open()
        });
        let fault = match opened {
            Ok(Ok(db)) => return Ok(db),
            Ok(Err(error)) => fault_of(&error),
            Err(panic) => Fault::Damaged(panicked(panic.as_ref())),
        };
        // The lock of the directory is ours, so this one is held by a thread of sled in this very
        // process that has not yet let go of a database that was closed.
        if matches!(fault, Fault::Locked) && start.elapsed() < LOCK_PATIENCE {
            thread::sleep(Duration::from_millis(2));
            continue;
        }
        return Err(fault);
    }
}

/// What is left of a snapshot that was cut off, by a crash or a full device: sled would call the
/// database corrupt for it.
fn remove_unfinished(dir: &Path) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn fault_of(error: &sled::Error) -> Fault {
    match error {
        sled::Error::Io(io) if io.to_string().contains("could not acquire lock") => Fault::Locked,
        sled::Error::Io(io) => fault_of_io(io),
        other => Fault::Damaged(said(other)),
    }
}

fn fault_of_io(error: &io::Error) -> Fault {
    use io::ErrorKind;
    match error.kind() {
        kind if is_full(kind) => Fault::Full(error.to_string()),
        ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::Other => {
            Fault::Damaged(error.to_string())
        }
        _ => Fault::Io(error.to_string()),
    }
}

fn describe(what: &str, error: &sled::Error) -> StoreError {
    match error {
        sled::Error::Io(io) => from_io(what, io),
        other => StoreError::damaged(what, said(other)),
    }
}

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// True in a panic that becomes an error: who reports panics need not report this one.
pub fn catches_panic() -> bool {
    CATCHING.get()
}

fn caught<T>(call: impl FnOnce() -> T) -> thread::Result<T> {
    let outer = CATCHING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(call));
    CATCHING.set(outer);
    result
}

/// Its words, without the trace that it has none of.
fn said(error: &sled::Error) -> String {
    error.to_string().replace(" backtrace ()", "")
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no reason given");
    format!("the storage engine gave up: {text}")
}
