//! A trace: everything that decides what a machine does, in the order in which it met it.
//!
//! The file has one JSON document a line and mode 0600. It holds stanzas with their bodies, so it is
//! off unless asked for; secrets of the configuration are never in it. [`replay`] feeds it to a
//! machine again and compares what comes out, byte for byte.

mod encode;
mod render;
mod replay;

use std::{
    cell::RefCell,
    fs::OpenOptions,
    io::{BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use annex_service::{
    effect::Effect,
    input::Input,
    store::{Page, Read, Scan, StoreError, Table},
    turn::{Marks, Now},
};
use bytes::Bytes;
use serde_json::{Value, json};

pub use replay::{Difference, ReplayError, Replayed, replay};

use super::control::RunError;

/// Version of the format.
const FORMAT: u32 = 1;

/// A trace that is being written.
pub(crate) struct Trace {
    out: RefCell<Box<dyn Write + Send>>,
}

impl Trace {
    /// Begins a file; an older one is overwritten.
    pub(crate) fn create(path: &Path, marks: Marks, seed: [u8; 32]) -> Result<Self, RunError> {
        let failed = |error: std::io::Error| RunError::Trace {
            path: path.to_owned(),
            why: error.to_string(),
        };
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        tracing::warn!(path = %path.display(), "a trace with message bodies is being written");
        Ok(Self::to(Box::new(BufWriter::new(file)), marks, seed))
    }

    fn to(out: Box<dyn Write + Send>, marks: Marks, seed: [u8; 32]) -> Self {
        let trace = Self { out: RefCell::new(out) };
        trace.line(&json!({
            "trace": FORMAT,
            "turn": marks.turn,
            "stamp": marks.stamp,
            "seed": hex::encode(seed),
        }));
        trace
    }

    fn line(&self, value: &Value) {
        let mut out = self.out.borrow_mut();
        if let Err(error) = writeln!(out, "{value}") {
            tracing::error!(%error, "the trace cannot be written further");
            *out = Box::new(std::io::sink());
        }
    }

    /// A turn begins: reads go through the recorder.
    pub(crate) fn begin<'a>(&'a self, store: &'a dyn Read) -> Recorder<'a> {
        self.line(&json!({ "begin": true }));
        Recorder { trace: self, store }
    }

    /// An input is about to be handled.
    pub(crate) fn input(&self, input: &Input, now: Now) {
        let since = u64::try_from(now.since_start.as_nanos()).unwrap_or(u64::MAX);
        self.line(&json!({ "in": encode::input(input), "wall": now.wall.0, "since": since }));
    }

    /// It was, and this came of it.
    pub(crate) fn handled(&self, effects: &[Effect]) {
        self.line(&json!({ "out": render::effects(effects) }));
    }

    /// The turn ends.
    pub(crate) fn end(&self, turn: u64) {
        self.line(&json!({ "end": turn }));
        let _ = self.out.borrow_mut().flush();
    }

    /// Everything up to this turn is on disk.
    pub(crate) fn committed(&self, turn: u64) {
        self.line(&json!({ "committed": turn }));
    }
}

/// Notes what a turn reads from the store.
pub(crate) struct Recorder<'a> {
    trace: &'a Trace,
    store: &'a dyn Read,
}

impl Read for Recorder<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let found = self.store.get(table, key)?;
        self.trace.line(
            &json!({ "get": encode::get(table, key), "found": found.as_ref().map(hex::encode) }),
        );
        Ok(found)
    }

    fn scan(&self, scan: &Scan) -> Result<Page, StoreError> {
        let page = self.store.scan(scan)?;
        self.trace.line(&json!({ "scan": encode::scan(scan), "page": encode::page(&page) }));
        Ok(page)
    }
}
