//! What a store is opened with, and what goes in and out of its queue.

use std::{path::PathBuf, sync::Arc};

use annex_service::store::{Migration, Op, StoreError, Table};

use crate::{migrate, value::FIRST};

/// Longest key within a table, in bytes.
pub const MAX_KEY: usize = 512;

/// When a commit is reported as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// When it is on the device.
    #[default]
    Full,
    /// When it is visible to readers. A crash of the process or the machine may lose the last half
    /// second; what is left is still a state between two commits.
    Relaxed,
}

/// What a component's store contains.
#[derive(Debug, Clone)]
pub struct Schema {
    /// The component's name, such as `annex-muc`. A store of another one is refused.
    pub component: &'static str,
    /// Version of the format that this program reads and writes, from 1.
    pub version: u32,
    /// Every table that is written, those of the shared crates included. Others are refused.
    pub tables: Vec<Table>,
    /// Steps from older versions; together they lead from each version still supported to
    /// [`Schema::version`].
    pub migrations: Vec<Migration>,
}

impl Schema {
    /// Whether a store of this format can be opened.
    pub fn reads(&self, format: u32) -> bool {
        migrate::steps(self, format).is_some()
    }

    /// The table with this number.
    pub fn table(&self, id: u8) -> Option<Table> {
        self.tables.iter().copied().find(|table| table.id == id)
    }

    /// The table with this name.
    pub fn table_named(&self, name: &str) -> Option<Table> {
        self.tables.iter().copied().find(|table| table.name == name)
    }

    /// What a table is called; its number where there is no name for it.
    pub(crate) fn name(&self, id: u8) -> String {
        self.table(id).map_or_else(|| format!("table {id}"), |table| table.name.to_owned())
    }

    /// Refuses what could not be read back or exported.
    pub(crate) fn check(&self, op: &Op) -> Result<(), StoreError> {
        let (table, key) = (op.table(), op.key());
        if key.len() > MAX_KEY {
            let why = format!("a key of {} bytes; at most {MAX_KEY} are allowed", key.len());
            return Err(StoreError::new(format!("write {}", table.name), why));
        }
        // By number, as that is what is written: who deletes in slices does not know the name.
        if table.id < FIRST || self.table(table.id).is_none() {
            let why = format!("table {} is not in the schema", table.id);
            return Err(StoreError::new(format!("write {}", table.name), why));
        }
        Ok(())
    }
}

/// How to open a store on disk.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its directory; created with mode 0700 if it does not exist.
    pub path: PathBuf,
    /// Bytes of pages that the engine keeps in memory.
    pub cache_capacity: u64,
    /// When commits are reported.
    pub durability: Durability,
    /// What it contains.
    pub schema: Arc<Schema>,
    /// Files smaller than this are compacted only while nothing is written, in bytes; none: nothing
    /// is compacted by itself.
    pub compact_from: Option<u64>,
}

impl Config {
    /// The store in `path` with full durability, a cache of 64 MiB, and compaction under load from
    /// 64 MiB.
    pub fn new(path: impl Into<PathBuf>, schema: Schema) -> Self {
        Self {
            path: path.into(),
            cache_capacity: 64 << 20,
            durability: Durability::Full,
            schema: Arc::new(schema),
            compact_from: Some(64 << 20),
        }
    }
}

/// A point in the sequence of commits: the turn's number, and a stamp that the daemon chooses (it is
/// stored and handed back, nothing more).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mark {
    /// Number of the turn.
    pub turn: u64,
    /// The daemon's stamp for it.
    pub stamp: u64,
}

/// How far the store has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// The last commit in the store.
    pub committed: Mark,
    /// The last turn whose output is known to have left; stored lazily, so it may lag.
    pub confirmed: Mark,
}

/// All writes of one turn: in the store together, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Commit {
    /// Number of the turn; increasing.
    pub turn: u64,
    /// The daemon's stamp for it.
    pub stamp: u64,
    /// The writes, in order; a later one on the same key wins.
    pub ops: Vec<Op>,
}

impl Commit {
    /// Bytes of all its keys and values.
    pub fn size(&self) -> usize {
        self.ops.iter().map(Op::size).sum()
    }
}

/// A commit that is done, or will never be.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The turn of the commit.
    pub turn: u64,
    /// After the first error every later commit fails with the same one.
    pub result: Result<(), StoreError>,
}

/// Where commits are reported, in the order in which they were queued. Called on the storage thread:
/// it should hand over and return.
pub type Sink = Box<dyn Fn(Committed) + Send>;
