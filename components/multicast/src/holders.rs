//! Whose lists are whose: so that owners find theirs among all of them, strangers learn of none, and
//! nobody makes too many.

use std::collections::BTreeSet;

use annex_service::{
    record::Record,
    store::{Migrate, Migration, Op, Scan, StoreError, Table},
    turn::Turn,
};
use annex_stanza::Jid;
use serde::{Deserialize, Serialize};

use crate::keys::{LISTS, ListRecord};

/// A letter for what somebody is to a list, the key of a bare address, a zero byte, key of the list
/// → [`HeldRecord`].
pub const HOLDERS: Table = Table::new(34, "list-holder");

/// Of a store that has none of these yet.
pub const MIGRATION: Migration =
    Migration { from: 1, to: 2, describe: "lists are found by their holders", run: migrate };

/// Longest keys of a person and of a list together; the store takes 512 bytes.
const LONGEST: usize = 500;

/// The key says everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRecord;

impl Record for HeldRecord {
    const TABLE: Table = HOLDERS;
}

/// What somebody is to a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    Owner,
    Creator,
}

fn prefix(hold: Hold, person: &str) -> Vec<u8> {
    let letter = if hold == Hold::Owner { b"o" } else { b"c" };
    [letter, person.as_bytes(), &[0]].concat()
}

fn row(hold: Hold, person: &str, list: &str) -> Option<Vec<u8>> {
    let person = Jid::parse(person).ok()?;
    Some([&prefix(hold, person.bare_key()), list.as_bytes()].concat())
}

fn has_room(row: &[u8]) -> bool {
    row.len() <= LONGEST
}

/// A list that came from elsewhere may have holders for whom there is no room: it is theirs all the
/// same, and they find it by its name.
fn rows(list: &str, record: &ListRecord) -> BTreeSet<Vec<u8>> {
    let owners = record.owners.iter().filter_map(|owner| row(Hold::Owner, owner, list));
    let creator = record.creator.iter().filter_map(|creator| row(Hold::Creator, creator, list));
    owners.chain(creator).filter(|row| has_room(row)).collect()
}

/// The holders that it did not have before can be written down.
pub(crate) fn fit(list: &str, before: Option<&ListRecord>, after: &ListRecord) -> bool {
    let fit = |hold, all: &[String]| all.iter().all(|one| fits(hold, one, list));
    fit(Hold::Owner, &after.owners)
        && (before.is_some() || fit(Hold::Creator, after.creator.as_slice()))
}

/// This holder of a list can be written down.
pub(crate) fn fits(hold: Hold, person: &str, list: &str) -> bool {
    row(hold, person, list).is_none_or(|row| has_room(&row))
}

fn migrate(store: &mut dyn Migrate) -> Result<(), StoreError> {
    store.each(LISTS, |list, record| {
        let record = ListRecord::decode(record)?;
        let rows = rows(&String::from_utf8_lossy(list), &record).into_iter();
        Ok(rows.map(|row| Op::put(HOLDERS, row, HeldRecord.encode())).collect())
    })
}

/// Writes a list in place of what it was; none is a new one, or one that is gone.
pub(crate) fn put(
    list: &str,
    before: Option<&ListRecord>,
    after: Option<&ListRecord>,
    turn: &mut Turn<'_>,
) {
    let all = |record: Option<&ListRecord>| record.map(|one| rows(list, one)).unwrap_or_default();
    let (before, now) = (all(before), all(after));
    for row in before.difference(&now) {
        turn.delete(HOLDERS, row.as_slice());
    }
    for row in now {
        HeldRecord.save(turn, row);
    }
    match after {
        Some(record) => record.save(turn, list),
        None => turn.delete(LISTS, list),
    }
}

/// Some of the lists of a person, behind this one; and whether those are all.
pub(crate) fn lists(
    hold: Hold,
    person: &Jid,
    after: &str,
    turn: &Turn<'_>,
) -> Result<(Vec<String>, bool), StoreError> {
    let prefix = prefix(hold, person.bare_key());
    let scan = Scan::prefix(HOLDERS, &prefix).after(&[&prefix, after.as_bytes()].concat());
    let page = turn.scan(scan)?;
    let list = |key: &[u8]| String::from_utf8_lossy(&key[prefix.len()..]).into_owned();
    Ok((page.rows.iter().map(|row| list(&row.key)).collect(), page.complete))
}

/// Whether a person has made so many lists that are still there.
pub(crate) fn has_made(person: &Jid, many: usize, turn: &Turn<'_>) -> Result<bool, StoreError> {
    let (mut made, mut last) = (0, String::new());
    loop {
        let (found, complete) = lists(Hold::Creator, person, &last, turn)?;
        made += found.len();
        match found.into_iter().last() {
            Some(name) if !complete && made < many => last = name,
            _ => return Ok(made >= many),
        }
    }
}
