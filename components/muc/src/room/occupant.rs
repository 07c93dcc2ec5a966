//! Somebody in a room under one nickname, with one session or several.

use annex_service::{record::Record, store::StoreError, turn::Turn};
use annex_stanza::{Jid, Nick};

use super::{
    affiliation::{Affiliation, Role},
    limits::Bucket,
};
use crate::{
    feature::occupant_id,
    keys::{self, OccupantRecord},
};

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Occupant {
    /// Its number, a stamp: the end of its key.
    pub(crate) number: u64,
    /// Nickname.
    pub(crate) nick: Nick,
    /// Room and nickname.
    pub(crate) address: Jid,
    /// Bare address of the person.
    pub(crate) person: Jid,
    /// The person's affiliation.
    pub(crate) affiliation: Affiliation,
    /// Its role.
    pub(crate) role: Role,
    /// The person's occupant id (XEP-0421), as the element that every stanza carries.
    pub(crate) id: Box<[u8]>,
    /// Full addresses of its sessions, oldest first.
    pub(crate) sessions: Vec<Jid>,
    /// Messages; memory only.
    pub(crate) messages: Bucket,
    /// Errors to private messages; memory only.
    pub(crate) errors: Bucket,
}

impl Occupant {
    /// Somebody who enters now.
    pub(crate) fn new(
        turn: &mut Turn<'_>,
        room: &Jid,
        nick: Nick,
        person: Jid,
        affiliation: Affiliation,
        role: Role,
        id: &str,
    ) -> Result<Self, annex_stanza::JidError> {
        Ok(Self {
            number: turn.stamp(),
            address: room.with_resource(nick.as_str())?,
            nick,
            person,
            affiliation,
            role,
            id: occupant_id::element(id),
            sessions: Vec::new(),
            messages: Bucket::default(),
            errors: Bucket::default(),
        })
    }

    /// Writes its record.
    pub(crate) fn save(&self, turn: &mut Turn<'_>, room: u64) {
        let record = OccupantRecord { nick: self.nick.as_str().to_owned(), role: self.role };
        record.save(turn, keys::of(room).u64(self.number));
    }

    /// Reads the rest of what belongs to it; `person` is that of its sessions.
    pub(crate) fn load(
        turn: &Turn<'_>,
        room: (&Jid, u64),
        number: u64,
        record: &OccupantRecord,
        person: Jid,
        affiliation: Affiliation,
    ) -> Result<Self, StoreError> {
        let broken = |why: &str| StoreError::new("record of table occupant", why);
        let nick = Nick::check(&record.nick).map_err(|_| broken("its nickname is not one"))?;
        let address = room.0.with_resource(nick.as_str());
        let id = occupant_id::stored(turn, room.1, person.bare_key())?.unwrap_or_default();
        Ok(Self {
            number,
            address: address.map_err(|_| broken("its nickname is not a resource"))?,
            nick,
            person,
            affiliation,
            role: record.role,
            id: occupant_id::element(&id),
            sessions: Vec::new(),
            messages: Bucket::default(),
            errors: Bucket::default(),
        })
    }
}
