//! A store in memory: what is committed is there, and nothing else.

use std::{collections::BTreeMap, ops::Bound};

use annex_service::{
    store::{Migrate, Op, Page, Read, Row, Scan, StoreError, Table},
    turn::Marks,
};
use bytes::Bytes;

/// One ordered map, and the marks that are kept with every commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MapStore {
    records: BTreeMap<Vec<u8>, Bytes>,
    /// As the last commit left them.
    pub marks: Marks,
    /// The confirmed mark.
    pub confirmed: u64,
}

impl MapStore {
    /// Nothing is stored.
    pub fn new() -> Self {
        Self::default()
    }

    /// One atomic batch.
    pub fn commit(&mut self, ops: &[Op]) {
        for op in ops {
            // The store on disk refuses longer ones, and with that ends the process.
            assert!(op.key().len() <= 512, "a key of {} bytes", op.key().len());
            let key = op.table().key(op.key());
            match op.value() {
                Some(value) => self.records.insert(key, value.clone()),
                None => self.records.remove(&key),
            };
        }
    }

    /// Records of one table, in order.
    pub fn table(&self, table: Table) -> Vec<Row> {
        let all = Scan { limit: usize::MAX, bytes: usize::MAX, ..Scan::all(table) };
        self.scan(&all).map(|page| page.rows).unwrap_or_default()
    }

    /// Number of records in all tables.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

impl Read for MapStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        Ok(self.records.get(&table.key(key)).cloned())
    }

    fn scan(&self, scan: &Scan) -> Result<Page, StoreError> {
        let inside = |key: &[u8]| {
            let above = match &scan.start {
                Bound::Included(start) => key >= &start[..],
                Bound::Excluded(start) => key > &start[..],
                Bound::Unbounded => true,
            };
            let below = match &scan.end {
                Bound::Included(end) => key <= &end[..],
                Bound::Excluded(end) => key < &end[..],
                Bound::Unbounded => true,
            };
            above && below
        };
        let last = Bound::Excluded(vec![scan.table.id.saturating_add(1)]);
        let rows = self
            .records
            .range((Bound::Included(vec![scan.table.id]), last))
            .filter(|(key, _)| inside(&key[1..]))
            .map(|(key, value)| Row {
                key: Bytes::copy_from_slice(&key[1..]),
                value: value.clone(),
            });
        Ok(if scan.reverse { cut(scan, rows.rev()) } else { cut(scan, rows) })
    }
}

impl Migrate for MapStore {
    fn write(&mut self, ops: &[Op]) -> Result<(), StoreError> {
        self.commit(ops);
        Ok(())
    }
}

fn cut(scan: &Scan, rows: impl Iterator<Item = Row>) -> Page {
    let mut page = Page { rows: Vec::new(), complete: false };
    let mut bytes = 0;
    for row in rows {
        if page.rows.len() >= scan.limit || (bytes >= scan.bytes && !page.rows.is_empty()) {
            return page;
        }
        bytes += row.key.len() + row.value.len();
        page.rows.push(row);
    }
    page.complete = true;
    page
}
