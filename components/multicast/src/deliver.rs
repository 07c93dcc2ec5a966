//! A stanza that is to be copied, and to whom (XEP-0033 §4.5). Pure: a plan, not its sending.

mod copies;

use std::hash::BuildHasher;

use annex_stanza::{Jid, Kind, Stanza, ns};
use hashbrown::{DefaultHashBuilder, HashTable, hash_table::Entry as Place};

pub use self::copies::{Copies, copies, relayed};
pub(crate) use self::copies::{is_strict, is_strict_for};
use crate::{address::Addresses, report};

/// A stanza to be copied: what all copies share.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Kind and type.
    pub kind: Kind,
    /// Its sender.
    pub from: Jid,
    /// Its id.
    pub id: Option<String>,
    /// Its language.
    pub lang: Option<String>,
    /// What stands before the addresses.
    pub before: Vec<u8>,
    /// What stands behind them.
    pub after: Vec<u8>,
    /// The addresses; none for presence that is told to those who are remembered.
    pub addresses: Option<Addresses>,
}

impl Draft {
    /// Takes a stanza apart. The wish for a report goes no further.
    pub fn new(stanza: &Stanza, addresses: Option<Addresses>) -> Self {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut behind = false;
        for child in stanza.payload.children() {
            if child.is(ns::ADDRESS, "addresses") {
                behind = true;
            } else if !child.is(report::NS, "report") {
                let part = if behind { &mut after } else { &mut before };
                part.extend_from_slice(stanza.payload.slice(child));
            }
        }
        Self {
            kind: stanza.kind,
            from: stanza.from.clone(),
            id: stanza.id.clone(),
            lang: stanza.lang.clone(),
            before,
            after,
            addresses,
        }
    }

    /// Bytes of memory, roughly.
    pub(crate) fn size(&self) -> usize {
        let addresses = self.addresses.as_ref().map_or(0, Addresses::size);
        self.before.len() + self.after.len() + addresses
    }
}

/// Of several entries for one address the first of the lowest rank counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// It has been delivered to (XEP-0033 §4.5): nothing more is.
    Delivered,
    /// Shown to everyone.
    Open,
    /// Shown to itself.
    Blind,
}

/// Someone who is delivered to.
#[derive(Debug, Clone)]
pub struct Target {
    /// The address.
    pub jid: Jid,
    /// Which entry names it.
    pub entry: usize,
    /// The entry is that of a list with this member.
    pub listed: bool,
    /// What outdoes the others of the same address.
    pub rank: Rank,
    /// Our own server delivers to it.
    pub near: bool,
}

impl Target {
    /// Its own entry is shown to itself only.
    fn is_blind(&self) -> bool {
        self.rank == Rank::Blind
    }
}

/// Takes out what was delivered, and everything but the first of several entries for one address.
/// A full address of a user of ours is covered by the bare one: whoever is written to everywhere is
/// not written to twice at one place. Elsewhere it may be somebody else, such as an occupant of a
/// room.
pub fn select(mut candidates: Vec<Target>) -> Vec<Target> {
    let key = |at: usize| candidates[at].jid.key();
    let hasher = DefaultHashBuilder::default();
    // Of each address the one that counts.
    let mut found = HashTable::<usize>::with_capacity(candidates.len());
    let mut kept = vec![true; candidates.len()];
    for at in 0..candidates.len() {
        let same = |other: &usize| key(*other) == key(at);
        match found.entry(hasher.hash_one(key(at)), same, |other| hasher.hash_one(key(*other))) {
            Place::Vacant(place) => drop(place.insert(at)),
            Place::Occupied(mut place) => {
                let before = *place.get();
                let outdone = candidates[at].rank < candidates[before].rank;
                kept[if outdone { before } else { at }] = false;
                if outdone {
                    *place.get_mut() = at;
                }
            }
        }
    }
    let is_written_to = |jid: &str| {
        let counts = found.find(hasher.hash_one(jid), |at| key(*at) == jid);
        counts.is_some_and(|at| candidates[*at].rank != Rank::Delivered)
    };
    for (one, kept) in candidates.iter().zip(&mut kept) {
        let covered = one.near && one.jid.is_full() && is_written_to(one.jid.bare_key());
        *kept &= !covered && one.rank != Rank::Delivered;
    }
    let mut kept = kept.into_iter();
    candidates.retain(|_| kept.next().unwrap_or(false));
    candidates
}
