//! Adding up what a copy of a store holds, to compare it with what the store should hold.
//!
//! A copy is a run of records in the order of their keys; among them, and out of that order, come
//! changes of records that have passed. The first reading tells which keys change, the second takes
//! the last of each: memory is needed for those alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::{state::Totals, tap::Entry};

/// A sum in the making.
#[derive(Default)]
pub(crate) struct Sum {
    totals: Totals,
    highest: Vec<u8>,
    changed: BTreeSet<Vec<u8>>,
    /// Length and CRC of the value of each key that changes, in the second reading.
    last: Option<BTreeMap<Vec<u8>, (u64, u32)>>,
}

impl Sum {
    /// Adds the next entry.
    pub(crate) fn add(&mut self, (key, value): &Entry) {
        let value = value.as_ref().map(|value| (value.len() as u64, crc32fast::hash(value)));
        if let Some(last) = self.last.as_mut().filter(|_| self.changed.contains(key)) {
            match value {
                Some(value) => drop(last.insert(key.clone(), value)),
                None => drop(last.remove(key)),
            }
        } else if *key > self.highest {
            self.highest.clone_from(key);
            count(&mut self.totals, key, value);
        } else {
            self.changed.insert(key.clone());
        }
    }

    /// Nothing has changed on the way, or this was the second reading.
    pub(crate) fn is_final(&self) -> bool {
        self.last.is_some() || self.changed.is_empty()
    }

    /// For the second reading.
    pub(crate) fn again(self) -> Self {
        Self { changed: self.changed, last: Some(BTreeMap::new()), ..Self::default() }
    }

    /// What was added, once it is final.
    pub(crate) fn totals(mut self) -> Totals {
        for (key, value) in self.last.unwrap_or_default() {
            count(&mut self.totals, &key, Some(value));
        }
        self.totals
    }
}

fn count(totals: &mut Totals, key: &[u8], value: Option<(u64, u32)>) {
    if let Some((length, crc)) = value {
        let table = key.first().copied().unwrap_or_default();
        totals.entry(table).or_default().add(key, length, crc);
    }
}
