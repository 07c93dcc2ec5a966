//! The types through which everything is read from and written to the store.
//!
//! A store is one ordered map. Its keys begin with the number of a [`Table`]; each component
//! declares its tables, keys and encodings in one file (`keys.rs`). The engines behind these types
//! live in `annex-store`; nothing else names one.

use std::ops::Bound;

use bytes::Bytes;

/// A kind of record. `id` is the first byte of its keys on disk and never changes; `name` is what
/// exports and errors call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table {
    /// First byte of each key. 0 to 31 belong to the shared crates, 32 to 254 to the component.
    pub id: u8,
    /// Name in exports, metrics and errors.
    pub name: &'static str,
}

impl Table {
    /// Declares a table.
    pub const fn new(id: u8, name: &'static str) -> Self {
        Self { id, name }
    }

    /// The whole key of a record, as the engine stores it: the table's byte, then `key`.
    pub fn key(self, key: &[u8]) -> Vec<u8> {
        let mut whole = Vec::with_capacity(1 + key.len());
        whole.push(self.id);
        whole.extend_from_slice(key);
        whole
    }
}

/// One write. Keys are at most 512 bytes; values may have any length (the store cuts long ones).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Sets a record.
    Put {
        /// Which kind of record.
        table: Table,
        /// Key within the table.
        key: Vec<u8>,
        /// Its new value.
        value: Bytes,
    },
    /// Removes a record; nothing happens if there is none.
    Delete {
        /// Which kind of record.
        table: Table,
        /// Key within the table.
        key: Vec<u8>,
    },
}

impl Op {
    /// Sets `key` of `table` to `value`.
    pub fn put(table: Table, key: impl Into<Vec<u8>>, value: impl Into<Bytes>) -> Self {
        Self::Put { table, key: key.into(), value: value.into() }
    }

    /// Removes `key` of `table`.
    pub fn delete(table: Table, key: impl Into<Vec<u8>>) -> Self {
        Self::Delete { table, key: key.into() }
    }

    /// The table that is written.
    pub fn table(&self) -> Table {
        match self {
            Self::Put { table, .. } | Self::Delete { table, .. } => *table,
        }
    }

    /// The key within the table.
    pub fn key(&self) -> &[u8] {
        match self {
            Self::Put { key, .. } | Self::Delete { key, .. } => key,
        }
    }

    /// The value to set, or none for a removal.
    pub fn value(&self) -> Option<&Bytes> {
        match self {
            Self::Put { value, .. } => Some(value),
            Self::Delete { .. } => None,
        }
    }

    /// Bytes of key and value: what bounds a queue of writes.
    pub fn size(&self) -> usize {
        1 + self.key().len() + self.value().map_or(0, Bytes::len)
    }
}

/// A stretch of one table, in one direction, bounded in records and bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Which kind of record.
    pub table: Table,
    /// Lower bound of the key within the table.
    pub start: Bound<Vec<u8>>,
    /// Upper bound of the key within the table.
    pub end: Bound<Vec<u8>>,
    /// From the end towards the start.
    pub reverse: bool,
    /// At most so many records.
    pub limit: usize,
    /// Ends after the record with which keys and values reach so many bytes; the first record is
    /// always returned.
    pub bytes: usize,
}

/// Records that a scan inside a turn may return at most.
pub const TURN_RECORDS: usize = 64;
/// Bytes that a scan inside a turn may return at most (give or take its last record).
pub const TURN_BYTES: usize = 256 * 1024;

impl Scan {
    /// The whole of `table`, forwards, within the bounds of a read inside a turn.
    pub fn all(table: Table) -> Self {
        Self {
            table,
            start: Bound::Unbounded,
            end: Bound::Unbounded,
            reverse: false,
            limit: TURN_RECORDS,
            bytes: TURN_BYTES,
        }
    }

    /// Every record whose key begins with `prefix`.
    pub fn prefix(table: Table, prefix: &[u8]) -> Self {
        let end = match successor(prefix) {
            Some(end) => Bound::Excluded(end),
            None => Bound::Unbounded,
        };
        Self { start: Bound::Included(prefix.to_vec()), end, ..Self::all(table) }
    }

