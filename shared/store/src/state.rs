//! The record that is written with every group of commits: how far the store has come and how much
//! each table holds. The totals make damage visible that the engine does not notice, and size the
//! live data for compaction.

use std::collections::BTreeMap;

use annex_service::store::StoreError;
use serde::{Deserialize, Serialize};

use crate::{
    schema::{Mark, Marks},
    value::META,
};

/// What a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Total {
    /// Number of records.
    pub(crate) records: u64,
    /// Bytes of their keys and values.
    pub(crate) bytes: u64,
    /// Sum of [`fingerprint`] over them, in any order.
    pub(crate) sum: u64,
}

impl Total {
    pub(crate) fn add(&mut self, key: &[u8], length: u64, crc: u32) {
        self.records = self.records.wrapping_add(1);
        self.bytes = self.bytes.wrapping_add(key.len() as u64 + length);
        self.sum = self.sum.wrapping_add(fingerprint(key, crc));
    }

    pub(crate) fn remove(&mut self, key: &[u8], length: u64, crc: u32) {
        self.records = self.records.wrapping_sub(1);
        self.bytes = self.bytes.wrapping_sub(key.len() as u64 + length);
        self.sum = self.sum.wrapping_sub(fingerprint(key, crc));
    }
}

/// Totals by table; a table without records is absent.
pub(crate) type Totals = BTreeMap<u8, Total>;

/// A number for a record, from its whole key and the CRC of its value.
fn fingerprint(key: &[u8], value: u32) -> u64 {
    let both = u64::from(crc32fast::hash(key)) << 32 | u64::from(value);
    // Spread, so that equal changes of two records do not cancel out.
    let mixed = (both ^ both >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ mixed >> 32
}

/// All of the state record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct State {
    pub(crate) marks: Marks,
    /// Groups written since the store was made.
    pub(crate) groups: u64,
    /// Next unused chunk id.
    pub(crate) next_chunk: u64,
    pub(crate) totals: Totals,
}

/// Key of the state record.
pub(crate) const STATE: &[u8] = &[META, b's', b't', b'a', b't', b'e'];
/// Key of the schema record: `meta/schema`.
pub(crate) const SCHEMA: &[u8] = &[META, b's', b'c', b'h', b'e', b'm', b'a'];

const VERSION: u8 = 1;

impl State {
    /// Bytes of all live keys and values.
    pub(crate) fn live(&self) -> u64 {
        self.totals.values().map(|total| total.bytes).sum()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1 + 6 * 8 + 25 * self.totals.len());
        out.push(VERSION);
        let Marks { committed, confirmed } = self.marks;
        for number in [
            committed.turn,
            committed.stamp,
            confirmed.turn,
            confirmed.stamp,
            self.groups,
            self.next_chunk,
        ] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        for (table, total) in &self.totals {
            out.push(*table);
            for number in [total.records, total.bytes, total.sum] {
                out.extend_from_slice(&number.to_be_bytes());
            }
        }
        out
    }

    pub(crate) fn decode(raw: &[u8]) -> Result<Self, StoreError> {
        let mut rest = Rest(raw);
        let bad = || StoreError::damaged("read state", "the state record makes no sense");
        if rest.byte() != Some(VERSION) {
            return Err(bad());
        }
        let mut number = || rest.number().ok_or_else(bad);
        let committed = Mark { turn: number()?, stamp: number()? };
        let confirmed = Mark { turn: number()?, stamp: number()? };
        let (groups, next_chunk) = (number()?, number()?);
        let mut totals = Totals::new();
        while let Some(table) = rest.byte() {
            let mut number = || rest.number().ok_or_else(bad);
            totals.insert(table, Total { records: number()?, bytes: number()?, sum: number()? });
        }
        Ok(Self { marks: Marks { committed, confirmed }, groups, next_chunk, totals })
    }
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let (first, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*first))
    }
}

/// What the schema record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    /// Which component wrote the store.
    pub(crate) component: String,
    /// In which format.
    pub(crate) format: u32,
    /// Version of Annex that made or migrated it.
    pub(crate) annex: String,
}

impl Owner {
    pub(crate) fn new(component: &str, format: u32) -> Self {
        Self { component: component.into(), format, annex: env!("CARGO_PKG_VERSION").into() }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(crate) fn decode(raw: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(raw)
            .map_err(|error| StoreError::damaged("read schema", format!("meta/schema: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_record_reads_back() {
        let mut state = State { groups: 7, next_chunk: 9, ..State::default() };
        state.marks.committed = Mark { turn: 3, stamp: 4 };
        state.totals.entry(40).or_default().add(b"key", 10, 11);
        assert_eq!(State::decode(&state.encode()).ok(), Some(state.clone()));
        let raw = state.encode();
        for cut in [0, 1, 20, raw.len() - 1] {
            assert!(State::decode(&raw[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_added_can_be_removed() {
        let mut total = Total::default();
        total.add(b"a", 1, 2);
        total.add(b"b", 3, 4);
        total.remove(b"a", 1, 2);
        let mut other = Total::default();
        other.add(b"b", 3, 4);
        assert_eq!(total, other);
    }
}
