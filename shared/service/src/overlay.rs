//! What has been written and is not yet on disk, laid over what is: every read sees every write
//! made before it, of the same call, the same turn and all turns in flight.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
};

use bytes::Bytes;

use crate::store::{Op, Page, Read, Row, Scan, StoreError, Table};

/// The value of a key as last written, and by which turn.
#[derive(Debug, Clone)]
struct Entry {
    turn: u64,
    value: Option<Bytes>,
}

/// Writes that are not yet on disk.
#[derive(Debug, Default)]
pub struct Overlay {
    /// By whole key (table's byte first); a value of `None` is a removal.
    entries: BTreeMap<Vec<u8>, Entry>,
    /// Keys written by each turn that is in flight, oldest first.
    turns: VecDeque<(u64, Vec<Vec<u8>>)>,
    /// What the entries were before the writes of the open turn, newest last.
    undo: Vec<(Vec<u8>, Option<Entry>)>,
}

impl Overlay {
    /// Nothing is in flight and nothing is open.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Lays one write of the open turn on top.
    pub(crate) fn write(&mut self, turn: u64, op: &Op) {
        let key = op.table().key(op.key());
        let entry = Entry { turn, value: op.value().cloned() };
        let before = self.entries.insert(key.clone(), entry);
        self.undo.push((key, before));
    }

    /// Writes of the open turn so far: a point to roll back to.
    pub(crate) fn depth(&self) -> usize {
        self.undo.len()
    }

    /// Takes back the newest writes of the open turn, down to `depth` of them.
    pub(crate) fn rollback(&mut self, depth: usize) {
        while self.undo.len() > depth {
            let Some((key, before)) = self.undo.pop() else {
                return;
            };
            match before {
                Some(entry) => self.entries.insert(key, entry),
                None => self.entries.remove(&key),
            };
        }
    }

    /// Closes the open turn: its writes are now in flight.
    pub(crate) fn close(&mut self, turn: u64) {
        if self.undo.is_empty() {
            return;
        }
        let keys = self.undo.drain(..).map(|(key, _)| key).collect();
        self.turns.push_back((turn, keys));
    }

    /// Everything up to and including `turn` is on disk now.
    pub fn committed(&mut self, turn: u64) {
        while self.turns.front().is_some_and(|(oldest, _)| *oldest <= turn) {
            let Some((oldest, keys)) = self.turns.pop_front() else {
                return;
            };
            for key in keys {
                // A later turn may have written the key again: that entry stays.
                if self.entries.get(&key).is_some_and(|entry| entry.turn <= oldest) {
                    self.entries.remove(&key);
                }
            }
        }
    }

    fn find(&self, key: &[u8]) -> Option<&Entry> {
        self.entries.get(key)
    }

    fn range(&self, scan: &Scan) -> Vec<(&[u8], Option<&Bytes>)> {
        if self.entries.is_empty() {
            return Vec::new();
        }
        let whole = |key: &Vec<u8>| scan.table.key(key);
        let start = match &scan.start {
            Bound::Included(key) => Bound::Included(whole(key)),
            Bound::Excluded(key) => Bound::Excluded(whole(key)),
            Bound::Unbounded => Bound::Included(vec![scan.table.id]),
        };
        let end = match &scan.end {
            Bound::Included(key) => Bound::Included(whole(key)),
            Bound::Excluded(key) => Bound::Excluded(whole(key)),
            Bound::Unbounded => match scan.table.id.checked_add(1) {
                Some(next) => Bound::Excluded(vec![next]),
                None => Bound::Unbounded,
            },
        };
        if empty_range(&start, &end) {
            return Vec::new();
        }
        let found =
            self.entries.range((start, end)).map(|(key, entry)| (&key[1..], entry.value.as_ref()));
        if scan.reverse { found.rev().collect() } else { found.collect() }
    }
}

/// `BTreeMap::range` panics where its start lies behind its end.
fn empty_range(start: &Bound<Vec<u8>>, end: &Bound<Vec<u8>>) -> bool {
    match (start, end) {
        (Bound::Included(a), Bound::Included(b)) => a > b,
        (Bound::Included(a) | Bound::Excluded(a), Bound::Excluded(b))
        | (Bound::Excluded(a), Bound::Included(b)) => a >= b,
        _ => false,
    }
}

/// The store as the machine sees it: what is on disk under what is in flight.
pub struct View<'a> {
    store: &'a dyn Read,
    overlay: &'a Overlay,
}

impl<'a> View<'a> {
    /// Lays `overlay` over `store`.
    pub fn new(store: &'a dyn Read, overlay: &'a Overlay) -> Self {
        Self { store, overlay }
    }
}

impl Read for View<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        match self.overlay.find(&table.key(key)) {
            Some(entry) => Ok(entry.value.clone()),
            None => self.store.get(table, key),
        }
    }

    fn scan(&self, scan: &Scan) -> Result<Page, StoreError> {
        let over = self.overlay.range(scan);
        if over.is_empty() {
            return self.store.scan(scan);
        }
        merge(self.store, scan, &over)
    }
}

/// Reads of the store are repeated while removals in flight eat up what it returned.
fn merge(
    store: &dyn Read,
    scan: &Scan,
    over: &[(&[u8], Option<&Bytes>)],
) -> Result<Page, StoreError> {
    let before = |a: &[u8], b: &[u8]| if scan.reverse { a > b } else { a < b };
    let mut merged = Page { rows: Vec::new(), complete: false };
    let mut bytes = 0;
    let mut over = over.iter().peekable();
    let mut rest = scan.clone();
    loop {
        let page = store.scan(&rest)?;
        let last = page.rows.last().map(|row| row.key.clone());
        let mut under = page.rows.into_iter().peekable();
        loop {
            let row = match (over.peek(), under.peek()) {
                (None, None) => break,
                // Behind the store's last row of an incomplete page lies unknown land.
                (Some((key, _)), None)
                    if !page.complete && last.as_ref().is_none_or(|last| before(last, key)) =>
                {
                    break;
                }
                (Some((key, _)), Some(row)) if before(&row.key, key) => under.next(),
                (None, Some(_)) => under.next(),
                (Some((key, value)), under_row) => {
                    if under_row.is_some_and(|row| row.key == **key) {
                        under.next();
                    }
                    let row = value.map(|value| Row {
                        key: Bytes::copy_from_slice(key),
                        value: value.clone(),
                    });
                    over.next();
                    row
                }
            };
            let Some(row) = row else { continue };
            if merged.rows.len() >= scan.limit || (bytes >= scan.bytes && !merged.rows.is_empty()) {
                return Ok(merged);
            }
            bytes += row.key.len() + row.value.len();
            merged.rows.push(row);
        }
        if page.complete {
            merged.complete = true;
            return Ok(merged);
        }
        match last {
            Some(last) => rest = rest.after(&last),
            None => return Ok(merged),
        }
    }
}
