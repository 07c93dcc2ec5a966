//! A trace: everything that decides what a machine does, in the order in which it met it.
//!
//! The file has one JSON document a line and mode 0600. It holds stanzas with their bodies, so it is
//! off unless asked for; secrets are never in it. [`replay()`] feeds it to a machine again and compares
//! what comes out, byte for byte.

mod encode;
mod render;
mod replay;
mod secrets;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs::{OpenOptions, Permissions},
    io::{BufWriter, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::PathBuf,
};

use annex_service::{
    effect::Effect,
    input::{Common, Input},
    store::{Page, Read, Scan, StoreError, Table},
    turn::{Marks, Now},
};
use bytes::Bytes;
use serde_json::{Value, json};

pub use replay::{Difference, ReplayError, Replayed, replay};

use self::secrets::{Redact, Secrets};
use super::control::RunError;

/// Version of the format.
const FORMAT: u32 = 2;

/// Where a trace is written, and with what the machine began.
#[derive(Debug, Clone)]
pub struct Tracing {
    /// The file (0600).
    pub path: PathBuf,
    /// What the machine was made with.
    pub common: Common,
    /// The component's section.
    pub section: Value,
}

/// A trace that is being written.
pub(crate) struct Trace {
    out: RefCell<Box<dyn Write + Send>>,
    secrets: RefCell<Secrets>,
    /// The tables that fetches under way read.
    fetches: RefCell<BTreeMap<u64, Table>>,
}

impl Trace {
    /// Begins a file; an older one is overwritten. `key` is for the pseudonyms.
    pub(crate) fn create(
        tracing: &Tracing,
        marks: Marks,
        seed: [u8; 32],
        key: [u8; 32],
        redact: Redact,
    ) -> Result<Self, RunError> {
        let path = &tracing.path;
        let failed =
            |error: std::io::Error| RunError::Trace { path: path.clone(), why: error.to_string() };
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        // It may have been there before.
        file.set_permissions(Permissions::from_mode(0o600)).map_err(failed)?;
        tracing::warn!(path = %path.display(), "a trace with message bodies is being written");
        let mut secrets = Secrets::new(key, redact);
        let section = secrets.json(&tracing.section);
        let trace = Self {
            out: RefCell::new(Box::new(BufWriter::new(file))),
            secrets: RefCell::new(secrets),
            fetches: RefCell::default(),
        };
        trace.line(&json!({
            "trace": FORMAT,
            "turn": marks.turn,
            "stamp": marks.stamp,
            "seed": hex::encode(seed),
            "common": tracing.common,
            "section": section,
        }));
        Ok(trace)
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
        let page = match input {
            Input::Fetched { id, page } => {
                let table = self.fetches.borrow_mut().remove(id);
                table.map(|table| self.secrets.borrow_mut().page(table, page))
            }
            _ => None,
        };
        let input = encode::input(input, page.as_ref(), &mut self.secrets.borrow_mut());
        self.line(&json!({ "in": input, "wall": now.wall.0, "since": since }));
    }

    /// It was, and this came of it.
    pub(crate) fn handled(&self, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Fetch { id, scan } = effect {
                self.fetches.borrow_mut().insert(*id, scan.table);
            }
        }
        let out = render::effects(effects, Some(&mut self.secrets.borrow_mut()));
        self.line(&json!({ "out": out }));
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
        let shown =
            found.as_ref().map(|found| self.trace.secrets.borrow_mut().record(table, found));
        let shown = shown.map(hex::encode);
        self.trace.line(&json!({ "get": encode::get(table, key), "found": shown }));
        Ok(found)
    }

    fn scan(&self, scan: &Scan) -> Result<Page, StoreError> {
        let page = self.store.scan(scan)?;
        let shown = self.trace.secrets.borrow_mut().page(scan.table, &page);
        self.trace.line(&json!({ "scan": encode::scan(scan), "page": encode::page(&shown) }));
        Ok(page)
    }
}
