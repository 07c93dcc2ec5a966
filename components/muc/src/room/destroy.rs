//! Destroying a room (XEP-0045 §10.9).

use std::collections::BTreeMap;

use annex_service::{
    context::{Context, Outcome},
    effect::Timer,
    slices,
};
use annex_stanza::{Jid, Xml, ns};

use super::{
    Room,
    affiliation::{Affiliation, Role},
    create,
    depart::Departure,
    item::{Item, gone_template, write_codes},
    listed,
    viewers::Class,
};
use crate::{
    keys::{self, Note},
    service::{Muc, TIMER_LOCK},
};

/// Why a room is destroyed, and where its people may go.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reason {
    /// Another room.
    pub(crate) venue: Option<String>,
    /// Its password.
    pub(crate) password: Option<String>,
    /// Why.
    pub(crate) reason: Option<String>,
}

/// The rendered `<destroy/>`.
pub(crate) fn element(
    venue: Option<&str>,
    password: Option<&str>,
    reason: Option<&str>,
) -> Vec<u8> {
    let mut xml = Xml::new();
    xml.open("destroy").attr_opt("jid", venue);
    if let Some(password) = password {
        xml.text_element("password", None, password);
    }
    if let Some(reason) = reason {
        xml.text_element("reason", None, reason);
    }
    xml.finish()
}

/// Removes everybody and the room. §10.9: each session is told once, and of nobody else.
pub(crate) fn destroy(
    muc: &mut Muc,
    jid: &Jid,
    why: &Reason,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let Some(room) = muc.rooms.forget(jid) else { return Ok(()) };
    let destroy = element(why.venue.as_deref(), why.password.as_deref(), why.reason.as_deref());
    let departure = Departure { destroy: &destroy, ..Departure::default() };
    let (mut told, mut nicks) = (Vec::new(), BTreeMap::new());
    for occupant in room.occupants.values() {
        let payload =
            Room::unavailable(occupant, &occupant.sessions, Class::Full, true, &departure);
        let template = gone_template(&occupant.address, payload);
        let shown = room.roster.shown().contains(&occupant.number);
        nicks.insert(occupant.nick.as_str().to_owned(), (occupant.id.to_vec(), shown));
        for session in occupant.sessions.iter().filter_map(|jid| room.sessions.get(jid)) {
            room.send(template.clone(), session.recipient(), context);
            told.push((occupant.nick.as_str().to_owned(), session.jid.as_str().to_owned()));
        }
    }
    let mut xml = Xml::new();
    xml.open("x").xmlns(ns::MUC_USER);
    Item::new(Affiliation::None, Role::None).write(&mut xml);
    xml.raw(&destroy);
    write_codes(&mut xml, &[110]);
    let payload = xml.finish();
    let jid = room.jid.as_str().to_owned();
    room.note(&Note::Destroyed { room: jid, payload, sessions: told, nicks }, context);
    erase(&room, context)
}

/// Removes the room's records: its name at once, and with it everything becomes unreachable; the
/// rest in slices.
pub(crate) fn erase(room: &Room, context: &mut Context<'_, '_>) -> Outcome<()> {
    listed::unlist(room, context.turn)?;
    if let Some(key) = room.jid.local_key() {
        context.turn.delete(keys::NAMES, key.as_bytes());
    }
    context.turn.delete(keys::OCCUPIED, keys::of(room.id));
    for table in keys::OF_A_ROOM {
        slices::doom(context.turn, *table, &keys::of(room.id));
    }
    if let Some(at) = room.record.locked {
        let timer = Timer { kind: TIMER_LOCK, id: room.id };
        context.shared.due.clear(context.turn, annex_stanza::Timestamp(at), timer);
    }
    let creator = &room.record.creator;
    let created = create::created_by(context.turn, creator)?;
    create::set_created_by(context.turn, creator, created.saturating_sub(1));
    context.turn.count("annex_muc_rooms_destroyed_total", None);
    Ok(())
}
