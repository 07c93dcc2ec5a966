//! The store as the daemon holds it.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering, mpsc},
    thread::{self, JoinHandle},
};

use annex_service::store::{Page, Scan, StoreError};

use crate::{
    backup::{self, BackupInfo},
    commit::{Shared, Storage},
    compact,
    error::{FileError, OpenError},
    export::{self, Describe, Exported},
    inspect::{self, Inspect},
    memory::Memory,
    open,
    reader::{Reader, Source},
    schema::{Commit, Config, Mark, Marks, Schema, Sink},
    verify::{self, Verified},
};

/// An open store; clones share it. It closes when the last clone is dropped, after everything queued
/// is written.
#[derive(Clone)]
pub struct Store(Kind);

#[derive(Clone)]
enum Kind {
    Memory(Memory, Arc<Schema>),
    Disk(Arc<Disk>),
}

struct Disk {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Store {
    /// Opens the store of `config`, creates it if there is none, and migrates it if it is older.
    /// Every commit is reported to `sink`.
    pub fn open(config: Config, sink: Sink) -> Result<Self, OpenError> {
        let (shared, writer) = open::open(config)?;
        let shared = Arc::new(shared);
        let mut storage = Storage::new(shared.clone(), writer, sink);
        let spawn_error = |error: std::io::Error| OpenError::Io {
            path: shared.config.path.clone(),
            why: format!("no thread for it: {error}"),
        };
        let reader = Reader(Source::Disk(shared.slot.clone()));
        let fetcher = shared.clone();
        let threads = vec![
            thread::Builder::new()
                .name("store".into())
                .spawn(move || storage.run())
                .map_err(spawn_error)?,
            thread::Builder::new()
                .name("store-fetch".into())
                .spawn(move || fetcher.fetches.run(&reader))
                .map_err(|error| {
                    shared.queue.close();
                    spawn_error(error)
                })?,
        ];
        Ok(Self(Kind::Disk(Arc::new(Disk { shared, threads: Mutex::new(threads) }))))
    }

    /// The same over a store in memory; the handle `memory` controls it. Reports come on the thread
    /// that commits or releases.
    pub fn memory(memory: &Memory, schema: Schema, sink: Sink) -> Self {
        let schema = Arc::new(schema);
        memory.attach(schema.clone(), sink);
        Self(Kind::Memory(memory.clone(), schema))
    }

    /// Queues a commit; never blocks. Readers may see it from some moment before its report on.
    pub fn commit(&self, commit: Commit) {
        match &self.0 {
            Kind::Memory(memory, _) => memory.commit(commit),
            Kind::Disk(disk) => disk.shared.queue.commit(commit),
        }
    }

    /// Notes how far output is known to have left. Stored with the next group or within a second,
    /// without a flush of its own.
    pub fn confirm(&self, mark: Mark) {
        match &self.0 {
            Kind::Memory(memory, _) => memory.confirm(mark),
            Kind::Disk(disk) => disk.shared.queue.confirm(mark),
        }
    }

    /// How far the store has come; right after opening, what the last process left.
    pub fn marks(&self) -> Marks {
        match &self.0 {
            Kind::Memory(memory, _) => memory.marks(),
            Kind::Disk(disk) => disk.shared.view().marks,
        }
    }

    /// Bytes of the commits that are queued and not reported yet.
    pub fn queued(&self) -> usize {
        match &self.0 {
            Kind::Memory(memory, _) => memory.queued(),
            Kind::Disk(disk) => disk.shared.queue.bytes(),
        }
    }

    /// A handle for reading.
    pub fn reader(&self) -> Reader {
        Reader(match &self.0 {
            Kind::Memory(memory, _) => Source::Memory(memory.clone()),
            Kind::Disk(disk) => Source::Disk(disk.shared.slot.clone()),
        })
    }

