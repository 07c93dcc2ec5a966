//! Reading the store from any thread.

use std::{
    ops::{Bound, ControlFlow},
    sync::Arc,
};

use annex_service::store::{Page, Read, Row, Scan, StoreError, Table};
use bytes::Bytes;

use crate::{memory::Memory, slot::Slot, value};

/// A handle that reads what is committed, and may already see what is about to be. Cheap to clone.
/// While one exists, the store's directory stays locked.
#[derive(Clone)]
pub struct Reader(pub(crate) Source);

#[derive(Clone)]
pub(crate) enum Source {
    Memory(Memory),
    Disk(Arc<Slot>),
}

impl Read for Reader {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        match &self.0 {
            Source::Memory(memory) => memory.get(table, key),
            Source::Disk(slot) => value::load(&slot.engine(), &table.key(key))
                .map_err(|error| named(error, "read", table)),
        }
    }

    fn scan(&self, scan: &Scan) -> Result<Page, StoreError> {
        match &self.0 {
            Source::Memory(memory) => memory.scan(scan),
            Source::Disk(slot) => {
                scan_engine(slot, scan).map_err(|error| named(error, "scan", scan.table))
            }
        }
    }
}

fn named(error: StoreError, what: &str, table: Table) -> StoreError {
    StoreError { what: format!("{what} {}", table.name), ..error }
}

/// Lower and upper bound, as whole keys.
pub(crate) type Stretch = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// The bounds of a scan as whole keys; none if nothing can lie between them.
pub(crate) fn bounds(scan: &Scan) -> Option<Stretch> {
    let table = scan.table;
    let low = match &scan.start {
        Bound::Included(key) => Bound::Included(table.key(key)),
        Bound::Excluded(key) => Bound::Excluded(table.key(key)),
        Bound::Unbounded => Bound::Included(vec![table.id]),
    };
    let high = match &scan.end {
        Bound::Included(key) => Bound::Included(table.key(key)),
        Bound::Excluded(key) => Bound::Excluded(table.key(key)),
        Bound::Unbounded => match table.id.checked_add(1) {
            Some(next) => Bound::Excluded(vec![next]),
            None => Bound::Unbounded,
        },
    };
    let empty = match (&low, &high) {
        (Bound::Included(low), Bound::Included(high)) => low > high,
        (
            Bound::Included(low) | Bound::Excluded(low),
            Bound::Included(high) | Bound::Excluded(high),
        ) => low >= high,
        _ => false,
    };
    (!empty).then_some((low, high))
}

/// Collects the rows of a scan within its limits.
pub(crate) struct Collect<'a> {
    scan: &'a Scan,
    bytes: usize,
    page: Page,
}

impl<'a> Collect<'a> {
    pub(crate) fn new(scan: &'a Scan) -> Self {
        Self { scan, bytes: 0, page: Page { rows: Vec::new(), complete: true } }
    }

    /// Whether another record would still be taken; if not, the page is marked as not complete.
    pub(crate) fn wants(&mut self) -> bool {
        let full = self.page.rows.len() >= self.scan.limit
            || (!self.page.rows.is_empty() && self.bytes >= self.scan.bytes);
        if full {
            self.page.complete = false;
        }
        !full
    }

    pub(crate) fn push(&mut self, key: &[u8], value: Bytes) {
        self.bytes += key.len() + value.len();
        self.page.rows.push(Row { key: Bytes::copy_from_slice(key), value });
    }

    pub(crate) fn page(self) -> Page {
        self.page
    }
}

fn scan_engine(slot: &Slot, scan: &Scan) -> Result<Page, StoreError> {
    let Some((low, high)) = bounds(scan) else {
        return Ok(Page { rows: Vec::new(), complete: true });
    };
    let engine = slot.engine();
    let mut collect = Collect::new(scan);
    engine.scan(low, high, scan.reverse, |key, raw| {
        if !collect.wants() {
            return Ok(ControlFlow::Break(()));
        }
        if let Some(value) = value::complete(&engine, key, Bytes::copy_from_slice(raw))? {
            collect.push(&key[1..], value);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(collect.page())
}
