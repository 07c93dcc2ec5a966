//! The rooms that are in memory: found by address or number, read when they are needed, forgotten
//! when nobody is there.

use std::{collections::BTreeMap, time::Duration};

use annex_service::{
    context::{Context, Outcome},
    record::Parts,
    store::{Scan, StoreError},
};
use annex_stanza::{Jid, Stanza};

use super::{Room, load};
use crate::{keys, refusals};

/// The rooms that are in memory.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    /// By key of the address.
    rooms: BTreeMap<Box<str>, Room>,
    /// Keys of addresses by number.
    ids: BTreeMap<u64, Box<str>>,
    /// The service's admins own every room.
    pub(crate) admins_own: bool,
    /// Every room that has occupants is here.
    pub(crate) complete: bool,
}

impl Rooms {
    /// None yet.
    pub(crate) fn new(admins_own: bool) -> Self {
        Self { admins_own, ..Self::default() }
    }

    /// Reads every room that has occupants: from then on, whoever is in a room is in memory, and
    /// what a stanza makes us read is an empty room, a handful of records.
    pub(crate) fn read_occupied(&mut self, context: &Context<'_, '_>) -> Result<(), StoreError> {
        let mut scan = Scan::all(keys::OCCUPIED);
        loop {
            let page = context.turn.scan(scan.clone())?;
            for row in &page.rows {
                self.find_by_id(Parts::of(keys::OCCUPIED, &row.key).u64()?, context)?;
            }
            match page.rows.last() {
                Some(last) if !page.complete => scan = scan.after(&last.key),
                _ => break,
            }
        }
        self.complete = true;
        Ok(())
    }

    /// The room with this number, if it is in memory.
    pub(crate) fn here_by_id(&mut self, id: u64) -> Option<&mut Room> {
        self.rooms.get_mut(self.ids.get(&id)?)
    }

    /// The room in memory.
    pub(crate) fn here(&mut self, jid: &Jid) -> Option<&mut Room> {
        self.rooms.get_mut(jid.bare_key())
    }

    /// The room, read from its records if it is not in memory.
    pub(crate) fn find(
        &mut self,
        jid: &Jid,
        context: &Context<'_, '_>,
    ) -> Result<Option<&mut Room>, StoreError> {
        // Looked up twice: a borrow that is returned on one path only is refused by the compiler.
        if !self.rooms.contains_key(jid.bare_key()) {
            let Some(room) = load::by_name(jid, self.admins_own, context)? else { return Ok(None) };
            self.insert(room);
        }
        let Some(room) = self.rooms.get_mut(jid.bare_key()) else { return Ok(None) };
        room.touched = context.turn.since_start();
        Ok(Some(room))
    }

    /// The room, if anybody can be in it: nothing is read for strangers, as long as every room with
    /// occupants is here.
    pub(crate) fn occupied(
        &mut self,
        jid: &Jid,
        context: &Context<'_, '_>,
    ) -> Result<Option<&mut Room>, StoreError> {
        if self.complete { Ok(self.here(jid)) } else { self.find(jid, context) }
    }

    /// The room that a request is for, if it is there for who asks.
    pub(crate) fn open(
        &mut self,
        request: &Stanza,
        context: &Context<'_, '_>,
    ) -> Outcome<&mut Room> {
        let room = self.find(&request.to, context)?.ok_or_else(refusals::no_room)?;
        if room.hides_from(&request.from) { Err(refusals::locked().into()) } else { Ok(room) }
    }

    /// The room with this number, if it was not destroyed.
    pub(crate) fn find_by_id(
        &mut self,
        id: u64,
        context: &Context<'_, '_>,
    ) -> Result<Option<&mut Room>, StoreError> {
        if !self.ids.contains_key(&id) {
            let Some(room) = load::by_id(id, self.admins_own, context)? else { return Ok(None) };
            self.insert(room);
        }
        Ok(self.ids.get(&id).and_then(|name| self.rooms.get_mut(name)))
    }

    /// A room that was just created or read.
    pub(crate) fn insert(&mut self, room: Room) {
        let name: Box<str> = room.jid.bare_key().into();
        self.ids.insert(room.id, name.clone());
        self.rooms.insert(name, room);
    }

    /// Forgets a room; it is read again when it is needed.
    pub(crate) fn forget(&mut self, jid: &Jid) -> Option<Room> {
        let room = self.rooms.remove(jid.bare_key())?;
        self.ids.remove(&room.id);
        Some(room)
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.rooms.clear();
        self.ids.clear();
    }

    /// Forgets rooms where nobody is and that were not used for `idle`.
    pub(crate) fn evict(&mut self, now: Duration, idle: Duration) {
        let ids = &mut self.ids;
        self.rooms.retain(|_, room| {
            let keep = !room.is_empty() || now.saturating_sub(room.touched) < idle;
            if !keep {
                ids.remove(&room.id);
            }
            keep
        });
    }

    /// All that are in memory, in order of their addresses.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Room> {
        self.rooms.values()
    }
}