    /// Reads `scan` on the reader thread, after the commits queued before this call and the fetches
    /// before it. `deliver` is called on that thread (for a store in memory, on the thread that
    /// commits or releases).
    pub fn fetch(
        &self,
        scan: Scan,
        deliver: impl FnOnce(Result<Page, StoreError>) + Send + 'static,
    ) {
        match &self.0 {
            Kind::Memory(memory, _) => memory.fetch(scan, Box::new(deliver)),
            Kind::Disk(disk) => {
                let after = disk.shared.queue.queued();
                disk.shared.fetches.request(after, scan, Box::new(deliver));
            }
        }
    }

    /// What the store holds, for `status`. Cheap.
    pub fn inspect(&self) -> Inspect {
        match &self.0 {
            Kind::Memory(memory, schema) => inspect::memory(memory, schema),
            Kind::Disk(disk) => inspect::disk(&disk.shared),
        }
    }

    /// Reads every record and compares what is there with what should be. Commits wait meanwhile.
    pub fn verify(&self) -> Result<Verified, StoreError> {
        match &self.0 {
            Kind::Memory(..) => Ok(Verified::default()),
            Kind::Disk(disk) => verify::verify(&disk.shared),
        }
    }

    /// Writes a backup while the store is in use: the state between two commits, with everything that
    /// was reported before this call and most of what was reported during it. `file` appears when it
    /// is whole, with mode 0600; an older one is replaced.
    pub fn backup(&self, file: &Path) -> Result<BackupInfo, FileError> {
        match &self.0 {
            Kind::Memory(..) => Err(unsupported("backup").into()),
            Kind::Disk(disk) => backup::backup(&disk.shared, file),
        }
    }

    /// Writes every record as a line of JSON. While the store is in use, lines for the same key may
    /// repeat: the last one counts.
    pub fn export(
        &self,
        out: &mut dyn std::io::Write,
        describe: Option<&dyn Describe>,
    ) -> Result<Exported, FileError> {
        match &self.0 {
            Kind::Memory(memory, schema) => export::memory(memory, schema, out, describe),
            Kind::Disk(disk) => export::disk(&disk.shared, out, describe),
        }
    }

    /// Rewrites the store into fresh files while it is in use, and returns when that is done. It
    /// also happens by itself when the files have grown to twice the live data.
    pub fn compact(&self) -> Result<(), StoreError> {
        match &self.0 {
            Kind::Memory(..) => Ok(()),
            Kind::Disk(disk) => compact::compact(&disk.shared),
        }
    }

    /// Makes the files small before the store is closed, after which nothing should be written: may
    /// take some seconds. Closing does it too, where it was not done.
    pub fn tidy(&self) {
        if let Kind::Disk(disk) = &self.0 {
            compact::before_closing(&disk.shared);
        }
    }

    /// Closing does nothing from now on that takes time; what is under way ends.
    pub fn close_at_once(&self) {
        if let Kind::Disk(disk) = &self.0 {
            disk.shared.at_once.store(true, Ordering::Relaxed);
        }
    }

    /// Waits until everything queued before this call is reported.
    pub fn settle(&self) {
        if let Kind::Disk(disk) = &self.0 {
            let (done, wait) = mpsc::channel();
            let task = Box::new(move |_: &mut Storage| {
                let _ = done.send(());
            });
            if disk.shared.queue.task(task) {
                let _ = wait.recv();
            }
        }
    }

    /// Waits until the store is closed: everything queued is written and reported, the lock released.
    /// Only the last clone closes it; readers must be dropped too.
    pub fn close(self) {
        drop(self);
    }
}

fn unsupported(what: &str) -> StoreError {
    StoreError::new(what, "a store in memory has no files")
}

impl Drop for Disk {
    fn drop(&mut self) {
        let me = thread::current().id();
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        // The last clone may live in a callback: the threads cannot wait for themselves.
        let waits = threads.iter().all(|thread| thread.thread().id() != me);
        if waits {
            compact::before_closing(&self.shared);
        }
        self.shared.closing.store(true, Ordering::Relaxed);
        self.shared.queue.close();
        if !waits {
            return;
        }
        for thread in threads {
            let _ = thread.join();
        }
        compact::wait(&self.shared);
    }
}
