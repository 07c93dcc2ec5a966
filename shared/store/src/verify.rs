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
        let name = |table: u8| match storage.shared.config.schema.table(table) {
            Some(table) => table.name.to_owned(),
            None => format!("table {table}"),
        };
        check(&storage.writer, name)
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
