//! Affiliations and roles (XEP-0045 §5): what they are, how they are stored, and who has which.
//! Changing them is `super::admin`'s.

use annex_service::{
    context::Shared,
    record::Record,
    store::{Scan, StoreError},
    turn::Turn,
};
use annex_stanza::Jid;
use serde::{Deserialize, Serialize};

use super::config::Config;
use crate::keys::{self, AffiliationRecord};

/// Long-lived standing towards a room (XEP-0045 §5.2), in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Affiliation {
    /// Banned.
    Outcast,
    /// None.
    None,
    /// Member.
    Member,
    /// Admin.
    Admin,
    /// Owner.
    Owner,
}

impl Affiliation {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Outcast, Self::None, Self::Member, Self::Admin, Self::Owner];

    /// Value of the attribute.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outcast => "outcast",
            Self::None => "none",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Reads the attribute.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|affiliation| affiliation.as_str() == text)
    }

    /// Its number in keys.
    pub fn code(self) -> u8 {
        match self {
            Self::Outcast => 0,
            Self::None => 1,
            Self::Member => 2,
            Self::Admin => 3,
            Self::Owner => 4,
        }
    }

    /// The role with which someone enters (XEP-0045 §5.1.2).
    pub fn initial_role(self, config: &Config) -> Role {
        match self {
            Self::Owner | Self::Admin => Role::Moderator,
            Self::None if config.moderated => Role::Visitor,
            Self::Member | Self::None => Role::Participant,
            Self::Outcast => Role::None,
        }
    }
}

/// Standing within a room for as long as one is in it (XEP-0045 §5.1), in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Not in the room.
    None,
    /// Without voice.
    Visitor,
    /// With voice.
    Participant,
    /// Moderator.
    Moderator,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::None, Self::Visitor, Self::Participant, Self::Moderator];

    /// Value of the attribute.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Visitor => "visitor",
            Self::Participant => "participant",
            Self::Moderator => "moderator",
        }
    }

    /// Reads the attribute.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// The affiliation of someone: that of the service's admins is owner in every room, and is stored
/// nowhere; one's own record wins over that of one's domain.
pub(crate) fn of(
    turn: &Turn<'_>,
    shared: &Shared,
    admins_own: bool,
    room: u64,
    jid: &Jid,
) -> Result<Affiliation, StoreError> {
    if admins_own && shared.common.is_admin(jid) {
        return Ok(Affiliation::Owner);
    }
    stored_for(turn, room, jid)
}

/// The affiliation that records give.
pub(crate) fn stored_for(turn: &Turn<'_>, room: u64, jid: &Jid) -> Result<Affiliation, StoreError> {
    if let Some(own) = record(turn, room, jid.bare_key())? {
        return Ok(own.affiliation);
    }
    let domain = record(turn, room, jid.domain_key())?;
    Ok(domain.map_or(Affiliation::None, |record| record.affiliation))
}

/// The record of one bare address.
pub(crate) fn record(
    turn: &Turn<'_>,
    room: u64,
    person: &str,
) -> Result<Option<AffiliationRecord>, StoreError> {
    if person.len() > keys::LONGEST_NAME {
        return Ok(None);
    }
    AffiliationRecord::load(turn, keys::of(room).rest(person).as_ref())
}

/// Writes a record in place of another; an affiliation of none is no record.
pub(crate) fn store(
    turn: &mut Turn<'_>,
    room: u64,
    person: &str,
    old: Option<&AffiliationRecord>,
    new: Option<&AffiliationRecord>,
) {
    if let Some(old) = old {
        turn.delete(keys::LISTS, keys::listed(room, old.affiliation, person));
        if let Some(nick) = &old.nick {
            let key = annex_stanza::nick::key(nick);
            turn.delete(keys::RESERVED, keys::of(room).rest(key));
        }
    }
    match new {
        Some(new) => {
            new.save(turn, keys::of(room).rest(person));
            turn.put(keys::LISTS, keys::listed(room, new.affiliation, person), new.encode());
            if let Some(nick) = &new.nick {
                let key = annex_stanza::nick::key(nick);
                turn.put(keys::RESERVED, keys::of(room).rest(key), person.to_owned());
            }
        }
        None => turn.delete(keys::AFFILIATIONS, keys::of(room).rest(person)),
    }
}

/// Whose nickname this is, if it is reserved: the key of a bare address.
pub(crate) fn reserved_for(
    turn: &Turn<'_>,
    room: u64,
    nick_key: &str,
) -> Result<Option<String>, StoreError> {
    let key = keys::of(room).rest(nick_key);
    if key.len() > 500 {
        return Ok(None);
    }
    let person = turn.get(keys::RESERVED, &key)?;
    Ok(person.map(|person| String::from_utf8_lossy(&person).into_owned()))
}

/// Walks a list until `visit` says that it has seen enough.
pub(crate) fn walk(
    turn: &Turn<'_>,
    room: u64,
    affiliation: Affiliation,
    mut visit: impl FnMut(&str, AffiliationRecord) -> bool,
) -> Result<(), StoreError> {
    let prefix = keys::listed(room, affiliation, "");
    let mut scan = Scan::prefix(keys::LISTS, &prefix);
    loop {
        let page = turn.scan(scan.clone())?;
        for row in &page.rows {
            let person = String::from_utf8_lossy(&row.key[prefix.len()..]);
            if !visit(&person, AffiliationRecord::of(row)?) {
                return Ok(());
            }
        }
        match page.rows.last() {
            Some(last) if !page.complete => scan = scan.after(&last.key),
            _ => return Ok(()),
        }
    }
}