    /// The same stretch from its end towards its start.
    pub fn reversed(self) -> Self {
        Self { reverse: true, ..self }
    }

    /// At most `limit` records.
    pub fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// At most `bytes` bytes.
    pub fn bytes(self, bytes: usize) -> Self {
        Self { bytes, ..self }
    }

    /// Goes on behind `key` in the scan's direction.
    pub fn after(self, key: &[u8]) -> Self {
        let bound = Bound::Excluded(key.to_vec());
        if self.reverse { Self { end: bound, ..self } } else { Self { start: bound, ..self } }
    }
}

/// The first key that is greater than every key with this prefix, if there is one.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut next = prefix[..=last].to_vec();
    next[last] += 1;
    Some(next)
}

/// One record of a scan; `key` is without the table's byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Key within the table.
    pub key: Bytes,
    /// The record.
    pub value: Bytes,
}

/// What a scan found. `complete` is false when it ended because of `limit` or `bytes` and more may
/// follow behind the last row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The records, in the order of the scan.
    pub rows: Vec<Row>,
    /// Nothing more lies in the stretch.
    pub complete: bool,
}

/// A store that failed. Nothing can be answered rightly any more: the process stops.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what}: {why}")]
pub struct StoreError {
    /// What was being done, such as `read room`.
    pub what: String,
    /// What the engine or the operating system said.
    pub why: String,
    /// There was no room on the device: a restart helps once there is.
    pub full: bool,
    /// The files do not make sense: someone must act.
    pub damaged: bool,
}

impl StoreError {
    /// A failure that is neither lack of space nor damage.
    #[expect(clippy::needless_pass_by_value, reason = "errors are handed over whole")]
    pub fn new(what: impl Into<String>, why: impl ToString) -> Self {
        Self { what: what.into(), why: why.to_string(), full: false, damaged: false }
    }

    /// A store whose files do not make sense.
    pub fn damaged(what: impl Into<String>, why: impl ToString) -> Self {
        Self { damaged: true, ..Self::new(what, why) }
    }
}

/// Reading the store.
pub trait Read {
    /// The record under `key`.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StoreError>;

    /// A stretch of records.
    fn scan(&self, scan: &Scan) -> Result<Page, StoreError>;
}

/// A store that is brought to a newer format: a copy that no one else sees.
pub trait Migrate: Read {
    /// Writes at once; what follows sees it.
    fn write(&mut self, ops: &[Op]) -> Result<(), StoreError>;
}

impl dyn Migrate + '_ {
    /// Puts each record of `table` through `change`, which returns what is to be done in its place
    /// (nothing: it stays). Works in portions; what `change` writes into the same table behind the
    /// current key is met again.
    pub fn each(
        &mut self,
        table: Table,
        mut change: impl FnMut(&[u8], &Bytes) -> Result<Vec<Op>, StoreError>,
    ) -> Result<(), StoreError> {
        let mut scan = Scan::all(table);
        loop {
            let page = self.scan(&scan)?;
            let mut ops = Vec::new();
            for row in &page.rows {
                ops.extend(change(&row.key, &row.value)?);
            }
            self.write(&ops)?;
            match page.rows.last() {
                Some(last) if !page.complete => scan = Scan::all(table).after(&last.key),
                _ => return Ok(()),
            }
        }
    }
}

/// One step from a format of a component's store to a newer one.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The format that it expects; the first is 1.
    pub from: u32,
    /// The format that it leaves.
    pub to: u32,
    /// What it does, for the log.
    pub describe: &'static str,
    /// Does it. The copy on which it works is dropped when it fails or the process dies, so it need
    /// not be repeatable.
    pub run: fn(&mut dyn Migrate) -> Result<(), StoreError>,
}

/// The format to which `migrations` lead: what the program reads and writes.
pub fn format(migrations: &[Migration]) -> u32 {
    migrations.iter().map(|step| step.to).max().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_its_successor() {
        assert_eq!(successor(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(successor(&[1, 0xff, 0xff]), Some(vec![2]));
        assert_eq!(successor(&[0xff]), None);
        assert_eq!(successor(b""), None);
    }
}
