//! The subject (XEP-0045 §7.2.15, §8.1).

use annex_service::{
    context::{Context, Outcome},
    record::Record,
};
use annex_stanza::{Kind, MessageType, Outgoing, Payload, Stanza, Template, Xml, ns};

use super::{Room, affiliation::Role, history, strip};
use crate::{
    config::Settings,
    keys::{self, Note, SubjectRecord},
    refusals,
    service::Muc,
};

/// §8.1: a `<subject/>`, and neither `<body/>` nor `<thread/>`.
pub(crate) fn is_change(payload: &Payload) -> bool {
    let mut subject = false;
    for child in payload.children() {
        if &*child.ns == ns::CLIENT {
            match &*child.name {
                "subject" => subject = true,
                "body" | "thread" => return false,
                _ => {}
            }
        }
    }
    subject
}

/// An occupant changes the subject.
pub(crate) fn change(
    room: &mut Room,
    settings: &Settings,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let Some(occupant) = room.occupant_of(&stanza.from) else {
        return Err(refusals::not_in_room().into());
    };
    let least = if room.record.config.subject_by_participants {
        Role::Participant
    } else {
        Role::Moderator
    };
    if occupant.role < least {
        return Err(refusals::may_not_change_subject().into());
    }
    let text = stanza.payload.text(ns::CLIENT, "subject").unwrap_or_default();
    let payload = strip::message(&stanza.payload, &room.jid);
    if text.len() > settings.max_subject || payload.len() > 4 * settings.max_subject {
        return Err(refusals::subject_too_long().into());
    }
    let id = match &stanza.id {
        Some(id) => id.clone(),
        None => context.turn.token(),
    };
    let Some(occupant) = room.occupant_of(&stanza.from) else { return Ok(()) };
    let mut said = payload.to_vec();
    said.extend_from_slice(&occupant.id);
    let (nick, from) = (occupant.nick.as_str().to_owned(), occupant.address.clone());
    let at = context.turn.wall().0;
    let record = SubjectRecord { payload: said.clone(), text, nick, id: Some(id.clone()), at };
    record.save(context.turn, keys::of(room.id));
    room.subject = Some(record);
    // It is no message of the past: who enters is told the one that is (§7.2.15), and many changes
    // leave the history as it is.
    let at = context.turn.stamp();
    room.note(&Note::Subject { room: room.id, at }, context);
    let live = Outgoing {
        kind: Kind::Message(MessageType::Groupchat),
        from,
        id: Some(id),
        lang: stanza.lang.clone(),
        payload: said,
    };
    room.tell_all(&live.template(), context);
    Ok(())
}

/// There is none any more: who is inside is told so by the room (§8.1).
pub(crate) fn clear(muc: &mut Muc, room: u64, context: &mut Context<'_, '_>) {
    context.turn.delete(keys::SUBJECTS, keys::of(room));
    let Some(room) = muc.rooms.here_by_id(room) else { return };
    room.subject = None;
    let at = context.turn.stamp();
    room.note(&Note::Subject { room: room.id, at }, context);
    room.tell_all(&template(room), context);
}

/// What one who enters is told (§7.2.15): the subject, with the time at which it was set; an empty
/// one where there is none.
pub(crate) fn template(room: &Room) -> Template {
    let kind = MessageType::Groupchat;
    let Some(subject) = &room.subject else {
        let mut xml = Xml::new();
        xml.open("subject").close();
        return Outgoing { payload: xml.finish(), ..Outgoing::message(kind, &room.jid) }.template();
    };
    let mut xml = Xml::new();
    history::delay(&mut xml, &room.jid, subject.at);
    xml.raw(&subject.payload);
    Outgoing {
        id: subject.id.clone(),
        payload: xml.finish(),
        ..Outgoing::message(kind, &room.address_of(&subject.nick))
    }
    .template()
}
