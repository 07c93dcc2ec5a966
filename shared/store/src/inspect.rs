//! What a store holds, in numbers.

use std::sync::atomic::Ordering;

use crate::{
    commit::Shared,
    memory::Memory,
    schema::{Marks, Schema},
};

/// A store in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inspect {
    /// The tables that have records.
    pub tables: Vec<TableUse>,
    /// Bytes of all keys and values.
    pub live_bytes: u64,
    /// Bytes of all files.
    pub file_bytes: u64,
    /// Bytes of commits that wait.
    pub queued_bytes: usize,
    /// Groups of commits written since the store was opened.
    pub groups: u64,
    /// Flushes to the device for them.
    pub flushes: u64,
    /// Compactions since the store was opened.
    pub compactions: u64,
    /// True while one is under way.
    pub compacting: bool,
    /// How far the store has come.
    pub marks: Marks,
}

/// What a table holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableUse {
    /// Its name; its number where the schema has no name for it.
    pub name: String,
    /// Number of records.
    pub records: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
}

pub(crate) fn disk(shared: &Shared) -> Inspect {
    let state = shared.view().clone();
    let tables = state.totals.iter().map(|(table, total)| TableUse {
        name: name(&shared.config.schema, *table),
        records: total.records,
        bytes: total.bytes,
    });
    Inspect {
        tables: tables.collect(),
        live_bytes: state.live(),
        file_bytes: shared.slot.home().bytes(),
        queued_bytes: shared.queue.bytes(),
        groups: shared.groups.load(Ordering::Relaxed),
        flushes: shared.flushes.load(Ordering::Relaxed),
        compactions: shared.compactions.load(Ordering::Relaxed),
        compacting: shared.compacting.load(Ordering::Relaxed),
        marks: state.marks,
    }
}

pub(crate) fn memory(memory: &Memory, schema: &Schema) -> Inspect {
    let mut tables: Vec<TableUse> = Vec::new();
    let mut last = None;
    for (key, value) in memory.records() {
        let table = key.first().copied().unwrap_or_default();
        if last != Some(table) {
            last = Some(table);
            tables.push(TableUse { name: name(schema, table), records: 0, bytes: 0 });
        }
        if let Some(table) = tables.last_mut() {
            table.records += 1;
            table.bytes += (key.len() + value.len()) as u64;
        }
    }
    Inspect {
        live_bytes: tables.iter().map(|table| table.bytes).sum(),
        tables,
        queued_bytes: memory.queued(),
        marks: memory.marks(),
        ..Inspect::default()
    }
}

fn name(schema: &Schema, table: u8) -> String {
    schema.table(table).map_or_else(|| table.to_string(), |table| table.name.to_owned())
}
