//! What the tests share: a schema, and a store whose reports arrive on a channel.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test uses a part")]

use std::{
    collections::BTreeMap,
    path::Path,
    sync::mpsc::{self, Receiver},
    time::Duration,
};

use annex_service::store::{Op, Read as _, Scan, Table};
use annex_store::{Commit, Committed, Config, Memory, OpenError, Reader, Schema, Store};
use bytes::Bytes;

pub const ROOM: Table = Table::new(40, "room");
pub const ITEM: Table = Table::new(41, "item");
pub const LAST: Table = Table::new(254, "last");

/// Longest wait for anything; reached only when something is broken.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub fn schema() -> Schema {
    Schema {
        component: "annex-test",
        version: 1,
        tables: vec![ROOM, ITEM, LAST],
        migrations: Vec::new(),
    }
}

pub fn config(path: &Path) -> Config {
    Config { cache_capacity: 16 << 20, ..Config::new(path, schema()) }
}

pub struct Running {
    pub store: Store,
    pub reports: Receiver<Committed>,
    pub turn: u64,
}

impl Running {
    pub fn open(config: Config) -> Result<Self, OpenError> {
        let (sink, reports) = mpsc::channel();
        let store = Store::open(config, Box::new(move |done| drop(sink.send(done))))?;
        let turn = store.marks().committed.turn;
        Ok(Self { store, reports, turn })
    }

    pub fn memory(memory: &Memory) -> Self {
        let (sink, reports) = mpsc::channel();
        let sink = Box::new(move |done| drop(sink.send(done)));
        let store = Store::memory(memory, schema(), sink);
        let turn = store.marks().committed.turn;
        Self { store, reports, turn }
    }

    /// Commits and waits for the report.
    pub fn write(&mut self, ops: Vec<Op>) {
        self.queue(ops);
        let done = self.report();
        assert_eq!(done.turn, self.turn);
        done.result.unwrap();
    }

    /// Commits.
    pub fn queue(&mut self, ops: Vec<Op>) {
        self.turn += 1;
        self.store.commit(Commit { turn: self.turn, stamp: self.turn * 10, ops });
    }

    pub fn report(&self) -> Committed {
        self.reports.recv_timeout(PATIENCE).expect("a report")
    }

    pub fn healthy(&self) {
        assert_eq!(self.store.verify().unwrap().problems, Vec::<String>::new());
    }
}

/// Everything in the store, by table and key.
pub fn content(reader: &Reader) -> BTreeMap<(u8, Vec<u8>), Bytes> {
    let mut all = BTreeMap::new();
    for table in schema().tables {
        let page = reader.scan(&Scan::all(table).limit(usize::MAX).bytes(usize::MAX)).unwrap();
        assert!(page.complete);
        all.extend(page.rows.into_iter().map(|row| ((table.id, row.key.to_vec()), row.value)));
    }
    all
}

/// Bytes that do not compress or repeat.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    })
    .take(length)
    .collect()
}
