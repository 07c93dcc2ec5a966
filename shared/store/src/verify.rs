//! Reading everything, and comparing it with what should be there.

use std::{
    collections::BTreeMap,
    ops::{Bound, ControlFlow},
};

use annex_service::store::StoreError;
use bytes::Bytes;

use crate::{
    commit::{Shared, Storage},
    state::{State, Totals},
    tap::ask,
    value::{self, CHUNK, FIRST, Head},
    writer::Writer,
};

/// What a check of the store found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// Records that were read.
    pub records: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// What is wrong, in sentences; empty if nothing is.
    pub problems: Vec<String>,
}

/// Checks the store on the storage thread, between two groups: nothing changes meanwhile.
pub(crate) fn verify(shared: &Shared) -> Result<Verified, StoreError> {
    ask(shared, |storage: &mut Storage| {
        if let Some(error) = &storage.failed {
            return Err(error.clone());
        }
        check(&storage.writer, |table| storage.shared.config.schema.name(table))
    })?
}

/// Compares the records of `writer`'s engine with its state.
pub(crate) fn check(writer: &Writer, name: impl Fn(u8) -> String) -> Result<Verified, StoreError> {
    let Writer { engine, state } = writer;
    let mut found = Totals::new();
    let mut verified = Verified::default();
    // Chunk id → number of its chunks.
    let mut wanted = BTreeMap::new();
    engine.scan(Bound::Included(vec![FIRST]), Bound::Unbounded, false, |key, raw| {
        let head = Head::parse(raw)?;
        if let Head::Chunked { id, .. } = head {
            wanted.insert(id, head.chunks());
            if let Err(error) = value::complete(engine, key, Bytes::copy_from_slice(raw)) {
                verified.problems.push(format!("{}: {}", name(key[0]), error.why));
            }
        }
        found.entry(key[0]).or_default().add(key, head.length(), head.crc());
        verified.records += 1;
        verified.bytes += key.len() as u64 + head.length();
        Ok(ControlFlow::Continue(()))
    })?;
    compare(&found, state, name, &mut verified.problems);
    let mut stray = 0u64;
    let chunks = (Bound::Included(vec![CHUNK]), Bound::Excluded(vec![CHUNK + 1]));
    engine.scan(chunks.0, chunks.1, false, |key, _| {
        let id = key[1..9].iter().fold(0, |id, byte| id << 8 | u64::from(*byte));
        let number = key[9..].iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
        if wanted.get(&id).is_none_or(|chunks| number >= *chunks) {
            stray += 1;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    if stray > 0 {
        verified.problems.push(format!("{stray} chunks belong to no record"));
    }
    Ok(verified)
}

fn compare(found: &Totals, state: &State, name: impl Fn(u8) -> String, problems: &mut Vec<String>) {
    for table in 0..=u8::MAX {
        let (found, expected) = (
            found.get(&table).copied().unwrap_or_default(),
            state.totals.get(&table).copied().unwrap_or_default(),
        );
        if found == expected {
            continue;
        }
        problems.push(if found.records == expected.records {
            format!("{}: records have changed", name(table))
        } else {
            format!(
                "{}: {} records should be there, {} are",
                name(table),
                expected.records,
                found.records
            )
        });
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::mpsc};

    use annex_service::store::{Op, Table};

    use crate::{
        Commit, Config, FileError, OpenError, Schema, Store, check_backup, engine::Batch, open,
    };

    const TABLE: Table = Table::new(40, "room");

    fn config(path: &Path) -> Config {
        let tables = vec![TABLE];
        Config::new(path, Schema { component: "test", version: 1, tables, migrations: Vec::new() })
    }

    /// A store with `records` of 4,000 bytes, one of which is gone: what sled does with a part of
    /// its log that it cannot read.
    fn lacking(path: &Path, records: u64) -> Result<Store, OpenError> {
        let (sink, reports) = mpsc::channel();
        let store = Store::open(config(path), Box::new(move |done| drop(sink.send(done))))?;
        let put = |n: u64| Op::put(TABLE, n.to_be_bytes(), vec![n as u8; 4_000]);
        store.commit(Commit { turn: 1, stamp: 1, ops: (0..records).map(put).collect() });
        reports.recv().expect("a report").result.expect("written");
        store.close();
        let (shared, writer) = open::open(config(path))?;
        let mut batch = Batch::default();
        batch.delete(&TABLE.key(&7u64.to_be_bytes()));
        writer.engine.apply(batch).expect("applied");
        drop((shared, writer));
        Store::open(config(path), Box::new(drop))
    }

    #[test]
    fn a_small_store_that_lacks_a_record_does_not_open() {
        let dir = tempfile::tempdir().expect("a directory");
        match lacking(dir.path(), 50).map(drop) {
            Err(OpenError::Damaged { why, .. }) => assert!(why.contains("50 records"), "{why}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_store_that_lacks_a_record_gives_away_is_no_backup_and_no_export() {
        let dir = tempfile::tempdir().expect("a directory");
        // Too large to be read whole at each start.
        let store = lacking(&dir.path().join("store"), 2_500).expect("it opens");
        assert_eq!(store.verify().expect("readable").problems.len(), 1);
        let file = dir.path().join("backup");
        let backup = store.backup(&file).and_then(|_| check_backup(&file));
        assert!(matches!(backup, Err(FileError::Damaged { .. })), "{backup:?}");
        let export = store.export(&mut Vec::new(), None);
        assert!(matches!(&export, Err(FileError::Store(error)) if error.damaged), "{export:?}");
    }
}
